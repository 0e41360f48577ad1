package org.facerecognition.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.facerecognition.gallery.DatabaseGallery;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.gallery.SearchMethod;

/**
 * Measures a gallery in PostgreSQL with pgvector: enrolling, making the index, searching exactly and by the index, from
 * one connection and from several, and what an entry occupies and a probe transfers. From these it computes what larger
 * galleries in several databases need.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar gallery-database jdbc:postgresql://HOST/DATABASE [N]};
 * the default is 100,000 entries. The gallery gets a name of its own and is emptied afterwards; use a database that may
 * be dropped. User and password are those of the URL, or PGUSER and PGPASSWORD of the environment. An embedded database
 * such as PGlite is no measure of speed.
 */
final class GalleryDatabaseBenchmark {
    private static final int DEFAULT_SIZE = 100_000;
    private static final int TOP_K = 10;
    private static final int EXACT_PROBES = 20;
    private static final int EXACT_WARM_UP = 3;
    private static final int TRANSFERRED_PROBES = 200;
    private static final int[] INDEX_WIDTHS = {64, 128, 256, 512};
    private static final int USUAL_WIDTH = 128;
    private static final int[] CONNECTIONS = {1, 4, 16};
    private static final long SHARD = 10_000_000;
    private static final long[] MODELLED = {1_000_000, SHARD, 10 * SHARD, 100 * SHARD};
    private static final int MODELLED_PROBES = 100; // a second

    private final HikariDataSource connections;
    private final String name = "benchmark-" + Long.toHexString(System.nanoTime());
    private final int n;
    private final boolean onThisMachine; // only then is it known what a probe transfers

