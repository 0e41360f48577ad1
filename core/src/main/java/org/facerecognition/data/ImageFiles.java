package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.Existence;
import org.facerecognition.io.FileNames;

/**
 * Decides by their names which files of a folder are images. This is the only place that knows file extensions and the
 * names of files and folders that operating systems, network storage and programs create. Everything that is passed
 * over is counted, so that nothing is dropped silently.
 */
public final class ImageFiles {
    /*
     * The extensions were tested with the bundled OpenCV. It decodes GIF (the first frame), Radiance HDR and Sun
     * raster. It does not decode AVIF, HEIC and TGA; its JPEG 2000 and OpenEXR codecs are disabled; and it reads PFM's
     * values from 0 to 1 as black. A single file with another name is still decoded by its contents.
     */
    private static final Set<String> IMAGES = Set.of(
            "jpg", "jpeg", "jpe", "jfif", "png", "apng", "bmp", "dib", "webp", "pgm", "ppm", "pbm", "pnm", "pam", "tif",
            "tiff", "gif", "ras", "hdr");

    private static final String RAW = "camera raw";

    private static final Map<String, String> UNREADABLE = Map.ofEntries(
            Map.entry("heic", "HEIC"),
            Map.entry("heics", "HEIC"),
            Map.entry("heif", "HEIC"),
            Map.entry("heifs", "HEIC"),
            Map.entry("hif", "HEIC"),
            Map.entry("avif", "AVIF"),
            Map.entry("avifs", "AVIF"),
            Map.entry("jxl", "JPEG XL"),
            Map.entry("jxr", "JPEG XR"),
            Map.entry("wdp", "JPEG XR"),
            Map.entry("hdp", "JPEG XR"),
            Map.entry("jp2", "JPEG 2000"),
            Map.entry("j2k", "JPEG 2000"),
            Map.entry("j2c", "JPEG 2000"),
            Map.entry("jpc", "JPEG 2000"),
            Map.entry("jpf", "JPEG 2000"),
            Map.entry("jpx", "JPEG 2000"),
            Map.entry("svg", "SVG"),
            Map.entry("svgz", "SVG"),
            Map.entry("psd", "Photoshop"),
            Map.entry("psb", "Photoshop"),
            Map.entry("xcf", "GIMP"),
            Map.entry("exr", "OpenEXR"),
            Map.entry("pfm", "PFM"),
            Map.entry("tga", "TGA"),
            Map.entry("pcx", "PCX"),
            Map.entry("ico", "icon"),
            Map.entry("icns", "icon"),
            Map.entry("dds", "DDS"),
            Map.entry("bpg", "BPG"),
            Map.entry("qoi", "QOI"),
            Map.entry("pcd", "Photo CD"),
            Map.entry("eps", "PostScript"),
            Map.entry("dcm", "DICOM"),
            Map.entry("3fr", RAW),
            Map.entry("arw", RAW),
            Map.entry("cr2", RAW),
            Map.entry("cr3", RAW),
            Map.entry("crw", RAW),
            Map.entry("dcr", RAW),
            Map.entry("dng", RAW),
            Map.entry("erf", RAW),
            Map.entry("fff", RAW),
            Map.entry("iiq", RAW),
            Map.entry("kdc", RAW),
            Map.entry("mef", RAW),
            Map.entry("mos", RAW),
            Map.entry("mrw", RAW),
            Map.entry("nef", RAW),
            Map.entry("nrw", RAW),
            Map.entry("orf", RAW),
            Map.entry("pef", RAW),
            Map.entry("raf", RAW),
            Map.entry("raw", RAW),
            Map.entry("rw2", RAW),
            Map.entry("rwl", RAW),
            Map.entry("sr2", RAW),
            Map.entry("srf", RAW),
            Map.entry("srw", RAW),
            Map.entry("x3f", RAW));

    /** Names that are compared with case. */
    private static final Set<String> LEFT_BEHIND = Set.of(
            "__MACOSX",
            "Network Trash Folder",
            "Temporary Items",
            "TheVolumeSettingsFolder",
            "TheFindByContentFolder",
            "Desktop DB",
            "Desktop DF",
            "Icon\r",
            "@eaDir", // Synology
            "@tmp",
            "@sharebin",
            "@appstore",
            "@database",
            "#recycle",
            "#snapshot",
            "@Recycle", // QNAP
            "@Recently-Snapshot",
            "@Transcode",
            "~snapshot", // NetApp
            "trashbox", // Buffalo
            "_NAS_Recycle_RAID",
            "lost+found",
            "__pycache__",
            "CVS");

