package org.facerecognition.gallery;

import static org.bytedeco.openblas.global.openblas.cblas_sdot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.ParallelStreams;

/**
 * An approximate search in two steps: it finds the nearest {@link Prototypes}, mostly by their {@link SignCodes}, and
 * then compares the rows of these. Subclasses implement the first step.
 */
/*
 * OpenBLAS computes dot products directly on the native memory of the vectors: 100 ns for 512 cached values, including
 * the call from Java (AMD Zen 1, 2 GHz), where Java 17 takes 530 ns. For values that are not cached, both wait for
 * memory.
 */
abstract class PrototypeSearch implements SearchIndex {
    static final int MIN_PROTOTYPES = 12; // whose rows are compared

    private final Vectors vectors;
    private Prototypes prototypes;
    private final SignCodes codes;
    private final CodeScan scan;
    private volatile int searchable; // number of prototypes whose codes are written

    PrototypeSearch(Vectors vectors) {
        NativeLibraries.load(openblas.class, "OpenBLAS");
        this.vectors = vectors;
        this.prototypes = new Prototypes(vectors);
        this.codes = new SignCodes(vectors.dimension());
        this.scan = new CodeScan(codes);
    }

    /** A prepared probe, for one thread at a time. */
    final class Query {
        private final float[] unit;
        private final FloatPointer values;
        private final FloatPointer cursor = vectors.cursor();
        private final SignCodes.Probe codeProbe;

        private Query(float[] unit, FloatPointer values) {
            this.unit = unit;
            this.values = values;
            this.codeProbe = codes.probe(unit);
        }

        /** Returns the probe in a form that estimates cosines to prototypes. */
        SignCodes.Probe estimates() {
            return codeProbe;
        }

        /** Returns the probe's cosine to a prototype. */
        float cosine(int prototype) {
            return dot(values, cursor.position(prototypes.position(prototype)));
        }

        private void offerRows(int prototype, Candidates candidates) {
            for (int row : prototypes.rows(prototype)) {
                candidates.offer(row, dot(values, cursor.position(vectors.position(row))));
            }
        }
    }

    /**
     * Finds the prototypes of a view that are nearest to a probe.
     *
     * @param count number of prototypes to search; later ones may be included, but the view does not need them
     * @param k largest number of prototypes to return
     * @param efSearch number of candidates to keep during the search, at least {@code k}
     * @return in any order; all prototypes of the view if {@code k} equals {@code count}
     */
    abstract int[] nearestPrototypes(Query query, Rows.View view, int count, int k, int efSearch);

    /**
     * Finds them by a scan of the codes of all prototypes: the efSearch candidates of {@link CodeScan} are ranked by
     * exact cosines of their vectors.
     */
    final int[] scannedPrototypes(Query query, Rows.View view, int count, int k, int efSearch) {
        int[] near = scan.nearest(query.estimates(), count, efSearch, prototype -> prototypes.has(prototype, view));
        return CodeScan.bestFirst(near, query::cosine).limit(k).toArray();
    }

    /** Adds prototypes whose codes are written, {@code first} inclusive, {@code end} exclusive. */
    abstract void connect(int first, int end);

    final Prototypes prototypes() {
        return prototypes;
    }

    final float dot(FloatPointer a, FloatPointer b) {
        return cblas_sdot(vectors.dimension(), a, 1, b, 1);
    }

    /** Returns a new pointer that can be moved to prototypes; see {@link Vectors#cursor}. */
    final FloatPointer cursor() {
        return vectors.cursor();
    }

    @Override
    public final void added(int from, int to, Rows.View view) {
        int first = prototypes.count();
        prototypes.add(from, to, view);
        encode(first);
        connect(first, prototypes.count());
        searchable = prototypes.count();
    }

    @Override
    public final Runnable removed(int[] removed, Rows.View view) {
        int first = prototypes.count();
        int[] replaced = prototypes.replace(removed, view);
        encode(first);
        connect(first, prototypes.count());
        searchable = prototypes.count();
        return () -> {
            for (int number : replaced) {
                prototypes.erase(number);
                codes.erase(number);
            }
        };
    }

    private void encode(int first) {
        int end = prototypes.count();
        codes.reserve(end);
        ParallelStreams.forEach(first, end, number -> codes.put(number, prototypes.vector(number)));
    }

    @Override
    public final List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch) {
        return ParallelStreams.compute(
                probes.stream(),
                all -> all.map(probe -> nearest(probe, view, k, efSearch)).toList());
    }

    /** Searches for more and more prototypes until they belong to enough identities, or there are no more. */
    private List<Hit> nearest(float[] probe, Rows.View view, int k, int efSearch) {
        if (view.live() == 0) {
            return List.of();
        }
        try (FloatPointer values = new FloatPointer(probe)) {
            Query query = new Query(probe, values);
            int all = searchable;
            int requested = (int) Math.min(all, MIN_PROTOTYPES + 4L * k);
            while (true) {
                Candidates candidates = new Candidates(vectors, view, query.unit, k);
                for (int prototype : nearestPrototypes(query, view, all, requested, Math.max(efSearch, requested))) {
                    query.offerRows(prototype, candidates);
                }
                if (requested == all || candidates.identities() >= Math.min(k, view.liveGroups())) {
                    return candidates.best();
                }
                requested = (int) Math.min(all, 4L * requested);
            }
        }
    }

    // ---- loading ----

    /** Reads a part of the saved index. */
    interface Source {
        void read() throws IOException;
    }

    /**
     * Reads prototypes of the view's first rows, which are in {@link Vectors} already. After a failure, the index is
     * empty again.
     *
     * @param rest reads what follows the prototypes
     */
    final void load(ByteBuffer saved, int rows, Rows.View view, Source rest) throws IOException {
        try {
            prototypes.load(saved, rows, view);
            rest.read();
        } catch (IOException | RuntimeException e) {
            prototypes.close(); // everything must be rebuilt
            prototypes = new Prototypes(vectors);
            throw e;
        }
        encode(0);
        searchable = prototypes.count();
    }

    @Override
    public void close() {
        prototypes.close();
    }
}
