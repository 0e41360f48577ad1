package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A file that simulates a power failure after a number of operations. Each sector that was written since the last sync
 * is then, at random, either on the disk or not: it has the new content, the old content, or zeros if it lies beyond
 * the old end of the file.
 */
final class PowerLossFile implements LogFile {
    private static final int SECTOR = 512;

    private final Path file;
    private final Random random;
    private final Countdown countdown;
    private byte[] synced;
    private byte[] written;

    /** The number of operations before the power fails; shared by all files of a test run. */
    static final class Countdown {
        private int left;

        Countdown(int left) {
            this.left = left;
        }
    }

    /** Thrown when the power fails. */
    static final class PowerLoss extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private PowerLossFile(Path file, Random random, Countdown countdown) throws IOException {
        this.file = file;
        this.random = random;
        this.countdown = countdown;
        synced = Files.readAllBytes(file);
        written = synced;
    }

    static Opener after(Countdown countdown, Random random) {
        return file -> new PowerLossFile(file, random, countdown);
    }

    private void step() throws IOException {
        if (countdown.left-- > 0) {
            return;
        }
        byte[] left = Arrays.copyOf(synced, random.nextBoolean() ? written.length : synced.length);
        for (int from = 0; from < left.length; from += SECTOR) {
            int to = Math.min(from + SECTOR, left.length);
            if (random.nextBoolean() && from < written.length) {
                System.arraycopy(written, from, left, from, Math.min(to, written.length) - from);
            }
        }
        int cut = synced.length + random.nextInt(Math.max(1, left.length - synced.length + 1));
        Files.write(file, random.nextInt(4) == 0 ? Arrays.copyOf(left, Math.min(cut, left.length)) : left);
        throw new PowerLoss();
    }

    @Override
    public long length() {
        return written.length;
    }

    @Override
    public void read(long offset, byte[] bytes) {
        System.arraycopy(written, (int) offset, bytes, 0, bytes.length);
    }

    @Override
    public void write(long offset, byte[] bytes, int from, int count) throws IOException {
        byte[] next = Arrays.copyOf(written, (int) Math.max(written.length, offset + count));
        System.arraycopy(bytes, from, next, (int) offset, count);
        written = next;
        step();
    }

    @Override
    public void eraseFrom(long offset) throws IOException {
        List<byte[]> stages = new ArrayList<>();
        byte[] zeros = written.clone();
        Arrays.fill(zeros, (int) offset, zeros.length, (byte) 0);
        stages.add(zeros);
        stages.add(Arrays.copyOf(written, (int) offset));
        for (byte[] stage : stages) {
            written = stage;
            step();
            sync();
        }
    }

    @Override
    public void sync() throws IOException {
        step();
        synced = written;
        Files.write(file, synced);
    }

    @Override
    public void close() {
        // sync has written the file
    }
}
