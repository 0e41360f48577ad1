package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.SharedFiles;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PairListsTest {
    @TempDir
    Path folder;

    private Path list;

    @BeforeEach
    void images() {
        list = folder.resolve("pairs.txt");
        TestImages.write(folder.resolve("Ann/Ann_0001.jpg"), 20, 20, 1);
        TestImages.write(folder.resolve("Ann/Ann_0012.jpg"), 20, 20, 2);
        TestImages.write(folder.resolve("Bo_Lee/Bo_Lee_0001.png"), 20, 20, 3);
    }

    private FacePairs lfw(String text) throws IOException {
        return FacePairs.lfw(Files.writeString(list, text), folder);
    }

    @Test
    void readsLfwListsWithAndWithoutCounts() throws IOException {
        String pairs = "Ann\t1\t12\nAnn\t12\tBo_Lee\t1\n";
        for (String counts : List.of("", "1\n", "1\t1\n")) {
            FacePairs read = lfw(counts + pairs);
            assertThat(read.pairs()).extracting(FacePairs.Pair::same).containsExactly(true, false);
            assertThat(read.pairs().get(1).first().name()).isEqualTo("Ann/Ann_0012.jpg");
            assertThat(read.pairs().get(1).second().name()).isEqualTo("Bo_Lee/Bo_Lee_0001.png");
        }
        assertThatThrownBy(() -> lfw("10\t300\n" + pairs))
                .isInstanceOf(DataException.class)
                .hasMessage(list + " must have 6000 pairs, as its first line says, but has 2; download it again");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"10\\t300 | 10", "5 200 | 5", "500 | 1", "Ann\\t1\\t12 | 1", "'' | 1", "0 7 | 0"})
    void namesTheSetsOfALfwList(String firstLine, int sets) throws IOException {
        Files.writeString(list, firstLine.replace("\\t", "\t") + "\nAnn\t1\t12\n");
        assertThat(FacePairs.lfwSets(list)).isEqualTo(sets);
    }

    @Test
    void namesMalformedLinesByNumber() {
        assertThatThrownBy(() -> lfw("Ann\t1\t12\nAnn\t1\tx\n"))
                .hasMessage(list + ", line 2 must be \"name number number\" or \"name number name number\", but was"
                        + " \"Ann\t1\tx\"");
        assertThatThrownBy(() -> lfw("Ann\t1\t2\nAnn\t1\t3\n"))
                .hasMessage("image Ann/Ann_0002.jpg, named in " + list + ", is missing from " + folder
                        + ", and so are 1 more; give the folder of the images");
        assertThatThrownBy(() -> lfw("")).hasMessage(list + " must have pairs, but has none");
        assertThatThrownBy(() -> FacePairs.lfw(folder.resolve("none"), folder))
                .hasMessageContaining("list of pairs " + folder.resolve("none") + " must exist");
    }

    @Test
    void readsListsOfImagesAndLabels() throws IOException {
        Files.writeString(
                list,
                "# a comment\n\nAnn/Ann_0001.jpg\tAnn/Ann_0012.jpg\t1\n"
                        + "Ann/Ann_0001.jpg\tBo_Lee/Bo_Lee_0001.png\t0\n");
        FacePairs pairs = FacePairs.list(list, folder);
        FacePairs.Indexed indexed = pairs.indexed(Crop.WHOLE);
        assertThat(indexed.faces().size()).as("each image once").isEqualTo(3);
        assertThat(indexed.first()).containsExactly(0, 0);
        assertThat(indexed.second()).containsExactly(1, 2);
        assertThat(indexed.same()).containsExactly(true, false);
        assertThat(indexed.faces().sample(2).image().name()).isEqualTo("Bo_Lee/Bo_Lee_0001.png");
        Files.writeString(list, "Ann/Ann_0001.jpg\tAnn/Ann_0012.jpg\tyes\n");
        assertThatThrownBy(() -> FacePairs.list(list, folder))
                .hasMessageContaining("line 1 must be \"image<TAB>image<TAB>1\" for one person, or 0 for two, but was");
    }

    /** They were left out without a word. */
    @Test
    void aNameThatBeginsWithANumberSignIsNoComment() throws IOException {
        Files.createDirectories(folder.resolve("#Di"));
        Files.copy(folder.resolve("Ann/Ann_0001.jpg"), folder.resolve("#Di/1.jpg"));
        FacePairs.Indexed indexed =
                list("#image\timage\tsame\n#Di/1.jpg\tAnn/Ann_0012.jpg\t0\n").indexed(Crop.WHOLE);
        assertThat(indexed.same()).containsExactly(false);
        assertThat(indexed.faces().sample(0).image().name()).isEqualTo("#Di/1.jpg");
    }

    /** It was taken for a pair whose first image is missing, which ended the evaluation. */
    @Test
    void aPairBehindANumberSignIsAComment() throws IOException {
        FacePairs pairs = list("#Ann/Ann_0001.jpg\tBo_Lee/Bo_Lee_0001.png\t0\nAnn/Ann_0001.jpg\tAnn/Ann_0012.jpg\t1\n");
        assertThat(pairs.indexed(Crop.WHOLE).same()).containsExactly(true);
    }

    private FacePairs list(String text) throws IOException {
        return FacePairs.list(Files.writeString(list, text), folder);
    }

    private static List<String> notes(FacePairs pairs) {
        return pairs.indexed(Crop.WHOLE).faces().notes();
    }

    /** They counted as pairs with a cosine of 1, and {@code ./a.jpg} as another image than {@code a.jpg}. */
    @Test
    void rejectsPairsOfAnImageWithItself() {
        String message =
                list + ", line 2 must name two images, but names Ann/Ann_0001.jpg twice; leave the line out, or"
                        + " name another image";
        for (String same : List.of("Ann/Ann_0001.jpg", "./Ann/Ann_0001.jpg", "Bo_Lee/../Ann//Ann_0001.jpg")) {
            assertThatThrownBy(() -> list("# a list\nAnn/Ann_0001.jpg\t" + same + "\t1\n"))
                    .isInstanceOf(DataException.class)
                    .hasMessage(message);
        }
        assertThatThrownBy(() -> list("# a list\nAnn/Ann_0001.jpg\t" + folder.resolve("Ann/Ann_0001.jpg") + "\t0\n"))
                .hasMessage(message);
        assertThatThrownBy(() -> lfw("Ann 1 12\nAnn 1 1\n")).hasMessage(message);
    }

    /** It counted as an impostor pair. */
    @Test
    void rejectsLfwPairsOfTwoPeopleWithOneName() {
        assertThatThrownBy(() -> lfw("Ann 1 Ann 12\n"))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        list + ", line 1 must name two people, but names Ann twice; write \"Ann 1 12\" for two images"
                                + " of one person, or correct a name");
    }

    @Test
    void rejectsPairsThatAreSaidToBeOfOnePersonAndOfTwo() {
        assertThatThrownBy(() ->
                        list("Ann/Ann_0001.jpg\tAnn/Ann_0012.jpg\t1\n\n" + "./Ann/Ann_0012.jpg\tAnn/Ann_0001.jpg\t0\n"))
                .isInstanceOf(DataException.class)
                .hasMessage(list + ", lines 1 and 3 must agree whether Ann/Ann_0012.jpg and Ann/Ann_0001.jpg show one"
                        + " person, but one line says so and the other does not; correct one of them");
    }

    @Test
    void countsPairsThatAreListedAgain() throws IOException {
        FacePairs pairs = lfw("Ann 1 12\nAnn 12 Bo_Lee 1\nAnn 12 1\nAnn 1 12\n");
        assertThat(pairs.pairs()).hasSize(4);
        assertThat(notes(pairs))
                .containsExactly("warning: 2 pairs are listed again, in this order or the other, the first of"
                        + " Ann/Ann_0012.jpg and Ann/Ann_0001.jpg; this changes the figures: leave repetitions out,"
                        + " unless the list is published so");
        FacePairs normalized =
                list("Ann/Ann_0001.jpg\tAnn/Ann_0012.jpg\t1\n./Ann/Ann_0001.jpg\tBo_Lee/Bo_Lee_0001.png\t0\n");
        assertThat(normalized.indexed(Crop.WHOLE).faces().size()).isEqualTo(3);
        assertThat(notes(normalized)).isEmpty();
    }

    /** The images of insightface's files have no names; what has the same bytes is one image. */
    @Test
    void countsRepeatedImagesOfAVerificationSet() {
        List<FacePairs.Pair> pairs = new ArrayList<>();
        String[] contents = {"a", "a", "a", "b", "b", "a", "a", "b"};
        for (int i = 0; i < contents.length; i += 2) {
            pairs.add(new FacePairs.Pair(inFile(i, contents[i]), inFile(i + 1, contents[i + 1]), i < 6));
        }
        assertThat(notes(new FacePairs(pairs)))
                .satisfiesExactly(
                        itself -> assertThat(itself)
                                .startsWith("warning: 1 pair is of an image with itself, the first of lfw.bin image 0"
                                        + " and lfw.bin image 1;"),
                        both -> assertThat(both)
                                .startsWith(
                                        "warning: 1 pair is listed as one person's and as two people's, the first of"
                                                + " lfw.bin image 6 and"),
                        again -> assertThat(again).startsWith("warning: 1 pair is listed again, in this order"));
    }

    private static ImageSource inFile(int index, String content) {
        return new FacePairs.InFile(Path.of("lfw.bin"), index, () -> content.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsTheRealList() {
        Path root = SharedFiles.orSkip("data/lfw_view1");
        FacePairs pairs = FacePairs.lfw(root.resolve("pairsDevTest.txt"), root.resolve("lfw-deepfunneled"));
        assertThat(pairs.pairs()).hasSize(1000);
        assertThat(pairs.pairs().stream().filter(FacePairs.Pair::same)).hasSize(500);
        assertThat(pairs.indexed(Crop.WHOLE).faces().size()).isEqualTo(1549);
        assertThat(notes(pairs)).isEmpty();
    }

    @Test
    void readsTheCelebaBenchmark() throws IOException {
        for (String name : List.of("celebA_query/b.jpg", "celebA_query/a.jpg", "celebA_query/c.jpg")) {
            TestImages.write(folder.resolve(name), 83, 100, name.hashCode());
        }
        TestImages.write(folder.resolve("celebA_distractors/d.jpg"), 83, 100, 9);
        Path lines =
                Files.writeString(folder.resolve("celebA_anno_query.csv"), "img,id\nb.jpg,35\na.jpg,7\nc.jpg,35\n");
        OpenSetFaces faces = OpenSetFaces.celebaIr(folder, Crop.CELEBA_CROPPED);
        assertThat(faces.queries().identities()).containsExactly("35", "7");
        assertThat(faces.queries().sample(2).label()).isZero();
        assertThat(faces.distractors().size()).isEqualTo(1);
        Files.writeString(lines, "img,id\nb.jpg,35\nz.jpg,1\n");
        assertThatThrownBy(() -> OpenSetFaces.celebaIr(folder, Crop.WHOLE))
                .hasMessageContaining(
                        "line 3 must be \"image,identity\" with an image that is in " + folder.resolve("celebA_query"));
        assertThatThrownBy(() -> OpenSetFaces.celebaIr(folder.resolve("none"), Crop.WHOLE))
                .hasMessageContaining("give the folder that holds celebA_anno_query.csv");
    }

    /** The advice was more memory, of which no amount is enough for an array of 2 GiB. */
    @Test
    void aVerificationSetIsSmallerThanAnArray() throws IOException {
        Path file = folder.resolve("all.bin");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 31);
        }
        assertThatThrownBy(() -> FacePairs.insightfaceBin(file))
                .isInstanceOf(DataException.class)
                .hasMessage("data file " + file + " must have at most 2147483639 bytes, but has 2147483648; split it"
                        + " into several sets, or save its images as files and list their pairs (evaluate --protocol"
                        + " pairs, FacePairs.list)");
    }
}