    private GalleryDatabaseBenchmark(HikariDataSource connections, int n, boolean onThisMachine) {
        this.connections = connections;
        this.n = n;
        this.onThisMachine = onThisMachine;
    }

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 0) {
            throw new ArgumentException("gallery-database needs the address of a database that may be dropped, "
                    + "such as jdbc:postgresql://HOST/DATABASE");
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(args[0]);
        config.setMaximumPoolSize(CONNECTIONS[CONNECTIONS.length - 1] + 2);
        if (!args[0].contains("user=")) {
            config.setUsername(System.getenv("PGUSER"));
            config.setPassword(System.getenv("PGPASSWORD"));
        }
        int n = new Arguments(args).number(1, "N", GalleryBenchmark.MIN_ENTRIES, DEFAULT_SIZE);
        boolean here = isOnThisMachine(args[0]);
        try (HikariDataSource connections = new HikariDataSource(config)) {
            new GalleryDatabaseBenchmark(connections, n, here).measure();
        } catch (SQLException e) {
            throw new IOException("the database answered: " + e.getMessage(), e);
        }
    }

    /** Returns whether all hosts of an address are this machine: addresses without a host are. */
    static boolean isOnThisMachine(String address) throws IOException {
        Matcher hosts = Pattern.compile("jdbc:postgresql://([^/?]*).*").matcher(address);
        if (!hosts.matches() || hosts.group(1).isEmpty()) {
            return true;
        }
        for (String host : hosts.group(1).split(",")) {
            if (!InetAddress.getByName(host.replaceFirst(":\\d*$", "")).isLoopbackAddress()) {
                return false;
            }
        }
        return true;
    }

    private DatabaseGallery connect(SearchMethod method) {
        return Gallery.connect(connections, name, "random", GalleryBenchmark.DIMENSION, method);
    }

    private void measure() throws SQLException, IOException, InterruptedException {
        try (Gallery memory = Gallery.inMemory("random", GalleryBenchmark.DIMENSION);
                DatabaseGallery exact = connect(SearchMethod.EXACT)) {
            double[] enrolling = {0};
            GalleryBenchmark.forBatches(n, batch -> {
                memory.enroll(batch);
                enrolling[0] += seconds(() -> exact.enroll(batch));
            });
            List<float[]> probes = GalleryBenchmark.probes(n);
            List<Outcome> truth = memory.identify(probes, TOP_K, -1);
            try (DatabaseGallery indexed = connect(SearchMethod.HNSW)) {
                double indexing = seconds(indexed::makeIndex);
                System.out.printf(
                        "%n| %s | %,d entries of %d values, ten an identity |%n|---|---|%n",
                        server(), n, GalleryBenchmark.DIMENSION);
                System.out.printf(
                        "| enrolled per second, in batches of 10,000 | %,.0f |%n| index made in, s | %.1f |%n",
                        n / enrolling[0], indexing);
                double rows = bytes("pg_total_relation_size", "") - bytes("pg_relation_size", "_hnsw");
                double index = bytes("pg_relation_size", "_hnsw");
                System.out.printf(
                        "| bytes an entry: row and keys | %,.0f |%n| bytes an entry: index | %,.0f |%n",
                        rows / n, index / n);
                indexed.setEfSearch(USUAL_WIDTH);
                double transferred = onThisMachine ? transferred(indexed, probes) : 0;
                System.out.printf(
                        "| bytes that a probe for %d identities transfers | %s |%n%n",
                        TOP_K, onThisMachine ? String.format("%,.0f", transferred) : "–");
                printSearches(exact, indexed, probes, truth);
                printConnections(indexed, probes);
                if (onThisMachine) {
                    printModel(rows / n, index / n, transferred);
                } else {
                    System.out.println("skipping the model of larger galleries: what a probe transfers is measured on"
                            + " the loopback interface, and the database is on another machine");
                }
            } finally {
                exact.identities().keySet().forEach(exact::remove);
            }
        }
    }

    private static void printSearches(
            DatabaseGallery exact, DatabaseGallery indexed, List<float[]> probes, List<Outcome> truth) {
        GalleryBenchmark.printHead();
        probes.subList(0, EXACT_WARM_UP).forEach(probe -> exact.identify(probe, 1, -1));
        GalleryBenchmark.printRow(
                exact, "PostgreSQL, exact", probes.subList(0, EXACT_PROBES), truth.subList(0, EXACT_PROBES));
        for (int width : INDEX_WIDTHS) {
            indexed.setEfSearch(width);
            probes.subList(0, EXACT_PROBES).forEach(probe -> indexed.identify(probe, 1, -1)); // warm up
            GalleryBenchmark.printRow(indexed, "PostgreSQL, HNSW, efSearch " + width, probes, truth);
        }
    }

    /** Prints how many probes a second several threads search for, each with a connection of its own. */
    private static void printConnections(DatabaseGallery indexed, List<float[]> probes) throws InterruptedException {
        indexed.setEfSearch(USUAL_WIDTH);
        System.out.printf("%n| connections, efSearch %d | probes/s | p50, ms | p99, ms |%n", USUAL_WIDTH);
        System.out.println("|---|---|---|---|");
        for (int threads : CONNECTIONS) {
            ExecutorService pool = Executors.newFixedThreadPool(threads);
            try {
                long start = System.nanoTime();
                List<Future<Double>> calls = new ArrayList<>();
                for (float[] probe : probes) {
                    calls.add(pool.submit(() -> 1e3 * seconds(() -> indexed.identify(probe, 1, -1))));
                }
                double[] ms = calls.stream()
                        .mapToDouble(GalleryDatabaseBenchmark::result)
                        .sorted()
                        .toArray();
                double all = (System.nanoTime() - start) / 1e9;
                System.out.printf(
                        "| %d | %.0f | %.1f | %.1f |%n",
                        threads, ms.length / all, ms[ms.length / 2], ms[ms.length * 99 / 100]);
            } finally {
                pool.shutdownNow(); // if a search failed, the others are not started
            }
        }
    }

    private static double result(Future<Double> call) {
        try {
            return call.get();
        } catch (Exception e) {
            throw new IllegalStateException("a search failed", e);
        }
    }

    /**
     * Prints what larger galleries need if these bytes grow in proportion, in databases of at most 10,000,000 entries
     * each, all of which are asked about every probe.
     */
    private static void printModel(double rows, double index, double transferred) {
        System.out.printf(
                "%n| entries (computed) | databases | rows, GB | indexes, GB | network at %d probes/s, MB/s |%n",
                MODELLED_PROBES);
        System.out.println("|---|---|---|---|---|");
        for (long entries : MODELLED) {
            long databases = (entries + SHARD - 1) / SHARD;
            System.out.printf(
                    Locale.ROOT,
                    "| %,d | %d | %,.1f | %,.1f | %,.1f |%n",
                    entries,
                    databases,
                    rows * entries / 1e9,
                    index * entries / 1e9,
                    databases * transferred * MODELLED_PROBES / 1e6);
        }
    }

    // ---- what the server says ----

    private String server() throws SQLException {
        return "PostgreSQL " + query("SELECT split_part(current_setting('server_version'), ' ', 1)") + ", pgvector "
                + query("SELECT extversion FROM pg_extension WHERE extname = 'vector'") + ", shared_buffers "
                + query("SHOW shared_buffers") + ", maintenance_work_mem " + query("SHOW maintenance_work_mem");
    }

    /** Asks for the size of the gallery's table of entries or, with a suffix, of something that belongs to it. */
    private double bytes(String function, String suffix) throws SQLException {
        String id = query("SELECT id FROM face_gallery WHERE name = '" + name + "'");
        return Double.parseDouble(query("SELECT " + function + "('face_gallery_entry_" + id + suffix + "')"));
    }

    private String query(String sql) throws SQLException {
        try (Connection connection = connections.getConnection();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** Returns how many bytes a probe transfers, in both directions, if the server is on this machine; Linux only. */
    private static double transferred(DatabaseGallery gallery, List<float[]> probes) throws IOException {
        gallery.identify(probes.get(0), TOP_K, -1);
        long before = receivedBytes();
        probes.subList(0, TRANSFERRED_PROBES).forEach(probe -> gallery.identify(probe, TOP_K, -1));
        return (double) (receivedBytes() - before) / TRANSFERRED_PROBES;
    }

    /** Returns what the loopback interface received since the machine started. */
    private static long receivedBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/net/dev")).stream()
                .map(String::strip)
                .filter(line -> line.startsWith("lo:"))
                .mapToLong(line -> Long.parseLong(
                        Arrays.asList(line.substring(3).strip().split("\\s+")).get(0)))
                .sum();
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
