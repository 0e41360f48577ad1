package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A file whose machine loses power after a number of operations. What was written since the last confirmation is on the
 * disk or not, sector by sector: new, as it was, or zeros where the file had not reached to.
 */
final class LosingPower implements LogFile {
    private static final int SECTOR = 512;

    private final Path file;
    private final Random random;
    private final Countdown countdown;
    private byte[] confirmed;
    private byte[] seen;

    /** How many operations there are before the power goes. */
    static final class Countdown {
        private int left;

        Countdown(int left) {
            this.left = left;
        }
    }

    /** The power is gone. */
    static final class PowerLoss extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private LosingPower(Path file, Random random, Countdown countdown) throws IOException {
        this.file = file;
        this.random = random;
        this.countdown = countdown;
        confirmed = Files.readAllBytes(file);
        seen = confirmed;
    }

    static Opener after(Countdown countdown, Random random) {
        return file -> new LosingPower(file, random, countdown);
    }

    private void step() throws IOException {
        if (countdown.left-- > 0) {
            return;
        }
        byte[] left = Arrays.copyOf(confirmed, random.nextBoolean() ? seen.length : confirmed.length);
        for (int from = 0; from < left.length; from += SECTOR) {
            int to = Math.min(from + SECTOR, left.length);
            if (random.nextBoolean() && from < seen.length) {
                System.arraycopy(seen, from, left, from, Math.min(to, seen.length) - from);
            }
        }
        int cut = confirmed.length + random.nextInt(Math.max(1, left.length - confirmed.length + 1));
        Files.write(file, random.nextInt(4) == 0 ? Arrays.copyOf(left, Math.min(cut, left.length)) : left);
        throw new PowerLoss();
    }

    @Override
    public void read(long place, byte[] bytes) {
        System.arraycopy(seen, (int) place, bytes, 0, bytes.length);
    }

    @Override
    public void write(long place, byte[] bytes, int from, int count) throws IOException {
        byte[] next = Arrays.copyOf(seen, (int) Math.max(seen.length, place + count));
        System.arraycopy(bytes, from, next, (int) place, count);
        seen = next;
        step();
    }

    @Override
    public void eraseFrom(long place) throws IOException {
        List<byte[]> stages = new ArrayList<>();
        byte[] zeros = seen.clone();
        Arrays.fill(zeros, (int) place, zeros.length, (byte) 0);
        stages.add(zeros);
        stages.add(Arrays.copyOf(seen, (int) place));
        for (byte[] stage : stages) {
            seen = stage;
            step();
            sync();
        }
    }

    @Override
    public void sync() throws IOException {
        step();
        confirmed = seen;
        Files.write(file, confirmed);
    }

    @Override
    public void close() {
        // what is confirmed is in the file
    }
}
