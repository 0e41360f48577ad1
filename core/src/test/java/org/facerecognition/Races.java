package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Checks that an object can be closed while other threads use it. */
public final class Races {
    private static final int USERS = 8;

    private Races() {}

    /** A call on the object; any exception other than the expected one fails the test. */
    public interface Use<T> {
        void use(T object) throws Exception;
    }

    /**
     * Closes an object, twice, while eight threads use it until their calls fail, and asserts that all of them fail
     * with {@code closedMessage}; repeated for several rounds with a new object each.
     *
     * @param closedMessage the whole message of the exception that calls throw after the object was closed
     */
    public static <T extends AutoCloseable> void closedWhileUsed(
            int rounds, Supplier<T> factory, Use<T> use, String closedMessage) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(USERS);
        try {
            for (int round = 0; round < rounds; round++) {
                T object = factory.get();
                AtomicInteger done = new AtomicInteger();
                List<Future<String>> users = new ArrayList<>();
                for (int i = 0; i < USERS; i++) {
                    users.add(threads.submit(() -> useUntilException(object, use, done)));
                }
                while (done.get() < USERS && users.stream().noneMatch(Future::isDone)) {
                    Thread.onSpinWait();
                }
                object.close();
                object.close(); // has no effect
                for (Future<String> user : users) {
                    assertThat(user.get(60, TimeUnit.SECONDS)).isEqualTo(closedMessage);
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static <T> String useUntilException(T object, Use<T> use, AtomicInteger done) {
        while (true) {
            try {
                use.use(object);
                done.incrementAndGet();
            } catch (Exception | LinkageError e) {
                return e.getMessage();
            }
        }
    }
}
