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

/** Objects that one thread closes while others use them. */
public final class Races {
    private static final int USERS = 8;

    private Races() {}

    /** A call on the object; what it throws but the refusal is a failure. */
    public interface Use<T> {
        void use(T object) throws Exception;
    }

    /**
     * In each round eight threads use an object until they are refused, and it is closed in the midst of that; twice.
     *
     * @param refusal what uses say from then on, the whole sentence
     */
    public static <T extends AutoCloseable> void closedWhileUsed(
            int rounds, Supplier<T> maker, Use<T> use, String refusal) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(USERS);
        try {
            for (int round = 0; round < rounds; round++) {
                T object = maker.get();
                AtomicInteger done = new AtomicInteger();
                List<Future<String>> users = new ArrayList<>();
                for (int i = 0; i < USERS; i++) {
                    users.add(threads.submit(() -> untilRefused(object, use, done)));
                }
                while (done.get() < USERS && users.stream().noneMatch(Future::isDone)) {
                    Thread.onSpinWait();
                }
                object.close();
                object.close(); // no harm
                for (Future<String> user : users) {
                    assertThat(user.get(60, TimeUnit.SECONDS)).isEqualTo(refusal);
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static <T> String untilRefused(T object, Use<T> use, AtomicInteger done) {
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
