package org.facerecognition.distributed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.facerecognition.natives.NativeErrors;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which rank is to blame when a collective operation fails. libtorch reports only that a connection was
 * closed, or that time is up.
 *
 * <p>Every rank writes to the store twice a second how many collective operations it has begun: one whose entry no
 * longer changes is dead, and of those that live the one with the smallest number is the one that the others wait for.
 * What two ranks send each other is not counted, because the others have no part in it; while it lasts, both write for
 * which rank they wait, which may itself wait for a third one. A rank that fails with a message of its own writes that
 * message, and a launcher on this machine writes which of its ranks was killed.
 */
final class Failures implements AutoCloseable {
    private static final long BEAT_MILLIS = 500;
    private static final Duration SILENCE_AFTER_ERROR = Duration.ofMillis(2_500); // five beats
    private static final Duration SILENCE_WHILE_WAITING = Duration.ofSeconds(20); // a machine may be very busy
    private static final Duration LAST_READING = Duration.ofSeconds(6);
    private static final Duration SILENCE_OF_STORE = Duration.ofSeconds(4); // after a failure
    private static final long LONGEST_PAUSE_MILLIS = 250;
    static final String FAILED = "failed"; // key of the clause that says which rank failed and why
    static final String RECURS = "recurs"; // key of the same clause, of a failure that a new group would have again
    static final String LEFT = "left/"; // and a rank: key of one that needs the others no longer
    static final String IN_ORDER = ""; // value of the key of one that has left a group without a failure
    private static final String AFTER_FAILURE = "after a failure";
    static final String WHO = "who/"; // and a rank: key of its machine and process

    static final String BEAT = "beat/"; // and a rank: key of what shows that it lives
    private static final String IS_GONE = " was killed or cannot be reached any more";
    private static final String HAS_LEFT = " left the group before the training ended; look at its output";

    /** Of operating systems and programs, beside what {@link NativeErrors#isOfMemory} knows. */
    private static final Pattern OUT_OF_MEMORY = Pattern.compile(
            "out of memory|can(no|')t allocate memory|(not enough|insufficient) memory", Pattern.CASE_INSENSITIVE);

    private final RankStore store;
    private final int rank;
    private final int worldSize;
    private final String keeper; // of the store
    private final AtomicLong operations = new AtomicLong();
    private volatile int peer = Beats.NOBODY; // that this rank sends to or receives from
    private final Thread beats;
    private volatile boolean closed;
    private volatile @Nullable Runnable onFailure;

    Failures(RankStore store, Launch launch) {
        this.store = store;
        this.rank = launch.rank();
        this.worldSize = launch.worldSize();
        this.keeper = launch.storeIsThere() ? "the launcher" : "rank 0";
        this.beats = new Thread(this::beat, "rank-" + rank + "-heartbeat");
        beats.setDaemon(true);
        beats.start();
    }

    private void beat() {
        for (long beat = 0; !closed; beat++) {
            try {
                store.set(BEAT + rank, Beats.value(beat, operations.get(), peer));
                interruptAfterFailure();
                Thread.sleep(BEAT_MILLIS);
            } catch (InterruptedException | IllegalStateException e) { // closed, or the store is gone
                return;
            }
        }
    }

    private void interruptAfterFailure() {
        Runnable action = onFailure;
        if (action == null || store.get(FAILED).isEmpty()) {
            return;
        }
        try {
            action.run();
        } catch (RuntimeException e) {
            // whoever waits for the operation gets its error
        }
    }

    /** Sets what is done, by another thread and more than once, when a rank has told that it fails. */
    void onFailure(Runnable action) {
        onFailure = action;
    }

    /** Counts a collective operation that this rank begins. */
    void begin() {
        operations.incrementAndGet();
    }

    /** Notes that this rank sends to another one or receives from it, until that is {@link #received}. */
    void begin(int other) {
        peer = other;
    }

    /** Notes that this rank waits for no single one any more. */
    void received() {
        peer = Beats.NOBODY;
    }

