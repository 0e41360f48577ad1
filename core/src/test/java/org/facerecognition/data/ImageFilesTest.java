package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.SharedFiles;
import org.facerecognition.data.ImageFiles.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFilesTest {
    @TempDir
    Path folder;

    /** Windows' own order ignores the case of letters: people would have other labels there. */
    @Test
    void listsInTheSameOrderOnEveryPlatform() throws IOException {
        List<String> inOrder = List.of("Ann_Lee", "Anna", "B", "a", "\uffee", "\ud83d\ude00");
        for (String name : inOrder) {
            Files.createDirectory(folder.resolve(name));
            Files.write(folder.resolve(name + ".jpg"), new byte[0]);
        }
        ImageFiles.Listing listing = ImageFiles.list(folder, new PassedOver());
        assertThat(listing.folders())
                .extracting(path -> path.getFileName().toString())
                .isEqualTo(inOrder);
        assertThat(listing.images()).hasSize(inOrder.size());
        for (String one : inOrder) {
            for (String other : inOrder) {
                assertThat(Integer.signum(ImageFiles.compare(one, other)))
                        .isEqualTo(Integer.signum(Arrays.compareUnsigned(
                                one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8))));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.jpg",
                "a.JPG",
                "a.Jpeg",
                "IMG.0001.png",
                "李明.webp",
                "a.tif",
                "subject01.gif",
                "a b.bmp",
                "s1.pgm",
                "#1.jpg",
                "@anna.jpg",
                "$.jpg",
                "_.jpg",
                "~a.jpg"
            })
    void recognizesImages(String name) {
        assertThat(ImageFiles.kindOf(folder.resolve(name))).isEqualTo(Kind.IMAGE);
        assertThat(ImageFiles.unreadableFormat(Path.of(name))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "IMG_1.HEIC, HEIC",
        "a.heif, HEIC",
        "a.avif, AVIF",
        "a.jxl, JPEG XL",
        "a.jp2, JPEG 2000",
        "logo.svg, SVG",
        "a.psd, Photoshop",
        "DSC_1.NEF, camera raw",
        "a.dng, camera raw",
        "a.cr3, camera raw",
        "a.tga, TGA"
    })
    void recognizesImagesThatCannotBeRead(String name, String format) {
        assertThat(ImageFiles.kindOf(Path.of(name))).isEqualTo(Kind.UNREADABLE_IMAGE);
        assertThat(ImageFiles.unreadableFormat(Path.of(name))).contains(format);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "._IMG.jpg",
                ".DS_Store",
                ".hidden.png",
                ".trashed-1700000000-a.jpg",
                "Thumbs.db",
                "thumbs.db",
                "DESKTOP.INI",
                "ehthumbs.db",
                "Icon\r",
                "~$list.xlsx",
                "a.jpg.tmp",
                "a.jpg.part",
                "a.jpg.crdownload",
                "a.jpg~",
                "SYNOFILE_THUMB_M.jpg",
                "a.jpg@SynoEAStream",
                "a.jpg:Zone.Identifier"
            })
    void recognizesSystemFiles(String name) {
        assertThat(ImageFiles.kindOf(Path.of(name))).isEqualTo(Kind.LEFT_BEHIND);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".ipynb_checkpoints",
                ".git",
                ".Trash-1000",
                ".@__thumb",
                "__MACOSX",
                "@eaDir",
                "#recycle",
                "#snapshot",
                "@Recycle",
                "@Recently-Snapshot",
                "$RECYCLE.BIN",
                "$Recycle.Bin",
                "RECYCLER",
                "System Volume Information",
                "FOUND.000",
                "lost+found",
                "Network Trash Folder",
                "Temporary Items",
                "TheVolumeSettingsFolder",
                "__pycache__",
                "CVS",
                "~snapshot"
            })
    void recognizesSystemFolders(String name) {
        assertThat(ImageFiles.isLeftBehindFolder(folder.resolve(name))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Cvs",
                "@anna",
                "#1",
                "Lost",
                "Anna.tmp",
                "李明",
                "O'Neil, Jr.",
                "Temporary",
                "recycler2",
                "Download",
                "download",
                "lrdata"
            })
    void acceptsUnusualNamesOfPeople(String name) {
        assertThat(ImageFiles.isLeftBehindFolder(Path.of(name))).isFalse();
    }

    @Test
    void recognizesOtherFiles() {
        for (String name : new String[] {"README.txt", "pairs.csv", "IMG_1.mov", "a", ""}) {
            assertThat(ImageFiles.kindOf(Path.of(name))).as(name).isEqualTo(Kind.OTHER);
        }
        assertThat(ImageFiles.kindOf(Path.of("/"))).isEqualTo(Kind.OTHER);
    }

    /** The set of extensions is what this build of OpenCV decodes, not what it lists. */
    @Test
    void decodesEveryExtensionThatCountsAsAnImage() {
        try (Mat image = TestImages.noise(12, 10, 1)) {
            for (String extension : new String[] {"jpe", "apng", "dib", "pnm", "pam", "tiff", "gif", "ras"}) {
                Path file = folder.resolve("a." + extension);
                imwrite(file.toString(), image);
                assertThat(ImageFiles.kindOf(file)).isEqualTo(Kind.IMAGE);
                try (Mat read = ImageReader.read(file)) {
                    assertThat(read.cols()).isEqualTo(12);
                }
            }
        }
    }

    @Test
    void rejectsDamagedAndHugeGifs() throws IOException {
        Path file = folder.resolve("a.gif");
        try (Mat image = TestImages.noise(40, 30, 1)) {
            imwrite(file.toString(), image);
        }
        byte[] whole = Files.readAllBytes(file);
        assertThatThrownBy(() -> ImageReader.decode(Arrays.copyOf(whole, whole.length / 2), "half"))
                .hasMessage("image half is a damaged GIF image; replace the file");
        Arrays.fill(whole, 6, 10, (byte) 0xff); // regression: such a file took 37 seconds
        assertThatThrownBy(() -> ImageReader.decode(whole, "huge"))
                .hasMessageContaining("must have at most 100000000 pixels, but claims 65535x65535");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static Stream<Arguments> unreadableImages() {
        return Stream.of(
                Arguments.of("\0\0\0\34ftypheic\0\0\0\0mif1heicmiaf", "a HEIC image, as iPhones write it"),
                Arguments.of("\0\0\0\34ftypmif1\0\0\0\0mif1heicmiaf", "a HEIC image, as iPhones write it"),
                Arguments.of("\0\0\0\34ftypavif\0\0\0\0avifmif1miaf", "an AVIF image"),
                Arguments.of("\0\0\0\34ftypmif1\0\0\0\0mif1avifmiaf", "an AVIF image"),
                Arguments.of("\0\0\0\30ftypcrx \0\0\0\1crx isom", "a camera's raw image"),
                Arguments.of("II*\0\20\0\0\0CR\2\0", "a camera's raw image"),
                Arguments.of("II*\0\10\0\0\0\1\0\22\306\1\0\4\0\0\0\1\4\0\0", "a camera's raw image"),
                Arguments.of("\377\12\372\37", "a JPEG XL image"),
                Arguments.of("\0\0\0\14JXL \r\n\207\n", "a JPEG XL image"),
                Arguments.of("\0\0\0\14jP  \r\n\207\n", "a JPEG 2000 image"),
                Arguments.of("<?xml version=\"1.0\"?><svg width=\"1\"/>", "an SVG drawing"),
                Arguments.of("\357\273\277 <svg/>", "an SVG drawing"),
                Arguments.of("8BPS\0\1", "a Photoshop image"));
    }

    @ParameterizedTest
    @MethodSource("unreadableImages")
    void namesUnreadableImagesByTheirBytes(String content, String what) {
        assertThatThrownBy(() -> ImageReader.decode(bytes(content), "a.jpg"))
                .isInstanceOf(DataException.class)
                .hasMessage("image a.jpg is " + what + ", which cannot be read; convert it to JPEG");
    }

    static Stream<Arguments> otherContents() {
        return Stream.of(
                Arguments.of("<!DOCTYPE html><p>403", "a web page, such as a server's error page"),
                Arguments.of("\n<html>", "a web page, such as a server's error page"),
                Arguments.of("<?xml version=\"1.0\"?><Error/>", "an XML document"),
                Arguments.of("%PDF-1.7", "a PDF document"),
                Arguments.of("PK\3\4", "a ZIP archive"),
                Arguments.of("RIFF\0\0\0\0AVI ", "a video"),
                Arguments.of("\0\0\0\24ftypqt  ", "a video"),
                Arguments.of("\0\0\0\30ftypmp42", "a video"),
                Arguments.of("\0\5\26\7\0\2\0\0Mac OS X", "a metadata file of macOS (AppleDouble)"),
                Arguments.of("version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"));
    }

    @ParameterizedTest
    @MethodSource("otherContents")
    void namesOtherFilesByTheirBytes(String content, String what) {
        assertThatThrownBy(() -> ImageReader.decode(bytes(content), "a.jpg"))
                .isInstanceOf(DataException.class)
                .hasMessage("image a.jpg is " + what + ", not an image; give the image itself");
    }

    @Test
    void recognizesFilesOfZeros() {
        assertThatThrownBy(() -> ImageReader.decode(new byte[4096], "a.jpg"))
                .hasMessage("image a.jpg contains only zeros, as after an interrupted copy; replace the file");
    }

    /** Case P1. */
    @ParameterizedTest
    @CsvSource({"P1-drawn.heic, a HEIC image", "P1-heic-named.jpg, a HEIC image", "P1-drawn.avif, an AVIF image"})
    void namesThePhoneFormatsWhateverTheFileName(String name, String what) {
        Path file = SharedFiles.orSkip("bugs/" + name);
        assertThatThrownBy(() -> ImageReader.read(file))
                .hasMessageStartingWith("image " + file + " is " + what)
                .hasMessageEndingWith("which cannot be read; convert it to JPEG");
    }

    @Test
    void toleratesDanglingAndCircularLinks() throws IOException {
        TestImages.write(folder.resolve("in/a.png"), 8, 8, 0);
        Path in = folder.resolve("in");
        Files.createSymbolicLink(in.resolve("b.jpg"), folder.resolve("nowhere.jpg"));
        Files.createSymbolicLink(in.resolve("c.png"), in.resolve("a.png"));
        Files.createSymbolicLink(in.resolve("d.jpg"), in.resolve("d.jpg"));
        Files.createSymbolicLink(in.resolve("up"), folder);
        Files.createDirectories(in.resolve("folder.jpg"));
        TestImages.write(in.resolve("@eaDir/a.png/SYNOFILE_THUMB_M.png"), 8, 8, 0);
        PassedOver passedOver = new PassedOver();
        assertThat(ImageFiles.below(in, passedOver)).containsExactly(in.resolve("a.png"), in.resolve("c.png"));
        assertThat(passedOver.note())
                .contains("passed over: 1 hidden or system folder, 2 links that lead nowhere,"
                        + " 1 link to a folder above it");
        PassedOver nothing = new PassedOver();
        assertThat(nothing.note()).isEmpty();
        assertThat(nothing.isEmpty()).isTrue();
        assertThat(nothing.instead()).isEqualTo("has none");
    }

    /** Earlier they were passed over here, while people's folders that are links are trained on. */
    @Test
    void followsLinksToFoldersThatDoNotLeadBackButNoneWithinThem() throws IOException {
        TestImages.write(folder.resolve("disk/2024/a.png"), 8, 8, 0);
        Path in = Files.createDirectories(folder.resolve("in/ann"));
        Files.createSymbolicLink(in.resolve("all"), folder.resolve("disk"));
        Files.createSymbolicLink(folder.resolve("disk/2024/back"), in); // a loop of two links
        Files.createSymbolicLink(folder.resolve("disk/2024/top"), folder);
        Files.createSymbolicLink(folder.resolve("in/bob"), in);
        PassedOver passedOver = new PassedOver();
        assertThat(ImageFiles.below(folder.resolve("in"), passedOver))
                .containsExactly(folder.resolve("in/ann/all/2024/a.png"));
        assertThat(passedOver.note()).as("within followed links").contains("passed over: 3 links to folders");
    }

    /** Whatever could not be looked at counted as a link that leads nowhere, and its people were left out. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void whatCannotBeLookedAtIsNoDeadLink() throws IOException {
        Path ann =
                Files.createSymbolicLink(folder.resolve("ann"), Path.of("x".repeat(300))); // longer than names can be
        assertThatThrownBy(() -> ImageFiles.list(folder, new PassedOver()))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(ann + " cannot be looked at: ")
                .hasMessageContaining("access to its folder");
        Files.move(ann, folder.resolve(".ann"));
        PassedOver passedOver = new PassedOver();
        ImageFiles.list(folder, passedOver);
        assertThat(passedOver.note()).contains("passed over: 1 hidden or system file");
    }
}