    /** Names that Windows and its programs create, compared without case. */
    private static final Set<String> LEFT_BY_WINDOWS = Set.of(
            "thumbs.db",
            "thumbs.db:encryptable",
            "ehthumbs.db",
            "ehthumbs_vista.db",
            "desktop.ini",
            "autorun.inf",
            "picasa.ini",
            "zbthumbnail.info",
            "pspbrwse.jbf",
            "$recycle.bin",
            "recycler",
            "recycled",
            "system volume information",
            "config.msi");

    private static final Pattern CHKDSK = Pattern.compile("found\\.\\d{3}");

    /** Extensions of files that are being written, and of editors' copies and locks. */
    private static final Set<String> UNFINISHED = Set.of(
            "tmp",
            "temp",
            "part",
            "partial",
            "filepart",
            "crdownload",
            "download",
            "opdownload",
            "!ut",
            "!qb",
            "bak",
            "swp",
            "lock",
            "lck");

    private static final Set<String> UNFINISHED_FOLDERS = Set.of("download", "lrdata");

    private ImageFiles() {}

    /** The kinds of files, by their names. */
    public enum Kind {
        /** An image that can be decoded. */
        IMAGE,
        /** An image in a format that cannot be decoded: HEIC, AVIF, camera raw and others. */
        UNREADABLE_IMAGE,
        /**
         * A hidden file, or one that an operating system or a program created: not an image, whatever its extension.
         */
        LEFT_BEHIND,
        /** Anything else. */
        OTHER
    }

    /** Returns the kind of a file by its name alone; nothing is read. */
    public static Kind kindOf(Path file) {
        return kindOf(name(file));
    }

    /** Returns the kind of a file of any file system by its name, without folders. */
    public static Kind kindOf(String name) {
        String extension = extension(name);
        if (isLeftBehind(name) || UNFINISHED.contains(extension) || isLeftBehindFile(name)) {
            return Kind.LEFT_BEHIND;
        }
        if (IMAGES.contains(extension)) {
            return Kind.IMAGE;
        }
        return UNREADABLE.containsKey(extension) ? Kind.UNREADABLE_IMAGE : Kind.OTHER;
    }

    /** Returns whether a folder is hidden or was created by an operating system or a program, by its name alone. */
    public static boolean isLeftBehindFolder(Path folder) {
        return isLeftBehindFolder(name(folder));
    }

    /** Returns the same of a folder of any file system, by its name without the folders above. */
    public static boolean isLeftBehindFolder(String name) {
        return isLeftBehind(name) || UNFINISHED_FOLDERS.contains(extension(name));
    }

    /**
     * Returns the format of a file of kind {@link Kind#UNREADABLE_IMAGE}, such as {@code HEIC} or {@code camera raw}.
     */
    public static Optional<String> unreadableFormat(Path file) {
        return unreadableFormat(name(file));
    }

    static Optional<String> unreadableFormat(String name) {
        return kindOf(name) == Kind.UNREADABLE_IMAGE
                ? Optional.ofNullable(UNREADABLE.get(extension(name)))
                : Optional.empty();
    }

    private static boolean isLeftBehind(String name) {
        String lowerCase = name.toLowerCase(Locale.ROOT);
        return name.startsWith(".")
                || LEFT_BEHIND.contains(name)
                || LEFT_BY_WINDOWS.contains(lowerCase)
                || CHKDSK.matcher(lowerCase).matches();
    }

    private static boolean isLeftBehindFile(String name) {
        return name.startsWith("~$") // Office
                || name.endsWith("~") // editors
                || name.startsWith("SYNOFILE_THUMB_")
                || name.startsWith("SYNOPHOTO_THUMB_")
                || name.contains("@Syno") // extended attributes as files
                || name.toLowerCase(Locale.ROOT).endsWith("zone.identifier"); // Windows' mark of downloads
    }

    /**
     * The order of UTF-8, by which Linux and macOS sort paths. Windows ignores the case of letters, and an order of its
     * own would give people other labels there, and divide their images in another way.
     */
    private static final Comparator<Path> BY_NAME = Comparator.comparing(
            path -> path.toString().replace(path.getFileSystem().getSeparator(), "/"), ImageFiles::compare);