    /** Tells the others why this rank fails, unless one of them has failed before. Never throws. */
    void tell(Throwable reason) {
        tell(store, rank, reason);
    }

    /** Tells the launcher of one process, which is in no group, if another one would not fail like this. */
    static void tellLauncher(Throwable reason) {
        if (System.getenv(Launch.OWN_VARIABLE) == null || recurs(reason)) {
            return;
        }
        Launch launch = Launch.of(System.getenv()).orElseThrow();
        try (RankStore store = RankStore.of(launch, Duration.ofSeconds(5))) {
            store.set(WHO + launch.rank(), "process " + ProcessHandle.current().pid());
            tell(store, launch.rank(), reason);
        } catch (IllegalStateException e) {
            // it is gone
        }
    }

    private static void tell(RankStore store, int rank, Throwable reason) {
        String message = reason.getMessage() == null ? reason.toString() : reason.getMessage();
        try {
            store.answering(SILENCE_OF_STORE, () -> {
                String clause = who(store, rank) + " failed: "
                        + message.lines().findFirst().orElse(message);
                if (store.get(FAILED).isEmpty()) {
                    store.set(FAILED, clause);
                }
                if (recurs(reason)) {
                    store.set(RECURS, clause);
                }
                return null;
            });
        } catch (IllegalStateException e) {
            // the store is gone, and the group with it: whoever fails still throws the reason
        }
    }

    /** Whether a new group would fail like this, which is not so of other ranks' failures and of too little memory. */
    static boolean recurs(Throwable reason) {
        for (Throwable cause = reason; cause != null; cause = cause.getCause()) {
            if (cause instanceof GroupFailureException
                    || cause instanceof OutOfMemoryError
                    || cause instanceof RuntimeException error && NativeErrors.isOfMemory(error)
                    || OUT_OF_MEMORY.matcher(String.valueOf(cause.getMessage())).find()) {
                return false;
            }
        }
        return true;
    }

    /** Returns an error of the store as what it means: the store is gone. */
    RuntimeException ofStore(IllegalStateException e) {
        return String.valueOf(e.getMessage()).startsWith("libtorch failed") ? failure(storeIsGone(), e) : e;
    }

    /** @throws GroupFailureException when a rank has failed, naming it */
    void check() {
        Optional<String> told = store.get(FAILED);
        if (told.isPresent()) {
            throw failure(told.get(), null);
        }
    }

    /**
     * Returns an exception that names the rank because of which a collective operation failed; takes a few seconds.
     *
     * @param error of libtorch
     * @param waited how long the operation may take
     */
    GroupFailureException explain(RuntimeException error, Duration waited) {
        String culprit;
        try {
            culprit = store.answering(SILENCE_OF_STORE, () -> culprit(error, waited));
        } catch (IllegalStateException e) {
            culprit = Thread.currentThread().isInterrupted()
                    ? "rank " + rank + " was interrupted while it looked for the reason of: "
                            + NativeErrors.reason(error)
                    : storeIsGone();
        }
        return failure(culprit, error);
    }

    private String storeIsGone() {
        return keeper + ", which ran the store of the group, was killed or cannot be reached any more";
    }

    private static GroupFailureException failure(String culprit, @Nullable RuntimeException cause) {
        return new GroupFailureException("all ranks stop, because " + culprit, cause);
    }

