package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Small pickles that expand to enormous values. A list that contains the previous one twice, 60 levels deep, has 2^60
 * elements to hash or to print. 31 levels, in 280 bytes, took 16 seconds; 60 levels would never end.
 */
@Timeout(60)
class PickleBombTest {
    private static final int LEVELS = 60;
    private static final byte[] PROTOCOL = {(byte) 0x80, 2};

    /** The magic number, the version and the properties of the machine, in the format before torch 1.6. */
    private static final byte[] BEFORE_THE_STATE_DICT =
            HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa850192e80024de9032e80027d2e");

    @TempDir
    Path folder;

    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    @BeforeEach
    void begin() {
        pickle.writeBytes(PROTOCOL);
    }

    private PickleBombTest write(String text) {
        pickle.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
        return this;
    }

    private PickleBombTest writeLength(String text) {
        pickle.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(text.length())
                .array());
        return this;
    }

    /** Writes instructions that leave the list of all levels on the stack. */
    private PickleBombTest writeDoubledLists() {
        write("]q\0"); // an empty list, memoized as number 0
        for (int level = 1; level < LEVELS; level++) {
            char previous = (char) (level - 1);
            write("]q" + (char) level + "(h" + previous + "h" + previous + "e");
        }
        return this;
    }

    private Path zipped() throws IOException {
        byte[] bytes = pickle.toByteArray();
        Path file = folder.resolve("bomb.pth");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            ZipEntry entry = new ZipEntry("archive/data.pkl");
            CRC32 crc = new CRC32();
            crc.update(bytes);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(bytes.length);
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(bytes);
        }
        return file;
    }

    private void assertRejected() throws IOException {
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString())
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(400));
    }

    @Test
    void rejectsAListAsAKey() throws IOException {
        write("}").writeDoubledLists().write("K\1s.");
        assertThat(pickle.size()).isLessThan(700);
        assertRejected();
    }

    @Test
    void rejectsAListAmongManyKeys() throws IOException {
        write("}(").writeDoubledLists().write("K\1u.");
        assertRejected();
    }

    @Test
    void rejectsAListAsAKeyOfAnOrderedDictionary() throws IOException {
        write("ccollections\nOrderedDict\n](").writeDoubledLists().write("K\1\u0086e\u0085R.");
        assertRejected();
    }

    @Test
    void rejectsAListAsAName() throws IOException {
        write("").writeDoubledLists().write("\u008c\1a\u0093.");
        assertRejected();
    }

    @Test
    void rejectsAListAsAStorage() throws IOException {
        write("(").writeDoubledLists().write("NNNNtQ.");
        assertRejected();
    }

    @Test
    void rejectsAListAsAStateDict() throws IOException {
        writeDoubledLists().write(".");
        assertRejected();
    }

    /** In the format before torch 1.6, the keys of storages are looked up. */
    @Test
    void rejectsAListAsAKeyOfAStorage() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(BEFORE_THE_STATE_DICT);
        write("ccollections\nOrderedDict\n)R(X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storage"
                + "ctorch\nFloatStorage\nX\1\0\0\0" + "0X\3\0\0\0cpuK\1NtQK\0K\1\u0085K\1\u0085tRu.");
        bytes.writeBytes(pickle.toByteArray());
        pickle.reset();
        pickle.writeBytes(PROTOCOL);
        write("](").writeDoubledLists().write("e.");
        bytes.writeBytes(pickle.toByteArray());
        bytes.writeBytes(new byte[12]);
        Path file = Files.write(folder.resolve("old.pth"), bytes.toByteArray());
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessage(file + " is damaged: the key of a storage must be a string");
    }

    /** Formerly, each OrderedDict copied the list of a hundred thousand pairs. */
    @Test
    void rejectsConvertingALongListManyTimes() throws IOException {
        write("(]q\0(");
        for (int i = 0; i < 100_000; i++) {
            write("X\1\0\0\0aN\u0086");
        }
        write("e");
        for (int i = 0; i < 100_000; i++) {
            write("ccollections\nOrderedDict\nh\0\u0085R");
        }
        write("t.");
        assertRejected();
    }

    /** Formerly, each level was a call within the one before, until the stack ended. */
    @Test
    void rejectsTensorsOfSubclassesWithinEachOther() throws IOException {
        int levels = 300_000;
        write("ctorch._tensor\n_rebuild_from_type_v2\nq\0");
        for (int i = 0; i < levels; i++) {
            write("h\0N");
        }
        write(")");
        for (int i = 0; i < levels; i++) {
            write("\u0087");
        }
        write("R.");
        assertRejected();
    }

    /** Formerly, the same dictionary was copied into a module hundreds of thousands of times. */
    @ParameterizedTest
    @CsvSource({
        "2, is a TorchScript archive with its weights in its program",
        "200000, is refused: its pickle makes more than "
    })
    void rejectsBuildingAModuleManyTimes(int times, String why) throws IOException {
        write("c__torch__\nM\n)\u0081}q\0(");
        for (int i = 10_000; i < 20_000; i++) {
            write("X\5\0\0\0" + i + "N");
        }
        write("ub");
        for (int i = 0; i < times; i++) {
            write("h\0b");
        }
        write(".");
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " " + why);
    }

    /** Formerly, each of many tensors had its own shape of 64 numbers, made from the same arguments. */
    @Test
    void rejectsATensorOfManySizesManyTimes() throws IOException {
        write("ctorch._utils\n_rebuild_tensor_v2\nq\0((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                + "0X\3\0\0\0cpuK\1tQK\0");
        String sizes = "(" + "M\350\3".repeat(64) + "t";
        write(sizes + sizes + "tq\1");
        for (int i = 0; i < 200_000; i++) {
            write("h\0h\1R");
        }
        write(".");
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " is refused: its pickle makes more than ");
    }

    /** Writes dictionaries that each contain the one before twice; the first has been written as number 0. */
    private void writeLevels() {
        for (int level = 1; level < LEVELS; level++) {
            char previous = (char) (level - 1);
            write("}q" + (char) level + "(X\1\0\0\0ah" + previous + "X\1\0\0\0bh" + previous + "u");
        }
        write(".");
    }

    /** Dictionaries that each contain the next one twice, with a tensor in the last, would have 2^59 names. */
    @Test
    void rejectsANameForEachWayThroughDictionaries() throws IOException {
        write("}q\0X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n" + "X\1\0\0\0"
                + "0X\3\0\0\0cpuK\1tQK\0K\1\u0085K\1\u0085tRs");
        writeLevels();
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " is refused: its dictionaries lead to more or longer names than");
    }

    @Test
    void rejectsDictionariesDeepInOneAnother() throws IOException {
        write("}X\1\0\0\0a".repeat(250) + "N" + "s".repeat(250) + ".");
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " is refused: its dictionaries must be at most 200 deep in one another");
    }

    @Test
    void rejectsAPickleThatIsTooLarge() throws IOException {
        String size = "must have at most 67108864 bytes, but had ";
        writeMany();
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessage(file + " is refused: \"archive/data.pkl\" in it " + size + pickle.size()
                        + "; save the weights alone, with torch.save(model.state_dict(), file)");
        pickle.reset();
        pickle.writeBytes(BEFORE_THE_STATE_DICT);
        writeMany();
        Path old = Files.write(folder.resolve("old.pth"), pickle.toByteArray());
        assertThatThrownBy(() -> Weights.read(old))
                .isInstanceOf(WeightsException.class)
                .hasMessage(old + " is refused: its pickle " + size
                        + "more; save the weights alone, with torch.save(model.state_dict(), file)");
    }

    /** Writes bytes of 65 MiB, one mebibyte at a time. */
    private void writeMany() {
        pickle.writeBytes(PROTOCOL);
        for (int i = 0; i < 65; i++) {
            write("B\0\0\20\0");
            pickle.writeBytes(new byte[1 << 20]);
            write("0");
        }
        write("}.");
    }

    /** Formerly, each part of a key was searched for to the key's end. */
    @Test
    void searchesALongKeyInLinearTime() throws IOException {
        String key = "_ema".repeat(250_000) + "\n";
        write("}X").writeLength(key).write(key + "Ns.");
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " must hold a state dict");
    }

    /** Formerly, the long key was searched for each way through the known keys, of which there are a million. */
    @Test
    void rejectsALongKeyOnManyWays() throws IOException {
        String key = "_emo".repeat(250_000);
        write("}q\0(X").writeLength(key).write(key + "N");
        for (String known : CheckpointParts.KNOWN_KEYS) {
            write("X").writeLength(known).write(known + "h\0");
        }
        write("X\1\0\0\0wctorch._utils\n_rebuild_sparse_tensor\nu.");
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " is refused: its dictionaries lead to more or longer names than");
    }

    /** Without a tensor in them, such dictionaries need not be visited again. */
    @Test
    void endsForDictionariesWithoutTensorsInOneAnother() throws IOException {
        write("}q\0");
        writeLevels();
        Path file = zipped();
        assertThatThrownBy(() -> Weights.read(file))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " must hold a state dict");
    }

    /** Formerly, the pickle library copied the whole list for each appended element. */
    @Test
    void rejectsAListThatGrowsOneByOneInLinearTime() throws IOException {
        write("]");
        for (int i = 0; i < 400_000; i++) {
            write("(Ne");
        }
        write(".");
        assertRejected();
    }
}
