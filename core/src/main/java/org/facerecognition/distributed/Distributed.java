package org.facerecognition.distributed;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A group of processes that train together. Each process is a rank; rank 0 writes the checkpoints. torchrun, Open MPI,
 * Slurm, Kubeflow and {@link LocalRanks} start the processes, and {@link #fromEnvironment()} recognizes which of them
 * did:
 *
 * <pre>{@code
 * try (Distributed group = Distributed.fromEnvironment()) {
 *     new Trainer(TrainerArgs.builder().distributed(group).batchSize(256).build()).fit(recognizer, faces);
 * }
 * }</pre>
 *
 * <p>Without a launcher the group is this process alone, and costs nothing. All ranks must do the same in the same
 * order, in one thread. When a rank fails, dies or does not come within the time limit, every other rank gets an
 * exception that names it, and the group cannot be used any more.
 *
 * <p>A group is owned by its creator. Tensors passed in are borrowed.
 */
public final class Distributed implements AutoCloseable {
    /** How long ranks wait for each other by default. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(10);

    private final int rank;
    private final int worldSize;
    private final int localRank;
    private final @Nullable Connection connection; // null for a process alone
    private int exchanges;
    private boolean closed;

    private record Connection(Launch launch, RankStore store, Failures failures, Collectives collectives) {}

    private Distributed(int rank, int worldSize, int localRank, @Nullable Connection connection) {
        this.rank = rank;
        this.worldSize = worldSize;
        this.localRank = localRank;
        this.connection = connection;
    }

    /** Joins the group that the launcher of this process has described, with {@link #DEFAULT_TIMEOUT}. */
    public static Distributed fromEnvironment() {
        return fromEnvironment(DEFAULT_TIMEOUT);
    }

    /**
     * Joins the group that the launcher of this process has described in environment variables, and waits for the
     * other ranks.
     *
     * @param timeout how long ranks wait for each other, when the group forms and in each collective operation
     * @return owned; a group of one where there is no launcher
     * @throws IllegalStateException when variables are missing or wrong, or when other ranks do not come in time,
     *     naming them
     */
    public static Distributed fromEnvironment(Duration timeout) {
        Optional<Launch> launch = Launch.of(System.getenv());
        return launch.isEmpty() || launch.get().worldSize() == 1 ? alone() : join(launch.get(), timeout);
    }

    /** Returns a group of one process, which needs no network. */
    public static Distributed alone() {
        return new Distributed(0, 1, 0, null);
    }

    /** Returns a clause that says which launcher has started this process, for diagnoses. */
    public static String environment() {
        return Launch.of(System.getenv()).map(Launch::toString).orElse("none: this process trains alone");
    }

    /**
     * Returns whether a launcher has started this process as one of several.
     *
     * @throws IllegalStateException when variables are missing or wrong, naming them
     */
    public static boolean isLaunched() {
        return Launch.of(System.getenv()).map(launch -> launch.worldSize() > 1).orElse(false);
    }

    /**
     * This process in a group.
     *
     * @param rank number of this process, from 0
     * @param worldSize number of processes
     * @param localRank number of this process among those of its machine, from 0: the number of its GPU
     * @param host name or address of its machine, under which the other ranks reach it
     */
    public record Rank(int rank, int worldSize, int localRank, String host) {}

    /**
     * Joins a group whose processes were started by a program of your own, such as a job on a cluster, and waits for
     * the other ranks. Rank 0 runs the store of the group on a free port.
     *
     * @param me this process
     * @param fromFirst is called once on each rank with a word, and returns the word that rank 0 passed in: the way in
     *     which the program lets its processes talk to each other before there is a group. Not called in a group of one
     * @param timeout how long ranks wait for each other, when the group forms and in each collective operation
     * @return owned
     * @throws IllegalStateException when the rank is not in the group, or when other ranks do not come in time, naming
     *     them
     */
    public static Distributed join(Rank me, UnaryOperator<String> fromFirst, Duration timeout) {
        if (launch(me, me.host(), 0).worldSize() == 1) {
            return alone();
        }
        if (me.rank() == 0) {
            return joinAsFirst(me, fromFirst, timeout);
        }
        String address = fromFirst.apply("");
        int colon = address.lastIndexOf(':');
        if (colon < 0) {
            throw new IllegalStateException("rank 0 must give the address of the group's store to the others, but rank "
                    + me.rank() + " was given \"" + address + "\"");
        }
        int port = Integer.parseInt(address.substring(colon + 1));
        return join(launch(me, address.substring(0, colon), port), timeout);
    }

    private static Distributed joinAsFirst(Rank me, UnaryOperator<String> fromFirst, Duration timeout) {
        RankStore store = RankStore.first(me.host(), timeout);
        try {
            fromFirst.apply(me.host() + ":" + store.port());
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
        return join(launch(me, me.host(), store.port()), store, timeout);
    }

    private static Launch launch(Rank me, String host, int port) {
        return new Launch(
                "a program", me.rank(), me.worldSize(), me.localRank(), host, port, false, RankStore.FIRST_ATTEMPT);
    }

    static Distributed join(Launch launch, Duration timeout) {
        return join(launch, RankStore.of(launch, timeout), timeout);
    }

    private static Distributed join(Launch launch, RankStore common, Duration timeout) {
        RankStore store = common;
        Failures failures = null;
        try {
            Optional<Meeting> meeting =
                    launch.attempt().isEmpty() ? Optional.of(Meeting.of(common, launch, timeout)) : Optional.empty();
            store = meeting.map(Meeting::store).orElseGet(() -> common.ofNextGroup(launch));
            requireFree(store, launch);
            store.set(
                    Failures.WHO + launch.rank(),
                    machine() + ", process " + ProcessHandle.current().pid());
            failures = new Failures(store, launch);
            awaitOthers(store, failures, launch, timeout, meeting);
            Collectives collectives = new Collectives(store, failures, launch, timeout);
            return new Distributed(
                    launch.rank(),
                    launch.worldSize(),
                    launch.localRank(),
                    new Connection(launch, store, failures, collectives));
        } catch (RuntimeException e) {
            if (failures != null) { // the others may still read why there is no group
                failures.tell(e);
                failures.leave(launch.rank() == 0 && !launch.storeIsThere());
                failures.close();
            }
            store.close();
            throw e;
        }
    }

    /** A launcher's own store may have the ranks of a former group; ours is new, and anybody in it is of this group. */
    private static void requireFree(RankStore store, Launch launch) {
        Optional<String> other = launch.storeIsThere() ? Optional.empty() : store.get(Failures.WHO + launch.rank());
        if (other.isPresent()) {
            throw new IllegalStateException("rank " + launch.rank() + " of the group at " + launch.host() + ":"
                    + launch.port() + " is " + other.get() + " already: another training has that port; give this one"
                    + " another, such as with MASTER_PORT");
        }
    }

    private static void awaitOthers(
            RankStore store, Failures failures, Launch launch, Duration timeout, Optional<Meeting> meeting) {
        try {
            awaitAll(store, failures, launch, timeout, meeting);
        } catch (IllegalStateException e) {
            throw failures.ofStore(e);
        }
    }

    private static String machine() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown machine";
        }
    }

    private static void awaitAll(
            RankStore store, Failures failures, Launch launch, Duration timeout, Optional<Meeting> meeting) {
        long start = System.nanoTime();
        TreeSet<Integer> missing = new TreeSet<>();
        for (int i = 0; i < launch.worldSize(); i++) {
            missing.add(i);
        }
        while (true) {
            meeting.ifPresent(Meeting::answer);
            missing.removeIf(other -> store.get(Failures.WHO + other).isPresent());
            if (missing.isEmpty()) {
                return;
            }
            failures.check();
            if (System.nanoTime() - start > timeout.toNanos()) {
                String sentence = "all " + launch.worldSize() + " ranks must come within " + timeout.toSeconds()
                        + " s, but of these nothing was heard: " + missing + "; look at their output";
                throw new GroupFailureException(sentence, null); // a new group may well come together
            }
            Failures.sleep(20);
        }
    }

    /** Returns the number of this process, from 0. */
    public int rank() {
        return rank;
    }

    /** Returns the number of processes. */
    public int worldSize() {
        return worldSize;
    }

    /** Returns the number of this process among those of its machine, from 0: the number of its GPU. */
    public int localRank() {
        return localRank;
    }

    // ---- collective operations ----

    /**
     * Replaces each tensor by its sum over all ranks. The operations run at the same time, in the background of each
     * other.
     *
     * @param tensors contiguous, of the same shapes on all ranks
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public void sum(List<Tensor> tensors) {
        if (connection != null) {
            connection.collectives().sum(tensors);
        }
    }

    /**
     * Returns the tensors of all ranks.
     *
     * @param mine contiguous, of the same shape on all ranks
     * @return [ranks, ...mine], in the order of ranks; scoped
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public Tensor gather(Tensor mine) {
        return connection == null ? mine.unsqueeze(0) : connection.collectives().gather(mine);
    }

    /**
     * Replaces each tensor by rank 0's.
     *
     * @param tensors contiguous, of the same shapes on all ranks
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public void broadcast(List<Tensor> tensors) {
        if (connection != null) {
            connection.collectives().broadcast(tensors);
        }
    }

    /**
     * Replaces a tensor by that of one rank.
     *
     * @param tensor contiguous, of the same shape on all ranks
     * @param root the rank that has the values
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public void broadcast(Tensor tensor, int root) {
        if (connection != null) {
            connection.collectives().broadcast(tensor, root);
        }
    }

    /**
     * Sends a tensor to one rank, which {@linkplain #receive receives} it.
     *
     * @param tensor contiguous
     * @param to another rank
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public void send(Tensor tensor, int to) {
        requireGroup().collectives().send(tensor, to);
    }

    /**
     * Fills a tensor with the one that another rank {@linkplain #send sends}.
     *
     * @param tensor contiguous, of the shape and type that is sent
     * @param from another rank
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public void receive(Tensor tensor, int from) {
        requireGroup().collectives().receive(tensor, from);
    }

    private Connection requireGroup() {
        if (connection == null) {
            throw new IllegalStateException("a process alone has no other rank to send to or to receive from");
        }
        return connection;
    }

    /**
     * Returns whether a condition holds on any rank.
     *
     * @throws IllegalStateException when another rank has failed, naming it
     */
    public boolean any(boolean mine) {
        if (connection == null) {
            return mine;
        }
        try (PointerScope scope = new PointerScope()) {
            Tensor count = Tensor.create(new long[] {mine ? 1 : 0});
            connection.collectives().sum(List.of(count));
            return count.item_long() > 0;
        }
    }

    /**
     * Runs work on rank 0 only; the others wait for its result, however long it takes.
     *
     * @return rank 0's result, on all ranks
     * @throws IllegalStateException when rank 0 has failed
     */
    public String onFirst(Supplier<String> work) {
        if (connection == null) {
            return work.get();
        }
        String key = "first/" + exchanges++;
        if (rank == 0) {
            String result = work.get();
            connection.store().set(key, result);
            return result;
        }
        return connection.failures().await(key, 0);
    }

    /**
     * Compares what must be the same on all ranks, such as settings and data.
     *
     * @param mine values by name
     * @throws IllegalStateException on every rank when values differ, naming them and the ranks
     */
    public void requireSame(Map<String, String> mine) {
        if (connection == null) {
            return;
        }
        new Agreement(connection.store(), connection.failures(), rank, worldSize).require(exchanges++, mine);
    }

    /**
     * Tells the other ranks why this one fails, so that they stop with that reason, and closes the connections to
     * them. Only the first failure of a group counts. {@code Trainer.fit} calls it; others that fail should too.
     */
    public void failed(Throwable reason) {
        if (connection != null && !closed) {
            connection.failures().tell(reason);
            connection.collectives().abort();
        } else if (connection == null) {
            Failures.tellLauncher(reason);
        }
    }

    /** Leaves the group. Ranks that still wait for this one get an exception. Closing twice has no further effect. */
    @Override
    public void close() {
        if (connection != null && !closed) {
            closed = true;
            try {
                connection.collectives().close();
            } finally { // the others must not wait for this rank
                connection.failures().leave(rank == 0 && !connection.launch().storeIsThere());
                connection.failures().close();
                connection.store().close();
            }
        }
    }
}
