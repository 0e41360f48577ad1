package org.facerecognition;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.facerecognition.DrillChild.Variant;
import org.facerecognition.data.BadImages;
import org.jspecify.annotations.Nullable;

/**
 * Repeatedly kills a training process at random moments, resumes it each time, and compares the result with that of an
 * uninterrupted run: all tensors of last.ckpt and best.ckpt (weights, states of optimizer and random generators) must
 * be bitwise equal, the losses and scores of the history equal to the last digit, and the folder must hold nothing
 * else.
 *
 * <p>{@link KillDrillTest} runs a short drill in each build. A long drill:
 *
 * <pre>
 * mvn test -pl core -am -Dtest=KillDrillTest -Dsurefire.failIfNoSpecifiedTests=false -Ddrill.kills=50 [-Ddrill.seed=7]
 * </pre>
 */
final class KillDrill {
    /** What the training process was doing when it was killed. */
    enum Moment {
        /** It had not begun its first step: it was loading libraries, reading data or reading the checkpoint. */
        START,
        STEP,
        VALIDATION,
        CHECKPOINT
    }

    private static final long MAX_RUN_MINUTES = 10;
    private static final int MAX_LATE = 5; // kills in a row that come after the end of the process

    private final Variant variant;
    private final int kills;
    private final int epochs;
    private final Random random;
    private final Path faces;
    private final Path folder;
    private final PrintStream out;
    private final Map<Moment, Integer> hits = new EnumMap<>(Moment.class);
    private final Map<Moment, List<Long>> micros = new EnumMap<>(Moment.class); // durations in the uninterrupted run
    private long totalSteps;
    private int halfWritten; // kills that left a temporary file
    private int freshStarts; // runs that found no checkpoint
    private int late; // kills that came after the end of the process

    /** @param folder an empty folder, in which the checkpoint folders are created */
    KillDrill(Variant variant, int kills, long seed, Path faces, Path folder, PrintStream out) {
        this.variant = variant;
        this.kills = kills;
        this.epochs = 3 + kills / 3;
        this.random = new Random(seed);
        this.faces = faces;
        this.folder = folder;
        this.out = out;
        out.println(variant + ": " + kills + " kills, seed " + seed);
    }

    /**
     * The result of a drill.
     *
     * @param hits the number of kills per moment
     * @param halfWritten the number of kills that left a temporary file
     * @param differences the differences from the uninterrupted run; empty if there are none
     */
    record Result(Map<Moment, Integer> hits, int halfWritten, List<String> differences) {}

