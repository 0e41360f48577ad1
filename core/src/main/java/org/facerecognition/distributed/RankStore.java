package org.facerecognition.distributed;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringVector;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
import org.bytedeco.pytorch.global.torch_gloo;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.NativeLibraries;
import org.jspecify.annotations.Nullable;

/**
 * libtorch's TCPStore, where the ranks of a group find each other: texts by key. May be used by several threads.
 *
 * <p>Nothing here waits for a key, because a wait of libtorch's cannot be interrupted when the rank that would set the
 * key has died.
 */
/*
 * A store that was made in Java must not be passed to a second native constructor, and must not be closed once it was
 * passed to one: either ends the JVM. So the TCPStore itself is never handed out, only clones of it, each of which is
 * a connection of its own, and only the TCPStore is closed. The clones stay referenced as long as the process lives: a
 * few for each group.
 */
final class RankStore implements AutoCloseable {
    /** The number of a group that its launcher has not started before. */
    static final String FIRST_ATTEMPT = "0";

    private static final Duration LAUNCHERS_STORE = Duration.ofSeconds(60);
    private static final int MAX_PORT = 65_535;
    private static final Pattern BRACKETS = Pattern.compile("^\\[(.*)\\]$"); // of an IPv6 address, as in URLs
    private static final Map<Launch, Integer> FORMER = new ConcurrentHashMap<>(); // numbers of groups
    private static final List<Store> HANDED_OUT = new CopyOnWriteArrayList<>();

    private static final Duration LAST_USE = Duration.ofSeconds(2);

    private final TCPStore tcp;
    private final String prefix;
    private volatile long lastAnswer = System.nanoTime();
    private volatile boolean isLost; // does not answer: a thread may hang in it for good

    private RankStore(TCPStore tcp, String prefix) {
        this.tcp = tcp;
        this.prefix = prefix;
    }

    /**
     * Starts a store for the ranks of a launcher on this machine.
     *
     * @throws IllegalStateException when it cannot be started
     */
    static RankStore server(String host, int port) {
        return open(host, port, true, Duration.ofSeconds(10), prefix(FIRST_ATTEMPT));
    }

    /**
     * Starts a group's store in this process, which is rank 0, on a free port.
     *
     * @throws IllegalStateException when it cannot be started
     */
    static RankStore first(String host, Duration timeout) {
        return open(host, 0, true, timeout, prefix(FIRST_ATTEMPT));
    }

    private static String prefix(String attempt) {
        return "facerecognition/" + attempt + "/";
    }

    /** Returns a view of this store with keys of its own; closing either closes both. */
    RankStore of(String group) {
        return new RankStore(tcp, prefix + group + "/");
    }

    /**
     * Returns a view of this store for one of the groups that the same processes form, one after the other.
     *
     * @param former number of groups before
     */
    RankStore ofGroup(int former) {
        return former == 0 ? this : of("after-" + former);
    }

    /**
     * Returns a view of this store for the next group that this process forms: one after another must not meet the keys
     * of the former one, which a launcher's own store still has.
     */
    RankStore ofNextGroup(Launch launch) {
        return launch.storeIsThere() ? ofGroup(FORMER.merge(launch, 1, Integer::sum) - 1) : this;
    }

    /**
     * Connects to the group's store; rank 0 starts it, unless the launcher has.
     *
     * @param timeout how long to try
     * @throws IllegalStateException when it cannot be started or reached
     */
    static RankStore of(Launch launch, Duration timeout) {
        long start = System.nanoTime();
        RankStore store = open(launch, timeout);
        while (store.isOfFormerGroup(launch) && System.nanoTime() - start < timeout.toNanos()) {
            store.close();
            Failures.sleep(20);
            store = open(launch, timeout);
        }
        return store;
    }

    private static RankStore open(Launch launch, Duration timeout) {
        boolean server = launch.rank() == 0 && !launch.storeIsThere();
        return open(launch.host(), launch.port(), server, patience(launch, timeout), prefix(launch.attempt()));
    }

    /** Whether rank 0 still runs the store of a group at the same port that this rank has left, and will end it. */
    private boolean isOfFormerGroup(Launch launch) {
        if (launch.storeIsThere() || launch.rank() == 0) {
            return false;
        }
        try {
            return get(Failures.LEFT + launch.rank()).isPresent();
        } catch (IllegalStateException e) { // it has ended
            return true;
        }
    }

    /** Returns how long to try: a launcher's store is there before the ranks are, and answers at once or never. */
    static Duration patience(Launch launch, Duration timeout) {
        return launch.storeIsThere() && timeout.compareTo(LAUNCHERS_STORE) > 0 ? LAUNCHERS_STORE : timeout;
    }

