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

/**
 * Kills a training again and again, at random moments, resumes it each time, and compares what comes out with a
 * training that was never killed: all tensors of last.ckpt and best.ckpt bit for bit (weights, optimizer, generator),
 * the history's losses and scores to the last digit, and the folder, in which nothing else may be left.
 *
 * <p>The short version runs in the build, see {@link KillDrillTest}. A long one:
 *
 * <pre>
 * mvn test -pl core -am -Dtest=KillDrillTest -Dsurefire.failIfNoSpecifiedTests=false -Ddrill.kills=50 [-Ddrill.seed=7]
 * </pre>
 */
final class KillDrill {
    /** What the training was doing when it was killed. */
    enum Moment {
        /** Before its first step: loading libraries, reading data, reading the checkpoint. */
        START,
        STEP,
        VALIDATION,
        CHECKPOINT
    }

    private static final long LONGEST_LIFE_MINUTES = 10;

    private final Variant variant;
    private final int kills;
    private final int epochs;
    private final Random random;
    private final Path faces;
    private final Path folder;
    private final PrintStream out;
    private final Map<Moment, Integer> hits = new EnumMap<>(Moment.class);
    private final Map<Moment, List<Long>> micros = new EnumMap<>(Moment.class); // of the training that is not killed
    private long stepsInAll;
    private int halfWritten; // kills that left a temporary file
    private int startsAnew; // lives that found no checkpoint

    /** @param folder empty; the trainings' folders are created in it */
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
     * The outcome.
     *
     * @param hits kills by what the training was doing
     * @param halfWritten kills that left a temporary file
     * @param differences from the training that was never killed; empty when all is well
     */
    record Result(Map<Moment, Integer> hits, int halfWritten, List<String> differences) {}

    /** Runs the drill. */
    Result run() throws IOException, InterruptedException {
        long start = System.nanoTime();
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        live(whole, 2, null, 0, 0);
        stepsInAll = CheckpointContents.steps(whole.resolve("last.ckpt"));
        for (int kill = 0; kill < kills; kill++) {
            killOnce(killed, kill);
        }
        live(killed, 2, null, 0, 0);

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
                "%s: %d kills in %s (whose medians last %s ms); %d left a half-written file, %d lives began anew; %d steps, %d tensors; %d"
                        + " differences; %d s%n",
                variant,
                kills,
                hits,
                medianMillis(),
                halfWritten,
                startsAnew,
                stepsInAll,
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

    private void killOnce(Path backup, int kill) throws IOException, InterruptedException {
        Moment aim = aim(kill, isNearItsEnd(backup));
        int occurrence = 1 + random.nextInt(aim == Moment.STEP || aim == Moment.CHECKPOINT ? 3 : 1);
        long delayMicros = (long) (random.nextDouble() * 1.2 * medianMicros(aim));
        Moment hit = live(backup, 1 + kill % 2, aim, occurrence, delayMicros);
        hits.merge(hit, 1, Integer::sum);
        boolean half = Files.isDirectory(backup)
                && names(backup).stream().anyMatch(name -> name.startsWith(".") && name.endsWith(".tmp"));
        halfWritten += half ? 1 : 0;
    }

    /** Whether it may end before it is killed, unless it is killed before its next checkpoint. */
    private boolean isNearItsEnd(Path backup) {
        Path last = backup.resolve("last.ckpt");
        return Files.exists(last) && CheckpointContents.steps(last) > stepsInAll * 3 / 4;
    }

    /** Each kind in turn at first, so that a short drill has them too; then as chance has it, the start seldom. */
    private Moment aim(int kill, boolean nearItsEnd) {
        if (nearItsEnd) {
            return random.nextInt(3) == 0 ? Moment.START : Moment.STEP;
        }
        return switch (kill) {
            case 0 -> Moment.CHECKPOINT;
            case 1 -> Moment.VALIDATION;
            case 2 -> Moment.STEP;
            default -> {
                int drawn = random.nextInt(10);
                yield drawn < 1
                        ? Moment.START
                        : drawn < 4 ? Moment.STEP : drawn < 6 ? Moment.VALIDATION : Moment.CHECKPOINT;
            }
        };
    }

    /**
     * One life of the training.
     *
     * @param aim when to kill it; null to let it end
     * @param occurrence how often it begins what is aimed at before it is killed, from 1
     * @return what it was doing last
     */
    private Moment live(Path backup, int loaderThreads, Moment aim, int occurrence, long delayMicros)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        DrillChild.command(List.of(), variant, faces, backup, epochs, loaderThreads, BadImages.FAIL))
                .redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1"); // sums are the same, and children do not wait for each other
        Process process = builder.start();
        List<String> lines = new ArrayList<>();
        Moment now = Moment.START;
        int left = occurrence;
        long since = System.nanoTime();
        try (BufferedReader reader = process.inputReader()) {
            if (aim == Moment.START) {
                killAfter(process, delayMicros);
            }
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
                Moment begun = momentOf(line);
                if (begun == null) {
                    continue;
                }
                if (aim == null) {
                    micros.computeIfAbsent(now, moment -> new ArrayList<>()).add((System.nanoTime() - since) / 1_000);
                    since = System.nanoTime();
                }
                now = begun;
                if (line.equals("started 0") && aim != null) {
                    startsAnew++;
                }
                if (begun == aim && !line.equals("resting") && --left == 0) {
                    killAfter(process, delayMicros);
                }
            }
        } finally {
            process.destroyForcibly();
        }
        if (!process.waitFor(LONGEST_LIFE_MINUTES, TimeUnit.MINUTES)) {
            throw new IllegalStateException("a training did not end");
        }
        boolean ended = lines.contains("done");
        if (ended != (aim == null) || lines.stream().anyMatch(line -> line.startsWith("error: "))) {
            throw new IllegalStateException("the training " + (ended ? "ended before it was killed" : "failed") + ": "
                    + lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        }
        return now;
    }

    private static void killAfter(Process process, long micros) {
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros));
        process.toHandle().destroyForcibly(); // SIGKILL; what the process has said can still be read
    }

    /** What begins with a line of the child; null when it is no news. */
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

    /** Arguments: variant, kills, seed, working folder. */
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
