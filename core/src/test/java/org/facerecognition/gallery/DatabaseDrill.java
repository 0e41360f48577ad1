package org.facerecognition.gallery;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.facerecognition.gallery.FaultyDataSource.Fault;

/**
 * Processes that enroll and identify in one database while their connections are killed at random. Not a test, because
 * it takes minutes and needs a server with overlapping transactions.
 *
 * <p>Arguments: JDBC URL of a database, in which the tables of galleries are dropped; seconds; processes; threads of
 * each. It fails if an acknowledged enrollment is missing, an enrollment is there twice, or an answer is wrong.
 */
/*
 * Connections end in three ways: the server terminates backends at random (pg_terminate_backend), whatever they are
 * doing; and the clients' own connections break at random just before a commit, or just after it and before its
 * acknowledgment. The embedding of person N is a function of N, so everyone can check an answer: a probe that shows an
 * acknowledged person must be identified as that person with the cosine that is computed here.
 */
final class DatabaseDrill {
    private static final int D = 128;
    private static final String NAME = "drill";
    private static final int MAX_PAUSE_MILLIS = 300;

    private final ConcurrentLinkedQueue<Integer> acknowledged = new ConcurrentLinkedQueue<>();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();

    private DatabaseDrill() {}

    public static void main(String[] args) throws Exception {
        if (args[0].equals("child")) {
            new DatabaseDrill().work(args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]), args[4]);
        } else {
            run(args[0], Integer.parseInt(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[3]));
        }
    }

    // ---- the parent ----

    private static void run(String url, int seconds, int processes, int threads) throws Exception {
        DataSource source = TestDatabase.dataSource(url);
        prepare(source);
        List<Process> children = new ArrayList<>();
        for (int i = 0; i < processes; i++) {
            children.add(new ProcessBuilder(
                            System.getProperty("java.home") + "/bin/java",
                            "-Xmx512m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            DatabaseDrill.class.getName(),
                            "child",
                            url,
                            "" + seconds,
                            "" + threads,
                            "" + i)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        }
        int killed = kill(source, children);
        List<Integer> acknowledged = new ArrayList<>();
        for (Process child : children) {
            acknowledged.addAll(acknowledgedBy(child));
        }
        System.out.println("killed " + killed + " connections");
        verify(source, acknowledged);
    }

    private static void prepare(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection()) {
            Sql.run(
                    connection,
                    "DROP TABLE IF EXISTS face_gallery_schema, face_gallery_change, face_gallery_entry,"
                            + " face_gallery_person, face_gallery CASCADE");
            Sql.run(connection, "DROP SEQUENCE IF EXISTS face_gallery_entry_id, face_gallery_person_id");
        }
        connect(source).close();
    }

    /** Terminates a random backend every 150 milliseconds on average until the children end; returns how many. */
    private static int kill(DataSource source, List<Process> children) throws Exception {
        int killed = 0;
        Random random = new Random(1);
        try (Connection connection = source.getConnection()) {
            while (children.stream().anyMatch(Process::isAlive)) {
                killed += Sql.query(
                                connection,
                                row -> row.getBoolean(1),
                                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                                        + " AND datname = current_database() AND backend_type = 'client backend'"
                                        + " ORDER BY random() LIMIT 1")
                        .size();
                Thread.sleep(random.nextInt(MAX_PAUSE_MILLIS));
            }
        }
        return killed;
    }

    private static List<Integer> acknowledgedBy(Process child) throws IOException, InterruptedException {
        try (BufferedReader out = child.inputReader(StandardCharsets.UTF_8)) {
            List<String> lines = out.lines().toList();
            if (child.waitFor() != 0) {
                throw new IllegalStateException("a process failed: " + lines);
            }
            System.out.println(lines.get(0));
            return lines.stream().skip(1).map(Integer::valueOf).toList();
        }
    }

    private static void verify(DataSource source, List<Integer> acknowledged) throws SQLException {
        try (DatabaseGallery gallery = connect(source);
                DatabaseGallery exact = Gallery.connect(source, NAME, "model", D, SearchMethod.EXACT);
                Gallery copy = Gallery.inMemory("model", D)) {
            Map<String, Integer> count = new HashMap<>();
            List<Entry> entries = gallery.entries();
            entries.forEach(entry -> count.merge(String.valueOf(entry.contentKey()), 1, Integer::sum));
            Set<Integer> missing = new HashSet<>(acknowledged);
            missing.removeIf(number -> count.containsKey("" + number));
            long twice = count.values().stream().filter(times -> times > 1).count();
            copy.enroll(stored(source));
            List<float[]> probes = IntStream.range(0, 300)
                    .mapToObj(i -> TestFaces.of(acknowledged.get(i * 7_919 % acknowledged.size()), 1, D))
                    .toList();
            List<Outcome> expected = copy.identify(probes, 1, 0.3);
            long wrongExact = differing(exact.identify(probes, 1, 0.3), expected);
            long wrongIndexed = differing(gallery.identify(probes, 1, 0.3), expected);
            System.out.printf(
                    "%d acknowledged, %d entries, %d missing, %d twice; of 300 probes %d differ from an exact copy by"
                            + " exact search, %d by the index%n",
                    acknowledged.size(), entries.size(), missing.size(), twice, wrongExact, wrongIndexed);
            if (!missing.isEmpty() || twice > 0 || wrongExact > 0) {
                throw new IllegalStateException("the drill failed");
            }
        }
    }

    /** Returns the enrollments of all entries, and checks that their embeddings are stored bit for bit. */
    private static List<Enrollment> stored(DataSource source) throws SQLException {
        try (Connection connection = source.getConnection()) {
            return Sql.query(
                    connection,
                    row -> {
                        Enrollment person = person(Integer.parseInt(row.getString(1)));
                        if (!Arrays.equals(UnitVector.of(person.embedding(), D, "it"), Sql.vector(row, 2))) {
                            throw new IllegalStateException(person.identity() + " has another embedding");
                        }
                        return person;
                    },
                    "SELECT content_key, vector_send(embedding) FROM face_gallery_entry ORDER BY id");
        }
    }

    /** Compares names and cosines; the copy has other ids. */
    private static long differing(List<Outcome> found, List<Outcome> expected) {
        return IntStream.range(0, expected.size())
                .filter(i -> !answer(found.get(i)).equals(answer(expected.get(i))))
                .count();
    }

    private static String answer(Outcome outcome) {
        return outcome.best()
                .map(match -> match.identity() + " " + match.cosine())
                .orElse("unknown");
    }

    // ---- a child ----

    private void work(String url, int seconds, int threads, String process) throws Exception {
        List<Thread> all = new ArrayList<>();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        for (int t = 0; t < threads; t++) {
            int first = (Integer.parseInt(process) * threads + t) * 1_000_000;
            Thread thread = new Thread(() -> enrollAndIdentify(url, first, end));
            thread.setUncaughtExceptionHandler((which, error) -> {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
            });
            thread.start();
            all.add(thread);
        }
        for (Thread thread : all) {
            thread.join();
        }
        System.out.println("process " + process + ": " + acknowledged.size() + " acknowledged, " + failed
                + " calls given up, " + answers + " answers checked");
        acknowledged.forEach(System.out::println);
    }

    private void enrollAndIdentify(String url, int first, long end) {
        Random random = new Random(first);
        DataSource source = FaultyDataSource.of(TestDatabase.dataSource(url), () -> switch (random.nextInt(20)) {
            case 0 -> Fault.BEFORE_COMMIT;
            case 1 -> Fault.AFTER_COMMIT;
            default -> Fault.NEVER;
        });
        List<Integer> mine = new ArrayList<>();
        int next = first;
        try (DatabaseGallery gallery = connected(source)) {
            while (System.nanoTime() < end) {
                int from = next;
                next += 1 + random.nextInt(5);
                try {
                    gallery.enroll(IntStream.range(from, next)
                            .mapToObj(DatabaseDrill::person)
                            .toList());
                    IntStream.range(from, next).forEach(mine::add);
                    check(gallery, mine.get(random.nextInt(mine.size())));
                } catch (GalleryException e) {
                    failed.incrementAndGet();
                }
            }
        }
        acknowledged.addAll(mine);
    }

    /** Makes the index early, so that it is made and used while connections are killed. */
    private static DatabaseGallery connect(DataSource source) {
        return PostgresGallery.connect(source, NAME, "model", D, SearchMethod.HNSW, 500);
    }

    private static DatabaseGallery connected(DataSource source) {
        while (true) {
            try {
                return connect(source);
            } catch (GalleryException e) {
                // the connections were killed again and again
            }
        }
    }

    private void check(Gallery gallery, int number) {
        float[] probe = TestFaces.of(number, 1, D);
        Match best = gallery.identify(probe, 1, 0.3)
                .best()
                .orElseThrow(() -> new IllegalStateException("person " + number + " was not found"));
        float[] unit = UnitVector.of(person(number).embedding(), D, "embedding");
        double cosine = UnitVector.cosine(unit, UnitVector.of(probe, D, "probe"));
        if (!best.identity().equals("person " + number) || best.cosine() != cosine) {
            throw new IllegalStateException("person " + number + " was identified as " + best);
        }
        answers.incrementAndGet();
    }

    private static Enrollment person(int number) {
        return new Enrollment("person " + number, TestFaces.direction(number, D), null, "" + number);
    }
}
