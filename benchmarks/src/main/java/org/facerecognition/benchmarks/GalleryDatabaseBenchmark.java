package org.facerecognition.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.List;
import org.facerecognition.gallery.DatabaseGallery;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.gallery.SearchMethod;

/**
 * Measures a gallery in PostgreSQL with pgvector: enrolling, making the index, and searching exactly and by the index.
 * The gallery gets a name of its own and is emptied afterwards; use a database that may be dropped. User and password
 * are those of the URL, or PGUSER and PGPASSWORD of the environment. An embedded database such as PGlite is no measure
 * of speed.
 */
final class GalleryDatabaseBenchmark {
    private static final int TOP_K = 10;
    private static final int EXACT_PROBES = 20;
    private static final int[] INDEX_WIDTHS = {64, 128, 256, 512};

    private GalleryDatabaseBenchmark() {}

    /** @param n number of entries */
    static void run(String url, int n) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        if (!url.contains("user=")) {
            config.setUsername(System.getenv("PGUSER"));
            config.setPassword(System.getenv("PGPASSWORD"));
        }
        String name = "benchmark-" + Long.toHexString(System.nanoTime());
        try (HikariDataSource connections = new HikariDataSource(config);
                Gallery memory = Gallery.inMemory("random", GalleryBenchmark.DIMENSION);
                DatabaseGallery exact =
                        Gallery.connect(connections, name, "random", GalleryBenchmark.DIMENSION, SearchMethod.EXACT)) {
            double[] enrolling = {0};
            GalleryBenchmark.forBatches(n, batch -> {
                memory.enroll(batch);
                enrolling[0] += seconds(() -> exact.enroll(batch));
            });
            List<float[]> probes = GalleryBenchmark.probes(n);
            List<Outcome> truth = memory.identify(probes, TOP_K, -1);
            try (DatabaseGallery indexed = Gallery.connect(connections, name, "random", GalleryBenchmark.DIMENSION)) {
                double indexing = seconds(indexed::makeIndex);
                System.out.printf(
                        "%n%,d entries in PostgreSQL: enrolled %,.0f per second, index made in %.1f s%n%n",
                        n, n / enrolling[0], indexing);
                GalleryBenchmark.printHead();
                GalleryBenchmark.printRow(
                        exact, "PostgreSQL, exact", probes.subList(0, EXACT_PROBES), truth.subList(0, EXACT_PROBES));
                for (int width : INDEX_WIDTHS) {
                    indexed.setEfSearch(width);
                    probes.subList(0, EXACT_PROBES).forEach(probe -> indexed.identify(probe, 1, -1)); // warm up
                    GalleryBenchmark.printRow(indexed, "PostgreSQL, HNSW, efSearch " + width, probes, truth);
                }
            } finally {
                exact.identities().keySet().forEach(exact::remove);
            }
        }
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
