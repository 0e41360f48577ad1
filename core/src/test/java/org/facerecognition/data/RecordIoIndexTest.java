package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether {@code train.rec} and {@code train.idx} fit together. The resource has 12 images and then 3 identities. */
class RecordIoIndexTest {
    private static final int IMAGES = 12;

    @TempDir
    private Path folder;

    private FaceDataset read() {
        return FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0);
    }

    private Path file(String name) {
        return folder.resolve(name);
    }

    private static List<String> index() throws IOException {
        return Files.readAllLines(ImageFormatsTest.resource("recordio/train.idx"));
    }

    private void write(List<String> index) throws IOException {
        Files.copy(ImageFormatsTest.resource("recordio/train.rec"), file("train.rec"));
        Files.write(file("train.idx"), index);
    }

    /** Writes records of three bytes each with the given labels, and the keys from 0. */
    private void write(float[]... labels) throws IOException {
        ByteBuffer records = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder index = new StringBuilder();
        for (int key = 0; key < labels.length; key++) {
            PackedSetsTest.addRecord(records, index, key, labels[key], 3);
        }
        Files.write(file("train.rec"), Arrays.copyOf(records.array(), records.position()));
        Files.writeString(file("train.idx"), index);
    }

    /** Editors and scripts write them; other lists could have them already. */
    @Test
    void mayHaveBlankLinesAndAByteOrderMark() throws IOException {
        write(List.of());
        String index = String.join("\n", index());
        Files.writeString(file("train.idx"), "\ufeff" + index.replaceFirst("\n", "\r\n\n") + " \n\n");
        assertThat(read().size()).isEqualTo(IMAGES);
    }

    /** As im2rec --pack-label writes them. Record 0 was taken for the header, its label for the end of the images. */
    @ParameterizedTest
    @ValueSource(floats = {0, 2, 17})
    void anImageWithSeveralLabelsIsNoHeader(float first) throws IOException {
        write(new float[] {first, 9}, new float[] {3, 9}, new float[] {4, 9}, new float[] {5, 9});
        assertThat(read().size()).isEqualTo(4);
        assertThat(read().identities()).contains(Integer.toString((int) first), "3", "4", "5");
    }

    /** A downloader takes the room for the whole file first; zeros are label 0. */
    @Test
    void recordsThatWereNotWrittenAreRejected() throws IOException {
        write(index());
        byte[] records = Files.readAllBytes(file("train.rec"));
        int from = Integer.parseInt(index().get(7).split("\t")[1]);
        Arrays.fill(records, from, records.length, (byte) 0);
        Files.write(file("train.rec"), records);
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessage("data file " + file("train.rec") + " has no record at byte " + from + ", to which "
                        + file("train.idx") + " leads: one of them is damaged or incomplete, or they do not belong"
                        + " together; use another copy of both");
    }

    @Test
    void anIndexOfOtherRecordsIsNamed() throws IOException {
        write(index().stream()
                .map(line -> line.split("\t"))
                .map(parts -> parts[0] + "\t" + (parts[0].equals("0") ? 0 : Integer.parseInt(parts[1]) + 4))
                .toList());
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessageContaining("to which " + file("train.idx") + " leads");
    }

    /** They became person 2147483647. */
    @ParameterizedTest
    @ValueSource(floats = {1e30f, 0x1p31f, Float.POSITIVE_INFINITY, Float.NaN, -1, 0.5f})
    void labelsThatAreNoIdentitiesAreRejected(float label) throws IOException {
        write(new float[] {1}, new float[] {label});
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessage(file("train.rec") + " record 1 must have a whole number of at least 0 and below 2^31 as its"
                        + " identity, but has " + label);
        ByteBuffer records = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder index = new StringBuilder();
        PackedSetsTest.addRecord(records, index, 0, new float[] {Float.POSITIVE_INFINITY, 2}, 0);
        PackedSetsTest.addRecord(records, index, 1, new float[] {1}, 3);
        Files.write(file("train.rec"), records.array());
        Files.writeString(file("train.idx"), index);
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessage(file("train.rec") + " record 0 must have the number of images as its first label, but has"
                        + " Infinity; use another copy");
    }

    @Test
    void aTruncatedIndexIsRejected() throws IOException {
        write(index().subList(0, 8));
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessage("data file " + file("train.idx") + " is truncated: it ends at record 7, but "
                        + file("train.rec") + " has images up to record 12; use another copy");
        Files.write(file("train.idx"), index().subList(0, IMAGES + 1)); // the identities are not needed
        assertThat(read().size()).isEqualTo(IMAGES);
        Files.writeString(file("train.idx"), "\n");
        assertThatThrownBy(this::read)
                .isInstanceOf(DataException.class)
                .hasMessage("data file " + file("train.idx") + " is empty: it must have a line \"key offset\" for each"
                        + " record; use another copy");
    }

    @Test
    void imagesThatWereTakenOutOfTheIndexAreCounted() throws IOException {
        List<String> fewer = new ArrayList<>(index());
        fewer.remove(5);
        fewer.remove(3);
        write(fewer);
        assertThat(read().size()).isEqualTo(IMAGES - 2);
        assertThat(read().notes()).containsExactly("passed over: 2 images that are not in the index");
        Files.write(file("train.idx"), index());
        assertThat(read().notes()).isEmpty();
    }

    @Test
    void ofSeveralLinesOfAKeyTheLastOneCountsInAnyOrder() throws IOException {
        write(new float[] {0}, new float[] {1}, new float[] {2}, new float[] {3});
        List<String> lines = Files.readAllLines(file("train.idx"));
        String offset = lines.get(3).split("\t")[1];
        Files.write(file("train.idx"), List.of(lines.get(2), lines.get(0), "1\t7", lines.get(1), "2\t" + offset));
        assertThat(read().images().stream().map(image -> image.image().name()).collect(Collectors.toSet()))
                .containsExactlyInAnyOrder("train.rec record 0", "train.rec record 1", "train.rec record 2");
        assertThat(read().identities()).containsExactly("0", "1", "3");
    }
}
