package org.facerecognition.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredZipTest {
    @TempDir
    Path folder;

    /** The ZIP reader closes what it reads from when it is finalized, and torch's archives are read after that. */
    @Test
    @SuppressWarnings({"deprecation", "removal"})
    void leavesTheFileOpenWhenTheReaderOfItsDirectoryIsCollected() throws Exception {
        try (FileChannel channel = FileChannel.open(WeightsTest.resource("zip.pth"))) {
            StoredZip zip =
                    StoredZip.open(WeightsTest.resource("zip.pth"), channel).orElseThrow();
            for (int i = 0; i < 3; i++) {
                System.gc();
                System.runFinalization();
                Thread.sleep(10);
            }
            assertThat(channel.isOpen()).isTrue();
            String pickle = zip.names().stream()
                    .filter(name -> name.endsWith("/data.pkl"))
                    .findFirst()
                    .orElseThrow();
            assertThat(zip.bytes(pickle)).startsWith(0x80, 2);
        }
    }

    /** Every entry is one of the same few bytes, and the record at the end says that there is only one. */
    @Test
    void rejectsADirectoryThatIsTooLargeForTheHeap() throws IOException {
        Path file = Files.write(folder.resolve("entries.pth"), archive(30_000, 1));
        try (FileChannel channel = FileChannel.open(file)) {
            assertThatThrownBy(() -> StoredZip.open(file, channel, 100_000))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(
                            file + " is refused: the directory of its archive must have at most 100000 bytes in this"
                                    + " Java heap, but had more; give Java more memory (-Xmx)");
        }
    }

    /** Formerly, these were said to be damage, and another copy to help. */
    @Test
    void aFileThatCannotBeReadIsNotDamaged() throws IOException {
        Path file = WeightsTest.resource("zip.pth");
        try (FileChannel channel = FileChannel.open(file)) {
            FileChannel failing = new FailingChannel(channel);
            assertThatThrownBy(() -> StoredZip.open(file, failing))
                    .isInstanceOf(IOException.class)
                    .hasMessage("Input/output error");
            StateDictUnpickler unpickler = new StateDictUnpickler(WeightsException::new);
            assertThatThrownBy(() -> unpickler.read(new FileSection(failing, 10, 100, 100)))
                    .isInstanceOf(IOException.class)
                    .hasMessage("Input/output error");
        }
    }

    private static byte[] archive(int entries, int claimed) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(ByteBuffer.allocate(34)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x04034b50)
                .putShort(26, (short) 4)
                .array());
        for (int i = 0; i < entries; i++) {
            bytes.writeBytes(ByteBuffer.allocate(46 + 8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(0x02014b50)
                    .putShort(28, (short) 8)
                    .put(46, "%08d".formatted(i).getBytes(StandardCharsets.US_ASCII))
                    .array());
        }
        bytes.writeBytes(ByteBuffer.allocate(22)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x06054b50)
                .putShort(8, (short) claimed)
                .putShort(10, (short) claimed)
                .putInt(12, entries * 54)
                .putInt(16, 34)
                .array());
        return bytes.toByteArray();
    }
}