    /** Runs the drill, prints a summary and returns the result. */
    Result run() throws IOException, InterruptedException {
        long start = System.nanoTime();
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        run(whole, 2);
        totalSteps = CheckpointContents.steps(whole.resolve("last.ckpt"));
        for (int kill = 0; kill < kills; kill++) {
            killOnce(killed, kill);
        }
        run(killed, 2);

        List<String> differences = new ArrayList<>();
        for (String name : List.of("last.ckpt", "best.ckpt")) {
            CheckpointContents.of(killed.resolve(name))
                    .differencesFrom(CheckpointContents.of(whole.resolve(name)))
                    .forEach(difference -> differences.add(name + ": " + difference));
        }
        for (Path each : List.of(whole, killed)) {
            if (!names(each).equals(List.of("best.ckpt", "last.ckpt"))) {
                differences.add(each + " holds " + names(each));
            }
        }
        out.printf(
                "%s: %d kills in %s (median durations: %s ms), and %d too late; %d left a half-written file, %d runs"
                        + " found no checkpoint; %d steps, %d tensors; %d differences; %d s%n",
                variant,
                kills,
                hits,
                medianMillis(),
                late,
                halfWritten,
                freshStarts,
                totalSteps,
                CheckpointContents.of(killed.resolve("last.ckpt")).tensorCount(),
                differences.size(),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start));
        differences.forEach(out::println);
        return new Result(hits, halfWritten, differences);
    }

    private long medianMicros(Moment moment) {
        List<Long> sorted = micros.get(moment).stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    private Map<Moment, Long> medianMillis() {
        Map<Moment, Long> millis = new EnumMap<>(Moment.class);
        micros.keySet().forEach(moment -> millis.put(moment, medianMicros(moment) / 1_000));
        return millis;
    }

    /**
     * Kills one run. If the process ends before, because this one had to wait for a processor, its checkpoints are put
     * back as they were, and it is tried again.
     */
    private void killOnce(Path checkpoints, int kill) throws IOException, InterruptedException {
        Path before = checkpoints.resolveSibling("before");
        replace(before, checkpoints);
        @Nullable Moment hit = null;
        for (int attempt = 1; hit == null; attempt++) {
            Moment aim = aim(kill, isNearEnd(checkpoints));
            int occurrence = 1 + random.nextInt(aim == Moment.STEP || aim == Moment.CHECKPOINT ? 3 : 1);
            long delayMicros = (long) (random.nextDouble() * 1.2 * medianMicros(aim));
            hit = runChild(checkpoints, 1 + kill % 2, aim, occurrence, delayMicros);
            if (hit == null) {
                late++;
                if (attempt == MAX_LATE) {
                    throw new IllegalStateException(
                            "the training process finished before it was killed, " + attempt + " times in a row");
                }
                replace(checkpoints, before);
            }
        }
        hits.merge(hit, 1, Integer::sum);
        boolean half = Files.isDirectory(checkpoints)
                && names(checkpoints).stream().anyMatch(name -> name.startsWith(".") && name.endsWith(".tmp"));
        halfWritten += half ? 1 : 0;
    }

    /** Makes a folder of files equal to another one, which need not exist. */
    private static void replace(Path folder, Path by) throws IOException {
        Files.createDirectories(folder);
        for (String name : names(folder)) {
            Files.delete(folder.resolve(name));
        }
        for (String name : Files.isDirectory(by) ? names(by) : List.<String>of()) {
            Files.copy(by.resolve(name), folder.resolve(name));
        }
    }

    /** Returns whether the run could end before it is killed, unless it is killed before its next checkpoint. */
    private boolean isNearEnd(Path checkpoints) {
        Path last = checkpoints.resolve("last.ckpt");
        return Files.exists(last) && CheckpointContents.steps(last) >= totalSteps * 3 / 4;
    }

    /**
     * Returns the moment to kill at: first a checkpoint, then validation, then a step, so that a short drill covers
     * them; after that a random one, rarely the start. Near its end, the run is killed before its next checkpoint.
     */
    private Moment aim(int kill, boolean nearEnd) {
        if (nearEnd) {
            return random.nextInt(3) == 0 ? Moment.START : Moment.STEP;
        }
        return switch (kill) {
            case 0 -> Moment.CHECKPOINT;
            case 1 -> Moment.VALIDATION;
            case 2 -> Moment.STEP;
            default -> {
                int roll = random.nextInt(10);
                yield roll < 1
                        ? Moment.START
                        : roll < 4 ? Moment.STEP : roll < 6 ? Moment.VALIDATION : Moment.CHECKPOINT;
            }
        };
    }

    /** Runs the training process to its end. */
    private void run(Path checkpoints, int loaderThreads) throws IOException, InterruptedException {
        runChild(checkpoints, loaderThreads, null, 0, 0);
    }

    /**
     * Runs the training process once.
     *
     * @param aim the moment to kill the process at; null to let it finish
     * @param occurrence the occurrence of that moment at which the process is killed, from 1
     * @param delayMicros the time from the beginning of that occurrence to the kill
     * @return the last moment that the process reported; null if it finished before it was killed
     */
    private @Nullable Moment runChild(
            Path checkpoints, int loaderThreads, @Nullable Moment aim, int occurrence, long delayMicros)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(DrillChild.command(
                        List.of(), variant, faces, checkpoints, epochs, loaderThreads, BadImages.FAIL))
                .redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1"); // fixed order of summation, no contention between children
        Process process = builder.start();
        List<String> lines = new ArrayList<>();
        Moment current = Moment.START;
        int remaining = occurrence;
        long momentStart = System.nanoTime();
        try (BufferedReader reader = process.inputReader()) {
            if (aim == Moment.START) {
                killAfter(process, delayMicros);
            }
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
                Moment next = momentOf(line);
                if (next == null) {
                    continue;
                }
                if (aim == null) {
                    micros.computeIfAbsent(current, moment -> new ArrayList<>())
                            .add((System.nanoTime() - momentStart) / 1_000);
                    momentStart = System.nanoTime();
                }
                current = next;
                if (line.equals("started 0") && aim != null) {
                    freshStarts++;
                }
                if (next == aim && !line.equals("resting") && --remaining == 0) {
                    killAfter(process, delayMicros);
                }
            }
        } finally {
            process.destroyForcibly();
        }
        if (!process.waitFor(MAX_RUN_MINUTES, TimeUnit.MINUTES)) {
            throw new IllegalStateException("a training process did not exit within " + MAX_RUN_MINUTES + " minutes");
        }
        boolean ended = lines.contains("done");
        if (!ended && aim == null || lines.stream().anyMatch(line -> line.startsWith("error: "))) {
            throw new IllegalStateException(
                    "the training process failed: " + lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        }
        return ended && aim != null ? null : current;
    }

    private static void killAfter(Process process, long micros) {
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros));
        process.toHandle().destroyForcibly(); // SIGKILL; the output so far can still be read
    }

    /** Returns the moment that begins with an output line of the child; null if none does. */
    private static Moment momentOf(String line) {
        String word = line.split(" ")[0];
        return switch (word) {
            case "started", "step", "resting" -> Moment.STEP;
            case "validation" -> Moment.VALIDATION;
            case "checkpoint" -> Moment.CHECKPOINT;
            default -> null;
        };
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return List.copyOf(new TreeSet<>(
                    files.map(file -> file.getFileName().toString()).toList()));
        }
    }

    /** Runs a drill; arguments: variant, number of kills, seed, working folder. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Files.createDirectories(Path.of(args[3]));
        Path faces = TinyTraining.writeFaces(folder.resolve("faces"));
        Result result = new KillDrill(
                        Variant.valueOf(args[0]),
                        Integer.parseInt(args[1]),
                        Long.parseLong(args[2]),
                        faces,
                        folder,
                        System.out)
                .run();
        System.exit(result.differences().isEmpty() ? 0 : 1);
    }
}
