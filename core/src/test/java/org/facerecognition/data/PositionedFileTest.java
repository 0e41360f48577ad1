package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class PositionedFileTest {
    private static final int BYTES = 3 << 20;

    private final AtomicReference<Thread> interrupted = new AtomicReference<>();

    @TempDir
    Path folder;

    private Path write(int value) throws IOException {
        byte[] bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) value);
        return Files.write(Files.createTempFile(folder, "train", ".rec"), bytes);
    }

    /** Java reports it for a mapped file as an InternalError, without the name and, once compiled, anywhere later. */
    @Test
    void aFileThatIsShortenedIsNamed() throws IOException {
        Path path = write(1);
        PositionedFile file = PositionedFile.open(path);
        for (int i = 0; i < 20_000; i++) { // until it is compiled
            assertThat(file.readInt(2L << 20)).isEqualTo(0x01010101);
        }
        assertThat(file.read(0, BYTES)).containsOnly(1);
        try (RandomAccessFile writer = new RandomAccessFile(path.toFile(), "rw")) {
            writer.setLength(4096);
        }
        assertThat(file.readLong(0)).isEqualTo(0x0101010101010101L);
        for (int i = 0; i < 100; i++) {
            assertThatThrownBy(() -> file.readInt(2L << 20)).isInstanceOf(DataException.class);
            assertThatThrownBy(() -> file.readLong(2L << 20)).isInstanceOf(DataException.class);
            assertThatThrownBy(() -> file.read(0, BYTES))
                    .isInstanceOf(DataException.class)
                    .hasMessage("data file " + path + " was shortened while it was in use: it should have " + BYTES
                            + " bytes; use another copy and start again");
        }
    }

    /** An interrupt of one thread closes a channel for all. */
    @Test
    @Timeout(60)
    void anInterruptOfAReaderStopsNobody() throws Exception {
        PositionedFile file = PositionedFile.open(write(1));
        AtomicInteger interrupts = new AtomicInteger();
        CompletableFuture<Void> reads = CompletableFuture.runAsync(
                () -> {
                    while (interrupts.get() < 50) {
                        assertThat(file.readLong(2L << 20)).isEqualTo(0x0101010101010101L);
                        interrupts.addAndGet(Thread.interrupted() ? 1 : 0);
                    }
                },
                reader -> {
                    Thread thread = new Thread(reader);
                    thread.setDaemon(true);
                    thread.start();
                    interrupted.set(thread);
                });
        while (!reads.isDone()) {
            interrupted.get().interrupt();
            assertThat(file.readInt(1)).isEqualTo(0x01010101);
            Thread.sleep(1);
        }
        reads.get();
        assertThat(interrupts).hasValue(50);
    }

    @Test
    @Timeout(60)
    @DisabledOnOs(OS.WINDOWS)
    void anotherFileInItsPlaceIsNotRead() throws Exception {
        Path path = write(1);
        PositionedFile file = PositionedFile.open(path);
        Files.move(write(2), path, StandardCopyOption.REPLACE_EXISTING);
        assertThat(file.readInt(0)).isEqualTo(0x01010101);
        AtomicReference<Throwable> end = new AtomicReference<>();
        Thread reader = new Thread(() -> {
            try {
                while (true) {
                    assertThat(file.readInt(0)).isEqualTo(0x01010101);
                }
            } catch (RuntimeException | AssertionError e) {
                end.set(e);
            }
        });
        reader.setDaemon(true);
        reader.start();
        while (reader.isAlive()) { // until an interrupt closes the channel
            reader.interrupt();
            reader.join(1);
        }
        assertThat(end.get())
                .isInstanceOf(DataException.class)
                .hasMessage("data file " + path + " was removed or replaced while it was in use; start again with one"
                        + " copy");
    }
}