    private String culprit(RuntimeException error, Duration waited) {
        Beats before = beats();
        long start = System.nanoTime();
        while (System.nanoTime() - start < SILENCE_AFTER_ERROR.toNanos()) {
            Optional<String> told = store.get(FAILED);
            if (told.isPresent()) {
                return told.get();
            }
            sleep(50);
        }
        Beats after = beats();
        List<Integer> left = IntStream.range(0, worldSize)
                .filter(other -> other != rank && store.get(LEFT + other).isPresent())
                .boxed()
                .toList();
        Optional<String> toldMeanwhile = store.get(FAILED); // a rank that fails tells why before it leaves
        if (toldMeanwhile.isPresent()) {
            return toldMeanwhile.get();
        }
        List<Integer> silent = new ArrayList<>(after.sameAs(before, rank));
        silent.removeAll(left);
        boolean ofAll = peer == Beats.NOBODY;
        int slowest = after.awaited(ofAll ? after.slowest() : peer);
        String culprit;
        if (silent.isEmpty() && !left.isEmpty()) {
            culprit = names(left) + HAS_LEFT;
        } else if (silent.isEmpty() && ofAll && after.isEven()) { // nobody is waited for: it is this rank's own
            culprit = who(rank) + " failed: " + NativeErrors.reason(error);
        } else if (silent.isEmpty()) {
            culprit = slowest == rank
                    ? who(rank) + " was slower than the others may wait (" + seconds(waited) + ")"
                    : who(slowest) + " did not come to a common step within " + seconds(waited)
                            + ", or lost its connection";
        } else {
            culprit = names(silent) + IS_GONE;
        }
        store.set(FAILED, culprit);
        return culprit;
    }

    private String names(List<Integer> ranks) {
        return ranks.stream().map(this::who).collect(Collectors.joining(" and "));
    }

    private static String seconds(Duration time) {
        return time.toSeconds() + " s";
    }

    /**
     * Waits for a key that another rank sets, however long its work takes, as long as it lives.
     *
     * @throws IllegalStateException when the other rank has failed, has left the group, or is dead
     */
    String await(String key, int from) {
        try {
            return store.answering(SILENCE_WHILE_WAITING, () -> awaited(key, from));
        } catch (IllegalStateException e) {
            throw ofStore(e);
        }
    }

    private String awaited(String key, int from) {
        Optional<String> before = Optional.empty();
        long lastChange = System.nanoTime();
        long pause = 1;
        while (true) {
            boolean hasLeft = store.get(LEFT + from).isPresent(); // before the key: it may have set that last
            Optional<String> value = store.get(key);
            if (value.isPresent()) {
                return value.get();
            }
            check();
            Optional<String> now = store.get(BEAT + from);
            if (!now.equals(before)) {
                before = now;
                lastChange = System.nanoTime();
            }
            boolean isSilent = System.nanoTime() - lastChange > SILENCE_WHILE_WAITING.toNanos();
            if (hasLeft || isSilent) {
                String culprit = who(from) + (hasLeft ? HAS_LEFT : IS_GONE);
                store.set(FAILED, culprit);
                throw failure(culprit, null);
            }
            sleep(pause);
            pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
        }
    }

    /**
     * Says that this rank needs the store no longer. Whoever runs the store waits a moment for the others to say so
     * too, because they may still read why the training has failed.
     *
     * @param runsStore whether the store ends with this process
     */
    void leave(boolean runsStore) {
        try {
            store.answering(SILENCE_OF_STORE, () -> {
                store.set(LEFT + rank, store.get(FAILED).isEmpty() ? IN_ORDER : AFTER_FAILURE);
                long start = System.nanoTime();
                for (int other = 0; runsStore && other < worldSize; other++) {
                    while (store.get(LEFT + other).isEmpty() && System.nanoTime() - start < LAST_READING.toNanos()) {
                        sleep(20);
                    }
                }
                return null;
            });
        } catch (IllegalStateException e) {
            // the store is gone already
        }
    }

    /** Returns a rank with its machine and process, if it has come. */
    private String who(int other) {
        return who(store, other);
    }

    private static String who(RankStore store, int other) {
        return "rank " + other
                + store.get(WHO + other).map(who -> " (" + who + ")").orElse("");
    }

    private Beats beats() {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < worldSize; i++) {
            values.add(store.get(BEAT + i).orElse(""));
        }
        return new Beats(values);
    }

    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for other ranks", e);
        }
    }

    /** Ends the heartbeat, which uses the store; a store that does not answer is never to be closed then. */
    @Override
    public void close() {
        closed = true;
        beats.interrupt();
        store.awaitLastUse(beats);
    }
}
