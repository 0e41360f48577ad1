package org.facerecognition.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.facerecognition.io.FileNames;

/**
 * Counts, by kind, what was found in folders of images, or in files of records, and not used, and says which of them
 * may be or have images that nobody could look at. Not thread-safe.
 */
public final class PassedOver {
    private static final String CONVERT = "convert them to JPEG";
    private static final int MAX_NOTES = 20;

    private final Map<String, Integer> unreadable = new TreeMap<>();
    private final Map<String, String> closedFolders = new LinkedHashMap<>(); // path -> sentence
    private final Map<String, String> namesNotDecoded = new LinkedHashMap<>(); // path -> sentence
    private int hiddenFolders;
    private int hiddenFiles;
    private int others;
    private int deadLinks;
    private int linkedFolders;
    private int linksAbove;
    private int otherUnreadableNames;
    private int notInIndex;
    private int loose;
    private int deeper;
    private boolean moreDeeper;

    /** Counts a folder of any file system whose name {@link ImageFiles#isLeftBehindFolder(String)} knows. */
    public void addHiddenFolder() {
        hiddenFolders++;
    }

    /**
     * Counts a file of any file system, by its name alone, that is no {@link ImageFiles.Kind#IMAGE}.
     *
     * @param name without the folders above
     */
    public void addFile(String name) {
        switch (ImageFiles.kindOf(name)) {
            case LEFT_BEHIND -> addHiddenFile();
            case UNREADABLE_IMAGE ->
                unreadable.merge(ImageFiles.unreadableFormat(name).orElseThrow(), 1, Integer::sum);
            default -> addOther();
        }
    }

    void addHiddenFile() {
        hiddenFiles++;
    }

    void addOther() {
        others++;
    }

    void addDeadLink() {
        deadLinks++;
    }

    /** Counts a link to a folder where no folders are looked for. */
    void addLinkedFolder() {
        linkedFolders++;
    }

    /** Counts a link to a folder that the link is in. */
    void addLinkAbove() {
        linksAbove++;
    }

    /** Records a folder that cannot be read. */
    public void addClosedFolder(Path folder, DataException why) {
        closedFolders.put(FileNames.text(folder), String.valueOf(why.getMessage()));
    }

    /** Counts a file or folder whose name this process cannot decode. */
    public void addUnreadableName() {
        otherUnreadableNames++;
    }

    /** Records the first name in a path that this process cannot decode; all that is in such a folder counts as one. */
    void addUnreadableName(Path path) {
        Path first = path;
        for (Path above = path.getParent(); above != null; above = above.getParent()) {
            first = FileNames.isReadable(above) ? first : above;
        }
        String text = FileNames.text(first);
        namesNotDecoded.put(text, text + " cannot be used: " + FileNames.remedy());
    }

    /**
     * Returns the folders that could not be read, and the files and folders with names that this process cannot decode,
     * each with a sentence that says why. There may be images in them that a user expects to be used, so that what was
     * done is not complete.
     */
    public Map<String, String> problems() {
        Map<String, String> all = new LinkedHashMap<>(closedFolders);
        all.putAll(namesNotDecoded);
        return all;
    }

    /** Returns the sentences of {@link #problems}, or the first of them and how many more there are. */
    public List<String> problemNotes() {
        List<String> all = new ArrayList<>(problems().values());
        return all.size() <= MAX_NOTES
                ? all
                : Stream.concat(
                                all.stream().limit(MAX_NOTES),
                                Stream.of((all.size() - MAX_NOTES) + " more files or folders cannot be used"))
                        .toList();
    }

    /** Counts images of a file of records to which its index does not lead. */
    void addNotInIndex(int images) {
        notInIndex += images;
    }

    /** Counts images beside the folders of people, in a folder where each person has a folder. */
    public void addLooseImages(int images) {
        loose += images;
    }

    /** Counts images in folders below those of people. */
    void addDeeperImages(int images) {
        deeper += images;
    }