    private static RankStore open(String host, int port, boolean server, Duration timeout, String prefix) {
        if (port > MAX_PORT) {
            throw new IllegalStateException("the port of the group's store must be at most 65535, but was " + port);
        }
        Libtorch.load();
        NativeLibraries.load(torch_gloo.class, "libtorch's Gloo");
        try {
            return new RankStore(within(timeout, () -> connect(host, port, server, timeout)), prefix);
        } catch (TimeoutException e) {
            throw new IllegalStateException(
                    "the store of the group at " + host + ":" + port + " does not answer within "
                            + timeout.toSeconds()
                            + " s; if a torchrun of PyTorch 1 runs it, start that with --standalone or"
                            + " --rdzv_backend c10d, so that rank 0 runs a store of its own",
                    e);
        } catch (RuntimeException e) {
            throw new IllegalStateException(
                    "the store of the group cannot be " + (server ? "started on" : "reached at") + " " + host + ":"
                            + port
                            + (server
                                    ? ", because the port is taken or not allowed; choose another MASTER_PORT: "
                                    : " within " + timeout.toSeconds()
                                            + " s; check that rank 0 runs and that MASTER_ADDR"
                                            + " and MASTER_PORT name it: ")
                            + NativeErrors.reason(e),
                    e);
        }
    }

    private static TCPStore connect(String host, int port, boolean server, Duration timeout) {
        try (TCPStoreOptions options = new TCPStoreOptions();
                Milliseconds limit = new Milliseconds(timeout.toMillis())) {
            options.port((short) port).isServer(server).waitWorkers(false).timeout(limit);
            return new TCPStore(BRACKETS.matcher(host).replaceAll("$1"), options);
        }
    }

    /**
     * Makes a store in a thread of its own: stores of old versions accept a connection and then say nothing, for which
     * libtorch waits forever.
     */
    private static TCPStore within(Duration timeout, Supplier<TCPStore> constructor) throws TimeoutException {
        CompletableFuture<TCPStore> store = new CompletableFuture<>();
        start("store-connection", constructor, store);
        try {
            if (!isDone(store, timeout.plusSeconds(2).toNanos())) { // after libtorch's own limit
                throw new TimeoutException();
            }
            return of(store);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while connecting to the store of the group", e);
        }
    }

    /** Returns the port of the store. */
    int port() {
        return tcp.getPort() & 0xffff;
    }

    /**
     * Sets a key.
     *
     * @throws IllegalStateException when the store is gone
     */
    void set(String key, String value) {
        requireAnswers();
        NativeErrors.explained(() -> {
            tcp.set(prefix + key, value);
            return null;
        });
        lastAnswer = System.nanoTime();
    }

    /**
     * Returns the value of a key, if it has one.
     *
     * @throws IllegalStateException when the store is gone
     */
    Optional<String> get(String key) {
        requireAnswers();
        Optional<String> value = NativeErrors.explained(() -> {
            try (StringVector keys = new StringVector(prefix + key)) {
                return tcp.check(keys) ? Optional.of(tcp.get_to_str(prefix + key)) : Optional.empty();
            }
        });
        lastAnswer = System.nanoTime();
        return value;
    }

    private void requireAnswers() {
        if (isLost) {
            throw new IllegalStateException("libtorch failed: the store does not answer");
        }
    }

    /**
     * Runs work in a thread of its own, because libtorch waits forever for a store whose process is stopped or whose
     * machine is gone.
     *
     * @param silence how long an answer of the store may take; the work may take longer
     * @return the result of the work
     * @throws IllegalStateException when the store does not answer, and at once from then on; or when this thread is
     *     interrupted. All exceptions of the work are passed on
     */
    <T extends @Nullable Object> T answering(Duration silence, Supplier<T> work) {
        requireAnswers();
        lastAnswer = System.nanoTime();
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = start("store-use", work, result);
        try {
            while (true) {
                long left = lastAnswer + silence.toNanos() - System.nanoTime();
                if (left <= 0) {
                    isLost = true;
                    requireAnswers();
                }
                if (isDone(result, left)) {
                    return of(result);
                }
            }
        } catch (InterruptedException e) {
            thread.interrupt(); // ends it where it sleeps
            awaitLastUse(thread);
            Thread.currentThread().interrupt();
            if (result.isDone()) {
                return of(result);
            }
            throw new IllegalStateException("interrupted while waiting for other ranks", e);
        }
    }

    /** Waits a moment for a thread that is to end; if it does not, it hangs in the store, which is lost. */
    void awaitLastUse(Thread user) {
        long deadline = System.nanoTime() + LAST_USE.toNanos();
        boolean interrupted = false;
        while (user.isAlive() && !isLost) {
            try {
                user.join(10);
                isLost |= user.isAlive() && System.nanoTime() > deadline;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static <T extends @Nullable Object> Thread start(
            String name, Supplier<T> work, CompletableFuture<T> result) {
        Thread thread = new Thread(
                () -> {
                    try {
                        result.complete(work.get());
                    } catch (Throwable e) { // whoever waits must know of an Error too
                        result.completeExceptionally(e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static boolean isDone(CompletableFuture<?> result, long nanos) throws InterruptedException {
        try {
            result.get(nanos, TimeUnit.NANOSECONDS);
            return true;
        } catch (ExecutionException e) {
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }

    /** Returns a result that is there, or throws what there is instead. */
    private static <T extends @Nullable Object> T of(CompletableFuture<T> result) {
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        }
    }

    /** Returns a store of its own for a native object: see above. Call it outside of every PointerScope. */
    Store forBackend(String name) {
        Store connection = tcp.clone();
        PrefixStore named = new PrefixStore(prefix + name + "/", connection);
        Store given = named.clone();
        HANDED_OUT.addAll(List.of(connection, named, given));
        return given;
    }

    /** Closes the store, unless a thread hangs in it. */
    @Override
    public void close() {
        if (!isLost) {
            tcp.close();
        }
    }
}
