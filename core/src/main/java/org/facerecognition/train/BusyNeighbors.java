package org.facerecognition.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Notices that other programs slow a training on several threads down. libtorch's threads wait for one another in every
 * layer, so that one whose processor another program uses stops all of them. How many threads there are cannot be
 * changed for that by itself, because the sums of a training are rounded in another order then.
 *
 * <p>Only on Linux, which tells how long threads waited for a processor.
 */
public final class BusyNeighbors {
    private static final double WINDOW_SECONDS = 20;
    private static final double WAITING = 0.3; // threads: 0.05 if idle, 0.7 to 0.9 beside a loop on one of two
    private static final double OTHERS = 0.25; // processors

    private static final Path PROCESS = Path.of("/proc/self");
    private static final Path THREAD = Path.of("/proc/thread-self");
    private static final int IDLE = 3; // places in a line of /proc/stat
    private static final int WAITING_FOR_DISKS = 4;
    private static final int WITH_STEAL = 8;
    private static final int USER_TIME = 11; // places in /proc/self/stat, behind the name
    private static final int SYSTEM_TIME = 12;

    private final int threads;
    private final DoubleSupplier clock;
    private final Supplier<Optional<Use>> measurement;
    private double begin = Double.NaN; // of the window, in seconds
    private @Nullable Use before; // when the window began
    private boolean done;

    /** @param threads of libtorch that compute; with one there is nothing to notice */
    public BusyNeighbors(int threads) {
        this(threads, () -> System.nanoTime() / 1e9, Use::measure);
    }

    BusyNeighbors(int threads, DoubleSupplier clock, Supplier<Optional<Use>> measurement) {
        this.threads = threads;
        this.clock = clock;
        this.measurement = measurement;
        this.done = threads < 2;
    }

    /**
     * Looks after a step whether others have used the processors; for the thread that trains.
     *
     * @return what to tell the user; once, and nothing otherwise
     */
    public Optional<String> afterStep() {
        double now = done ? Double.NaN : clock.getAsDouble();
        if (done || now - begin < WINDOW_SECONDS) {
            return Optional.empty();
        }
        Use former = before;
        Use after = measurement.get().orElse(null);
        double seconds = now - begin;
        begin = now;
        before = after;
        done = after == null; // another operating system
        if (former == null || after == null) {
            return Optional.empty();
        }
        double waiting = (after.waitedSeconds - former.waitedSeconds) / seconds;
        double others = after.ofOthers(former);
        if (waiting < WAITING || others < OTHERS) {
            return Optional.empty();
        }
        done = true;
        int fewer = Math.max(1, threads - (int) Math.max(1, Math.round(waiting)));
        return Optional.of(String.format(
                Locale.ROOT,
                "other programs use %.1f processors, and the %d threads of this training wait for one another in every"
                        + " layer: it may be faster with %d (--compute-threads %d, also when it is resumed; in Java,"
                        + " Libtorch.setThreads)",
                others,
                threads,
                fewer,
                fewer));
    }

    /**
     * How processors have been used so far.
     *
     * @param waitedSeconds for a processor, of all threads of this thread's team
     * @param all time of all processors, in the operating system's unit
     * @param busy of it, by any program
     * @param own of that, by this process
     * @param processors of the machine
     */
    record Use(double waitedSeconds, long all, long busy, long own, int processors) {
        /** Measures, where the operating system tells. */
        static Optional<Use> measure() {
            try {
                String[] cpu = Files.readAllLines(Path.of("/proc/stat")).stream()
                        .filter(line -> line.startsWith("cpu"))
                        .toArray(String[]::new);
                long[] times = Arrays.stream(cpu[0].trim().split(" +"))
                        .skip(1)
                        .limit(WITH_STEAL)
                        .mapToLong(Long::parseLong)
                        .toArray();
                String stat = Files.readString(PROCESS.resolve("stat"));
                String[] own = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                long all = Arrays.stream(times).sum();
                return Optional.of(new Use(
                        waited(),
                        all,
                        all - times[IDLE] - times[WAITING_FOR_DISKS],
                        Long.parseLong(own[USER_TIME]) + Long.parseLong(own[SYSTEM_TIME]),
                        cpu.length - 1));
            } catch (IOException | RuntimeException e) {
                return Optional.empty();
            }
        }

        /** OpenMP's threads have the name of the thread that made them. */
        private static double waited() throws IOException {
            String name = Files.readString(THREAD.resolve("comm"));
            double nanos = 0;
            try (Stream<Path> tasks = Files.list(PROCESS.resolve("task"))) {
                for (Path task : (Iterable<Path>) tasks::iterator) {
                    try {
                        if (Files.readString(task.resolve("comm")).equals(name)) {
                            nanos += Double.parseDouble(
                                    Files.readString(task.resolve("schedstat")).split(" ")[1]);
                        }
                    } catch (IOException e) {
                        continue; // the thread has ended
                    }
                }
            }
            return nanos / 1e9;
        }

        /** Returns how many processors other programs have used since. */
        double ofOthers(Use former) {
            return (double) (busy - former.busy - (own - former.own)) / (all - former.all) * processors;
        }
    }
}