    /** Records that the search for deeper images was stopped: there may be more. */
    void stopDeeper() {
        moreDeeper = true;
    }

    int deeperImages() {
        return deeper;
    }

    /** Adds the counts of another object. */
    public void add(PassedOver other) {
        other.unreadable.forEach((format, files) -> unreadable.merge(format, files, Integer::sum));
        hiddenFolders += other.hiddenFolders;
        hiddenFiles += other.hiddenFiles;
        others += other.others;
        deadLinks += other.deadLinks;
        linkedFolders += other.linkedFolders;
        linksAbove += other.linksAbove;
        closedFolders.putAll(other.closedFolders);
        namesNotDecoded.putAll(other.namesNotDecoded);
        otherUnreadableNames += other.otherUnreadableNames;
        notInIndex += other.notInIndex;
        loose += other.loose;
        deeper += other.deeper;
        moreDeeper |= other.moreDeeper;
    }

    /** Returns whether nothing was passed over. */
    public boolean isEmpty() {
        return items(true).isEmpty() && unreadable.isEmpty();
    }

    /**
     * Returns one line for the user, such as {@code passed over: 3 HEIC images (convert them to JPEG), 1 other file};
     * empty when nothing was passed over. {@link #problems} are not in it.
     */
    public Optional<String> note() {
        List<String> all = formats("");
        if (!all.isEmpty()) {
            all.set(all.size() - 1, all.get(all.size() - 1) + " (" + CONVERT + ")");
        }
        all.addAll(items(false));
        return all.isEmpty() ? Optional.empty() : Optional.of("passed over: " + String.join(", ", all));
    }

    /**
     * Returns the rest of a sentence that begins with "must have images, but": {@code has none}, or {@code has only 12
     * HEIC images, which cannot be read; convert them to JPEG}.
     */
    public String instead() {
        List<String> all = items(true);
        all.addAll(formats(", which cannot be read"));
        return all.isEmpty()
                ? "has none"
                : "has only " + String.join(", ", all) + (unreadable.isEmpty() ? "" : "; " + CONVERT);
    }

    /** Returns the counts of images that cannot be decoded, by format; {@code end} is appended to the last one. */
    private List<String> formats(String end) {
        List<String> all = new ArrayList<>();
        unreadable.forEach((format, files) -> all.add(count(files, format + " image", format + " images")));
        if (!all.isEmpty()) {
            all.set(all.size() - 1, all.get(all.size() - 1) + end);
        }
        return all;
    }

    private List<String> items(boolean withProblems) {
        List<String> all = new ArrayList<>();
        add(all, hiddenFolders, "hidden or system folder", "hidden or system folders");
        add(all, hiddenFiles, "hidden or system file", "hidden or system files");
        add(all, others, "other file", "other files");
        add(all, deadLinks, "link that leads nowhere", "links that lead nowhere");
        add(all, linkedFolders, "link to a folder", "links to folders");
        add(all, linksAbove, "link to a folder above it", "links to folders above them");
        if (withProblems) {
            add(all, closedFolders.size(), "folder that cannot be read", "folders that cannot be read");
        }
        int names = otherUnreadableNames + (withProblems ? namesNotDecoded.size() : 0);
        String why = " (" + FileNames.remedy(FileNames.charset(), names == 1 ? "it" : "each of them") + ")";
        add(all, names, "name that cannot be read" + why, "names that cannot be read" + why);
        add(all, notInIndex, "image that is not in the index", "images that are not in the index");
        add(all, loose, "image outside the folders of people", "images outside the folders of people");
        if (deeper > 0) {
            all.add((moreDeeper ? "at least " : "") + count(deeper, "image", "images") + " in deeper folders");
        }
        return all;
    }

    private static void add(List<String> all, int number, String one, String many) {
        if (number > 0) {
            all.add(count(number, one, many));
        }
    }

    static String count(int number, String one, String many) {
        return String.format(Locale.ROOT, "%,d %s", number, number == 1 ? one : many);
    }
}
