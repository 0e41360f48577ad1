package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.facerecognition.Races;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GalleryConcurrencyTest {
    private static final int D = 32;

    @TempDir
    Path folder;

    private Gallery gallery(SearchMethod method) {
        return method == SearchMethod.ON_DISK
                ? Gallery.open(folder.resolve("people.gallery"), "model", D, method)
                : Gallery.inMemory("model", D, method);
    }

    /**
     * The two entries of each person are enrolled in one change and removed in one change. Readers must see both or
     * neither, and must find an acknowledged enrollment even during a compaction.
     */
    @ParameterizedTest
    @EnumSource
    void readersSeeAllOfAChangeOrNothingOfIt(SearchMethod method) throws Exception {
        AtomicInteger enrolled = new AtomicInteger();
        AtomicInteger removed = new AtomicInteger();
        AtomicInteger queries = new AtomicInteger();
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService pool = Executors.newFixedThreadPool(3);
        try (Gallery gallery = gallery(method)) {
            List<Future<?>> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(pool.submit(() -> {
                    while (!done.get()) {
                        check(gallery, enrolled, removed);
                        queries.incrementAndGet();
                    }
                }));
            }
            for (int person = 0; person < 300; person++) {
                gallery.enroll(List.of(
                        new Enrollment("p" + person, TestFaces.direction(person, D)),
                        new Enrollment("p" + person, TestFaces.direction(person, D))));
                enrolled.set(person + 1);
                if (person % 3 == 2) {
                    removed.incrementAndGet(); // incremented first, because p0, p1, ... may disappear from now on
                    gallery.remove("p" + person / 3);
                }
                if (person % 50 == 49) {
                    gallery.compact();
                }
            }
            while (queries.get() < 20 && readers.stream().noneMatch(Future::isDone)) {
                Thread.onSpinWait();
            }
            done.set(true);
            for (Future<?> reader : readers) {
                reader.get(60, TimeUnit.SECONDS);
            }
            assertThat(gallery.size()).isEqualTo(400);
        } finally {
            done.set(true);
            pool.shutdownNow();
        }
    }

    private static void check(Gallery gallery, AtomicInteger enrolled, AtomicInteger removed) {
        int last = enrolled.get() - 1;
        if (last >= 0) {
            Outcome outcome = gallery.identify(TestFaces.direction(last, D), 2, 0.99);
            if (removed.get() <= last) {
                assertThat(outcome.best().orElseThrow().identity()).isEqualTo("p" + last);
            }
        }
        gallery.identities().forEach((name, count) -> assertThat(count).as(name).isEqualTo(2));
        assertThat(gallery.size() % 2).isZero();
    }

    /** The batch spans several blocks of memory; readers must not see incomplete rows. */
    @ParameterizedTest
    @EnumSource
    void findsAnEntryWhileManyOthersAreEnrolled(SearchMethod method) throws Exception {
        List<Enrollment> many = new ArrayList<>();
        for (int i = 1; i < (method == SearchMethod.HNSW ? 10_000 : 20_000); i++) {
            many.add(new Enrollment("p" + i, TestFaces.direction(i, D)));
        }
        alwaysFindsTheFirst(method, gallery -> gallery.enroll(many));
    }

    /** As more images of a person are enrolled, new means replace the old ones. */
    @ParameterizedTest
    @EnumSource
    void findsAnEntryWhileMoreImagesOfThePersonAreEnrolled(SearchMethod method) throws Exception {
        alwaysFindsTheFirst(method, gallery -> {
            for (int i = 1; i < 600; i++) {
                gallery.enroll(i % 3 == 0 ? "p" + i : "p0", TestFaces.of(i % 3 == 0 ? i : 0, i, D));
            }
        });
    }

    private void alwaysFindsTheFirst(SearchMethod method, Consumer<Gallery> change) throws Exception {
        float[] first = TestFaces.direction(0, D);
        AtomicInteger queries = new AtomicInteger();
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService pool = Executors.newSingleThreadExecutor();
        try (Gallery gallery = gallery(method)) {
            gallery.enroll("p0", first);
            Future<?> reader = pool.submit(() -> {
                while (!done.get()) {
                    Match best = gallery.identify(first, 1, 0.999).best().orElseThrow();
                    assertThat(best.entry()).isEqualTo(1);
                    queries.incrementAndGet();
                }
            });
            while (queries.get() == 0 && !reader.isDone()) {
                Thread.onSpinWait();
            }
            change.accept(gallery);
            done.set(true);
            reader.get(60, TimeUnit.SECONDS);
        } finally {
            done.set(true);
            pool.shutdownNow();
        }
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(120)
    void closingWaitsForSearchesAndRejectsLaterOnes(GalleryKind kind) throws Exception {
        int people = kind.isInDatabase() ? 200 : 2_000;
        List<Enrollment> all = IntStream.range(0, people)
                .mapToObj(i -> new Enrollment("p" + i, TestFaces.direction(i, D)))
                .toList();
        GalleryKind.Place place = kind.place(folder);
        Supplier<Gallery> factory = () -> {
            Gallery gallery = place.open("model", D);
            if (gallery.size() == 0) {
                gallery.enroll(all);
            }
            return gallery;
        };
        Gallery closed = factory.get();
        closed.close();
        String message = assertThrows(IllegalStateException.class, closed::size).getMessage();
        assertThat(message).endsWith(" is closed");
        Races.closedWhileUsed(
                kind.isInDatabase() ? 2 : 20,
                factory,
                gallery -> {
                    int person = ThreadLocalRandom.current().nextInt(people);
                    Match best = gallery.identify(TestFaces.direction(person, D), 1, 0.5)
                            .best()
                            .orElseThrow();
                    assertThat(best.identity()).isEqualTo("p" + person);
                },
                message);
    }
}