    /** Compares texts by their code points. */
    static int compare(String a, String b) {
        int mismatch = 0;
        int common = Math.min(a.length(), b.length());
        while (mismatch < common && a.charAt(mismatch) == b.charAt(mismatch)) {
            mismatch++;
        }
        if (mismatch == common) {
            return Integer.compare(a.length(), b.length());
        }
        char one = a.charAt(mismatch);
        char other = b.charAt(mismatch);
        // in UTF-16, the halves of code points beyond 16 bits come before those from U+E000
        return Character.isSurrogate(one) != Character.isSurrogate(other)
                ? Boolean.compare(Character.isSurrogate(one), Character.isSurrogate(other))
                : Character.compare(one, other);
    }

    private static String name(Path path) {
        Path name = path.getFileName();
        return name == null ? "" : name.toString();
    }

    private static String extension(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    }

    /**
     * The images and folders directly in a folder.
     *
     * @param images files of kind {@link Kind#IMAGE} and links to them, sorted
     * @param folders folders and links to them, sorted; without those that {@link #isLeftBehindFolder} excludes
     */
    public record Listing(List<Path> images, List<Path> folders) {
        public Listing {
            images = List.copyOf(images);
            folders = List.copyOf(folders);
        }
    }

    /**
     * Lists a folder.
     *
     * @param passedOver counts everything else in the folder
     * @throws DataException when the folder cannot be read, or something in it cannot be looked at
     */
    public static Listing list(Path folder, PassedOver passedOver) {
        List<Path> images = new ArrayList<>();
        List<Path> folders = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                add(entry, images, folders, passedOver);
            }
        } catch (NoSuchFileException e) {
            throw new DataException("folder " + folder + " does not exist", e);
        } catch (DirectoryIteratorException e) {
            IOException cause = Objects.requireNonNull(e.getCause(), "it has one");
            throw new DataException("folder " + folder + " cannot be read: " + AtomicFile.reason(cause), e);
        } catch (IOException e) {
            throw new DataException("folder " + folder + " cannot be read: " + AtomicFile.reason(e), e);
        }
        images.sort(BY_NAME);
        folders.sort(BY_NAME);
        return new Listing(images, folders);
    }

    private static void add(Path entry, List<Path> images, List<Path> folders, PassedOver passedOver) {
        BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(entry, BasicFileAttributes.class);
        } catch (IOException e) {
            if (kindOf(entry) == Kind.LEFT_BEHIND) {
                passedOver.addHiddenFile();
            } else if (Existence.isDeadLink(entry, e)) {
                passedOver.addDeadLink();
            } else { // it may be a person: who is left out without a word is missed by nobody
                throw new DataException(
                        entry + " cannot be looked at: " + AtomicFile.reason(e) + "; give this process"
                                + " access to its folder, check the disk or the network, or remove it",
                        e);
            }
            return;
        }
        if (attributes.isDirectory()) {
            if (isLeftBehindFolder(entry)) {
                passedOver.addHiddenFolder();
            } else {
                folders.add(entry);
            }
            return;
        }
        Kind kind = kindOf(entry);
        if (kind == Kind.IMAGE && attributes.isRegularFile()) {
            images.add(entry);
        } else if (kind == Kind.LEFT_BEHIND || attributes.isRegularFile()) {
            passedOver.addFile(name(entry));
        } else {
            passedOver.addOther();
        }
    }

    /**
     * Lists all images in a folder and below it, sorted by their whole paths. Links to folders are followed,
     * except those to a folder above them, and those within a folder that a link leads to.
     *
     * @param passedOver counts everything else, and says which subfolders cannot be read
     * @throws DataException when the folder itself cannot be read
     */
    public static List<Path> below(Path folder, PassedOver passedOver) {
        List<Path> images = new ImageWalk(passedOver).images(folder);
        images.sort(BY_NAME);
        return images;
    }

    /**
     * Removes paths whose names this process cannot decode, because it has no locale or the names are in an old
     * encoding. Each undecodable letter becomes the same character, so that different people's names would become one,
     * and the files could not be opened by their names.
     *
     * @param passedOver says which names they are
     */
    public static List<Path> withReadableNames(List<Path> paths, PassedOver passedOver) {
        List<Path> readable = new ArrayList<>();
        for (Path path : paths) {
            if (FileNames.isReadable(path)) {
                readable.add(path);
            } else {
                passedOver.addUnreadableName(path);
            }
        }
        return readable;
    }
}
