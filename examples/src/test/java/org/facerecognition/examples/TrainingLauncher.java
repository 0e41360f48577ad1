package org.facerecognition.examples;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code train} with several processes, in a process of its own whose ranks can be killed. */
final class TrainingLauncher implements AutoCloseable {
    static final int RANKS = 2;
    static final int EPOCHS = 3;
    private static final long MAX_SECONDS = 300; // on a machine that is busy with other things

    private final Path out;
    private final Process launcher;
    private final Map<Long, ProcessHandle> started = new TreeMap<>();

    private TrainingLauncher(Path out, Process launcher) {
        this.out = out;
        this.launcher = launcher;
    }

    /** Starts a training of a tiny network, with a checkpoint every few steps. */
    static TrainingLauncher start(Path faces, Path out, Object... more) throws IOException {
        return startWithEpochs(EPOCHS, faces, out, more);
    }

    static TrainingLauncher startWithEpochs(int epochs, Path faces, Path out, Object... more) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Xss4m",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        List<Object> words = new ArrayList<>(List.of("--processes", RANKS, "--epochs", epochs));
        words.addAll(List.of("--checkpoint-every-steps", 2, "--augmentations", "flip"));
        words.addAll(List.of(more));
        Cli.trainWords(faces, out, words.toArray()).forEach(word -> command.add(word.toString()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(beside(out, "-out.txt").toFile())
                .redirectError(beside(out, "-err.txt").toFile());
        builder.environment().put("OMP_NUM_THREADS", "1");
        return new TrainingLauncher(out, builder.start());
    }

    private static Path beside(Path out, String ending) {
        return out.resolveSibling(out.getFileName() + ending);
    }

    /** Returns the ranks that run, in their order. */
    List<ProcessHandle> ranks() {
        List<ProcessHandle> ranks = launcher.children()
                .filter(ProcessHandle::isAlive)
                .sorted(Comparator.comparing(ProcessHandle::pid))
                .toList();
        ranks.forEach(rank -> started.put(rank.pid(), rank));
        return ranks;
    }

    boolean isRunning() {
        return launcher.isAlive();
    }

    Path lastCheckpoint() {
        return out.resolve("last.ckpt");
    }

    void kill() {
        launcher.destroyForcibly();
    }

    /** Waits for the end and returns the exit code. */
    int await() throws IOException, InterruptedException {
        if (!launcher.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the training did not end within " + MAX_SECONDS + " s: " + err());
        }
        return launcher.exitValue();
    }

    /** What a test waits for. */
    interface Condition {
        boolean holds() throws IOException;
    }

    /** Waits until a condition holds or the training has ended. */
    void awaitUnlessEnded(Condition condition) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MAX_SECONDS);
        while (isRunning() && !condition.holds()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(
                        "what was waited for did not come within " + MAX_SECONDS + " s: " + err());
            }
            Thread.sleep(30);
        }
    }

    /** Waits for all ranks that were seen. */
    void awaitRanks() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MAX_SECONDS);
        while (!orphans().isEmpty() && System.nanoTime() < end) {
            Thread.sleep(20);
        }
    }

    /** Returns the process numbers of ranks that were seen and still run. */
    List<Long> orphans() {
        return started.values().stream()
                .filter(ProcessHandle::isAlive)
                .map(ProcessHandle::pid)
                .toList();
    }

    List<String> out() throws IOException {
        return Files.readAllLines(beside(out, "-out.txt"));
    }

    List<String> err() throws IOException {
        return Files.readAllLines(beside(out, "-err.txt"));
    }

    /** Returns the restarts that were reported. */
    List<String> restarts() throws IOException {
        return err().stream().filter(line -> line.contains("; restart ")).toList();
    }

    /** Returns the names of the training's files. */
    List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(out)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** Returns a digest of the tensors of the last checkpoint: weights, optimizer and random generators. */
    String tensors() throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(lastCheckpoint())).order(ByteOrder.LITTLE_ENDIAN);
        file.position(Math.toIntExact(Long.BYTES + file.getLong())); // after the header, which has measured times
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(file);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform must provide SHA-256
        }
    }

    @Override
    public void close() {
        ranks();
        launcher.destroyForcibly();
        started.values().forEach(ProcessHandle::destroyForcibly);
    }
}
