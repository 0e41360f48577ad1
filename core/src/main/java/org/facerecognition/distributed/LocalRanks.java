package org.facerecognition.distributed;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.natives.Processors;
import org.jspecify.annotations.Nullable;

/**
 * Starts the ranks of a group as processes on this machine, and ends all of them when one fails. The processors are
 * shared out among them. The store of the group runs in this process, so that any rank may die, rank 0 included.
 * {@link RestartingRanks} starts a group again that has lost a rank.
 *
 * <p>Rank 0 has this process's standard streams, unless its output is asked for; what the other ranks write is passed
 * on line by line.
 */
public final class LocalRanks implements RestartingRanks.Group {
    private static final long GRACE_SECONDS = 15; // for ranks to say why they stop
    private static final long STOP_SECONDS = 130; // for the last step and its checkpoint
    private static final long SILENCE_SECONDS = 3; // of a rank that stands still; six beats
    private static final int SIGNALED = 128; // on Unix, the exit code of a process that was killed is more: + signal
    private static final Set<Integer> ASKED_TO_STOP = Set.of(SIGNALED + 1, SIGNALED + 2, SIGNALED + 15); // HUP INT TERM
    private static final List<String> JVM_OPTIONS = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");
    private static final String LAUNCHER_PROCESS = "FACERECOGNITION_LAUNCHER_PROCESS";

    private final RankStore store;
    private final List<Process> processes = new ArrayList<>();
    private final List<Thread> readers = new ArrayList<>();
    private boolean closed;

    private LocalRanks(RankStore store) {
        this.store = store;
    }

    /**
     * Starts ranks.
     *
     * @param count number of ranks, at least 1
     * @param command of each rank; {@link #java} builds one for a Java program
     * @param lines receives what ranks other than 0 write, each line with the rank before it; called by other threads
     * @return owned: closing it ends the ranks that still run
     * @throws IllegalStateException when a process cannot be started; none runs then
     */
    public static LocalRanks start(int count, List<String> command, Consumer<String> lines) {
        return start(count, command, lines, null);
    }

    /**
     * Starts ranks; as {@link #start(int, List, Consumer)}.
     *
     * @param output receives the lines that rank 0 writes on standard output, called by another thread; null if they go
     *     to that of this process
     * @throws IllegalStateException when a process cannot be started; none runs then
     */
    public static LocalRanks start(
            int count, List<String> command, Consumer<String> lines, @Nullable Consumer<String> output) {
        if (count < 1) {
            throw new IllegalArgumentException("processes must be at least 1, but was " + count);
        }
        LocalRanks ranks = new LocalRanks(RankStore.server("127.0.0.1", 0));
        try {
            for (int rank = 0; rank < count; rank++) {
                ranks.start(rank, count, command, lines, output);
            }
            return ranks;
        } catch (IOException e) {
            ranks.kill();
            ranks.close();
            throw new IllegalStateException("cannot start " + command.get(0) + ": " + e.getMessage(), e);
        } catch (RuntimeException | Error e) { // no thread can be started
            ranks.kill();
            ranks.close();
            throw e;
        }
    }

