package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FileBytesTest {
    private static final long SIZE = 256L << 20;

    @TempDir
    Path folder;

    private Path sparse(String name, byte[] start, long size) throws IOException {
        Path file = folder.resolve(name);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.write(start);
            sparse.setLength(size);
        }
        return file;
    }

    static List<Arguments> beginnings() {
        ByteBuffer png = ByteBuffer.allocate(33).put(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        png.putInt(13).put(new byte[] {'I', 'H', 'D', 'R'}).putInt(70_000).putInt(70_000);
        png.put((byte) 8).put((byte) 2);
        return List.of(
                Arguments.of(new byte[0], " begins with zeros, as after an interrupted copy; replace the file"),
                Arguments.of(
                        "\0\0\0\24ftypqt  ".getBytes(StandardCharsets.ISO_8859_1),
                        " is a video, not an image; give the image itself"),
                Arguments.of(
                        new byte[] {1, 2, 3},
                        " is not an image that can be decoded (" + SIZE
                                + " bytes); replace the file or remove it from the data set"),
                Arguments.of(
                        png.array(),
                        " must have at most 100000000 pixels, but claims 70000x70000; make it smaller or remove it from"
                                + " the data set"));
    }

    /** Videos with the names of images used to be read as a whole, on all processors at the same time. */
    @ParameterizedTest
    @MethodSource("beginnings")
    void refusesALargeFileByItsBeginning(byte[] start, String sentence) throws IOException {
        Path file = sparse("x.jpg", start, SIZE);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        long before = threads.getThreadAllocatedBytes(self);
        ImageSource image = ImageSource.of(file);
        for (ThrowingCallable reading : List.<ThrowingCallable>of(image::read, () -> image.read(8), image::encoded)) {
            assertThatThrownBy(reading).isInstanceOf(DataException.class).hasMessage("image " + file + sentence);
        }
        assertThat(threads.getThreadAllocatedBytes(self) - before).isLessThan(16L << 20);
    }

    /** The heap was filled with it. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesADeviceWithoutAnEnd() {
        assertThatThrownBy(() -> ImageSource.of(Path.of("/dev/zero")).read())
                .isInstanceOf(DataException.class)
                .hasMessage("image /dev/zero must be an image file, but is a pipe or a device that does not begin like"
                        + " one");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    @Timeout(60)
    void readsAPipe() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        byte[] png;
        try (Mat image = new SyntheticFaces(0, 400).image(0, 0)) {
            png = ImageReader.png(image);
        }
        assertThat(png).hasSizeGreaterThan(1 << 16);
        assertThat(throughPipe(pipe, png, 0)).isEqualTo(png);
        byte[] few = {'n', 'o'};
        assertThat(throughPipe(pipe, few, 0)).isEqualTo(few);
        assertThatThrownBy(() -> throughPipe(pipe, png, 40 << 20))
                .isInstanceOf(DataException.class)
                .hasMessage("image " + pipe + " is a pipe or a device, of which at most 33554432 bytes are read, but it"
                        + " has more; write it to a file");
    }

    /** Reads bytes, and then zeros, that another thread writes into a pipe. */
    private static byte[] throughPipe(Path pipe, byte[] bytes, int zeros) {
        Thread writer = new Thread(() -> {
            try (OutputStream out = Files.newOutputStream(pipe)) {
                out.write(bytes);
                out.write(new byte[zeros]);
            } catch (IOException e) {
                // the reader has seen enough
            }
        });
        writer.start();
        return ImageSource.of(pipe).encoded();
    }

    @Test
    void readsALargeImage() throws IOException {
        byte[] image = "P5 2 1 255\nAz".getBytes(StandardCharsets.US_ASCII);
        Path file = Files.write(folder.resolve("g.pgm"), image);
        assertThat(new FileBytes(4, 1024).<byte[]>read(file, bytes -> bytes)).isEqualTo(image);
        assertThatThrownBy(() -> new FileBytes(4, 12).read(file, bytes -> bytes))
                .hasMessage("image " + file + " must have at most 12 bytes, half of the Java heap, but has 13; replace"
                        + " the file or remove it from the data set");
    }

    /** Of a file system that Java does not know. */
    @Test
    void readsStreams() throws IOException {
        byte[] image = "P5 2 1 255\nAz".getBytes(StandardCharsets.US_ASCII);
        FileBytes.Opening opening = () -> new ByteArrayInputStream(image);
        for (long large : new long[] {4, 1024}) {
            FileBytes files = new FileBytes(large, 1024);
            assertThat(files.<byte[]>read("g.pgm", image.length, opening, bytes -> bytes))
                    .isEqualTo(image);
            assertThatThrownBy(() -> files.read("g.pgm", image.length + 1, opening, bytes -> bytes))
                    .isInstanceOf(EOFException.class);
        }
        assertThatThrownBy(() ->
                        new FileBytes(4, 1024).read("g", 5, () -> new ByteArrayInputStream(new byte[5]), all -> all))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("image g contains only zeros");
    }

    /** Only so many large files are in memory at the same time as there is room for; small ones do not wait. */
    @Test
    void largeFilesWaitForRoom() throws Exception {
        Path large = sparse("large.pgm", "P5 64 64 255\n".getBytes(StandardCharsets.US_ASCII), 4096);
        Path small = sparse("small.pgm", "P5 2 1 255\n".getBytes(StandardCharsets.US_ASCII), 64);
        FileBytes files = new FileBytes(1024, 10 << 10); // two large ones
        AtomicInteger reading = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                tasks.add(() -> files.read(large, bytes -> {
                    most.accumulateAndGet(reading.incrementAndGet(), Math::max);
                    assertThat(files.<Integer>read(small, others -> others.length))
                            .isEqualTo(64);
                    pause();
                    reading.decrementAndGet();
                    return bytes.length;
                }));
            }
            for (Future<Integer> length : threads.invokeAll(tasks)) {
                assertThat(length.get()).isEqualTo(4096);
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(most.get()).isBetween(1, 2);
        assertThatThrownBy(() -> files.read(large, bytes -> {
                    throw new DataException("damaged");
                }))
                .hasMessage("damaged");
        assertThat(files.<Integer>read(large, bytes -> bytes.length)).isEqualTo(4096);
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