    private void start(
            int rank, int count, List<String> command, Consumer<String> lines, @Nullable Consumer<String> output)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> environment = builder.environment();
        environment.put(Launch.OWN_VARIABLE, "processes of this machine");
        environment.put(LAUNCHER_PROCESS, Long.toString(ProcessHandle.current().pid()));
        environment.put("RANK", Integer.toString(rank));
        environment.put("LOCAL_RANK", Integer.toString(rank));
        environment.put("WORLD_SIZE", Integer.toString(count));
        environment.put("MASTER_ADDR", "127.0.0.1");
        environment.put("MASTER_PORT", Integer.toString(store.port()));
        environment.put("TORCHELASTIC_USE_AGENT_STORE", "true");
        for (String variable : JVM_OPTIONS) {
            environment.computeIfPresent(variable, (name, flags) -> forRanks(flags));
        }
        environment.putIfAbsent("OMP_NUM_THREADS", Integer.toString(threadsEach(count)));
        if (rank == 0) {
            builder.inheritIO();
            if (output != null) {
                builder.redirectOutput(Redirect.PIPE);
            }
        } else {
            builder.redirectErrorStream(true).redirectInput(Redirect.from(nothing()));
        }
        Process process = builder.start();
        processes.add(process);
        if (rank > 0) {
            read(rank, () -> passOn(process, "[rank " + rank + "] ", lines));
        } else if (output != null) {
            read(rank, () -> passOn(process, "", output));
        }
    }

    private void read(int rank, Runnable work) {
        Thread reader = new Thread(work, "rank-" + rank + "-output");
        reader.setDaemon(true);
        reader.start();
        readers.add(reader);
    }

    private static File nothing() {
        return new File(System.getProperty("os.name", "").startsWith("Windows") ? "NUL" : "/dev/null");
    }

    private static void passOn(Process process, String prefix, Consumer<String> lines) {
        try (BufferedReader output = process.inputReader()) {
            output.lines().forEach(line -> lines.accept(prefix + line));
        } catch (IOException | UncheckedIOException e) {
            // the process is gone
        }
    }

    private static int threadsEach(int count) {
        return Math.max(1, Processors.count() / count);
    }

    /**
     * Returns the beginning of a command that runs a class with this process's Java, class path and JVM flags, without
     * those of debuggers and agents.
     *
     * @param count number of ranks that share the processors, unless the number of threads is given already
     */
    public static List<String> java(int count, Class<?> main) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current()
                .info()
                .command()
                .orElse(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(LocalRanks::isForRanks)
                .forEach(command::add);
        if (Processors.given().isEmpty()) {
            command.add("-D" + Processors.PROPERTY + "=" + threadsEach(count));
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return command;
    }

    /** Returns whether a flag of this JVM is for its ranks too: not so debuggers and agents, which open a port. */
    static boolean isForRanks(String flag) {
        return Stream.of(
                        "-agentlib:jdwp",
                        "-Xrunjdwp",
                        "-javaagent:",
                        "-Dcom.sun.management.jmxremote",
                        "-XX:StartFlightRecording")
                .noneMatch(flag::startsWith);
    }

    /** Returns the flags in a variable such as JAVA_TOOL_OPTIONS that are for ranks too. */
    static String forRanks(String flags) {
        List<String> all = List.of(flags.strip().split("\\s+"));
        return all.stream().allMatch(LocalRanks::isForRanks)
                ? flags
                : all.stream().filter(LocalRanks::isForRanks).collect(Collectors.joining(" "));
    }

    /** Returns whether this process is a rank that a launcher of this class has started. */
    public static boolean isRank() {
        return System.getenv(LAUNCHER_PROCESS) != null;
    }

    /** Runs an action in a rank when the process that started it has ended, however it ended. */
    public static void onLauncherExit(Runnable action) {
        String launcher = System.getenv(LAUNCHER_PROCESS);
        if (launcher != null) {
            ProcessHandle.of(Long.parseLong(launcher))
                    .map(ProcessHandle::onExit)
                    .orElseGet(() -> CompletableFuture.completedFuture(null))
                    .thenRun(action);
        }
    }

    /** Returns the process numbers of the ranks, in their order. */
    public List<Long> pids() {
        return processes.stream().map(Process::pid).toList();
    }

    /**
     * Waits for all ranks. When one ends with an error, the others have {@value #GRACE_SECONDS} seconds to say why they
     * stop, and are then killed; when one was asked to stop, they stop with it, and have {@value #STOP_SECONDS}. So has
     * rank 0 as long as it shows signs of life, because it may be writing a checkpoint, which it can finish alone. A
     * rank that was killed counts for nothing when it had left the group, or when rank 0 has ended well.
     */
    @Override
    public GroupEnding await() throws InterruptedException {
        return await(GRACE_SECONDS);
    }

    /** @param graceSeconds for ranks to say why they stop */
    GroupEnding await(long graceSeconds) throws InterruptedException {
        try {
            int failed = firstFailure();
            GroupEnding ending = failed < 0 ? GroupEnding.FINISHED : ending(failed);
            if (failed >= 0 && !awaitAll(wasAskedToStop(failed) ? STOP_SECONDS : graceSeconds)) {
                if (!wasAskedToStop(failed)) {
                    awaitFirst();
                }
                kill();
                awaitAll(GRACE_SECONDS);
            }
            awaitReaders();
            Process first = processes.get(0);
            return ending.lost() && !first.isAlive() && first.exitValue() == 0 ? GroupEnding.FINISHED : ending;
        } catch (ExecutionException e) {
            throw new IllegalStateException("cannot wait for the ranks: " + e.getMessage(), e);
        }
    }

    /** Returns the first rank that fails; -1 if none does. */
    private int firstFailure() throws InterruptedException, ExecutionException {
        List<Process> running = new ArrayList<>(processes);
        while (!running.isEmpty()) {
            CompletableFuture.anyOf(running.stream().map(Process::onExit).toArray(CompletableFuture<?>[]::new))
                    .get();
            for (Process process : List.copyOf(running)) {
                if (!process.isAlive()) {
                    running.remove(process);
                    int rank = processes.indexOf(process);
                    if (process.exitValue() != 0 && !isDone(rank)) {
                        return rank;
                    }
                }
            }
        }
        return -1;
    }

    private boolean wasAskedToStop(int rank) {
        return ASKED_TO_STOP.contains(processes.get(rank).exitValue());
    }

    /** Returns whether a rank that was killed had left the group, which went well: the others do not need it. */
    private boolean isDone(int rank) {
        return processes.get(rank).exitValue() > SIGNALED && !wasAskedToStop(rank) && hasLeft(rank);
    }

    /** Returns whether a rank has left the group without a failure, its work being done. */
    private boolean hasLeft(int rank) {
        return told(Failures.LEFT + rank).equals(Optional.of(Failures.IN_ORDER));
    }

    /**
     * Judges a failure at once, before others follow from it. A rank that ends by itself before it joins the group, or
     * after it has left it, would do so again.
     */
    private GroupEnding ending(int rank) {
        Process process = processes.get(rank);
        int code = process.exitValue();
        String who = "rank " + rank + " (process " + process.pid() + ")";
        Optional<String> recurring = told(Failures.RECURS);
        if (recurring.isPresent()) {
            return new GroupEnding(code, recurring.get(), false);
        } else if (wasAskedToStop(rank)) {
            return new GroupEnding(code, who + " was asked to stop", false);
        } else if (code > SIGNALED) {
            String clause = who + " was killed by signal " + (code - SIGNALED);
            tellOthers(clause);
            return new GroupEnding(code, clause, true);
        }
        boolean isMember = told(Failures.WHO + rank).isPresent() && !hasLeft(rank);
        String clause = who + " ended with exit code " + code;
        return new GroupEnding(code, told(Failures.FAILED).orElse(clause), isMember);
    }

    private synchronized Optional<String> told(String key) {
        return closed ? Optional.empty() : group().get(key);
    }

    /** Returns the keys of the group that the ranks have formed last. */
    private RankStore group() {
        int former = 0;
        while (store.ofGroup(former + 1).get(Failures.WHO + 0).isPresent()) {
            former++;
        }
        return store.ofGroup(former);
    }

    /** Lets the other ranks stop with this reason, and sooner than they would find out. */
    private synchronized void tellOthers(String clause) {
        if (!closed && group().get(Failures.FAILED).isEmpty()) {
            group().set(Failures.FAILED, clause);
        }
    }

    private boolean awaitAll(long seconds) throws InterruptedException {
        CompletableFuture<?> all =
                CompletableFuture.allOf(processes.stream().map(Process::onExit).toArray(CompletableFuture<?>[]::new));
        try {
            all.get(seconds, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }

    /** Waits for rank 0 as long as it shows signs of life. */
    private void awaitFirst() throws InterruptedException {
        Process first = processes.get(0);
        Optional<String> beat = told(Failures.BEAT + 0);
        for (long waited = 0; beat.isPresent() && waited < STOP_SECONDS; waited += SILENCE_SECONDS) {
            if (first.waitFor(SILENCE_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
            Optional<String> next = told(Failures.BEAT + 0);
            beat = next.equals(beat) ? Optional.empty() : next;
        }
    }

    private void awaitReaders() throws InterruptedException {
        for (Thread reader : readers) {
            reader.join(TimeUnit.SECONDS.toMillis(GRACE_SECONDS));
        }
    }

    private void kill() {
        processes.forEach(Process::destroyForcibly);
    }

    /** Asks the ranks that still run to stop, waits for their last step and its checkpoint, and ends the others. */
    @Override
    public void close() {
        processes.forEach(process -> process.toHandle().destroy()); // Process.destroy would close what they write to
        try {
            if (awaitAll(STOP_SECONDS)) {
                awaitReaders();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        kill();
        closeStore();
    }

    private synchronized void closeStore() {
        closed = true;
        store.close();
    }
}
