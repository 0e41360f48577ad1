package org.facerecognition.gallery;

import static org.bytedeco.openblas.global.openblas.cblas_sdot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Searches in two steps: the {@link Prototypes} that may be nearest, by their {@link SignCodes} for the most part, then
 * the rows that these stand for. How the first step goes is left open.
 */
/*
 * Products of vectors where they lie are OpenBLAS's: 100 ns for 512 values that are in the cache, the call from Java
 * included (AMD Zen 1, 2 GHz); Java 17 needs 530. Off the cache both wait for memory.
 */
abstract class PrototypeSearch implements SearchIndex {
    private static final int MIN_COMPARED = 12; // prototypes whose rows are looked at

    private final Vectors vectors;
    private Prototypes prototypes;
    private final SignCodes codes;
    private volatile int searchable; // prototypes, whose codes are written

    PrototypeSearch(Vectors vectors) {
        this.vectors = vectors;
        this.prototypes = new Prototypes(vectors);
        this.codes = new SignCodes(vectors.dimension());
    }

    /** A probe, for one thread at a time. */
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

        /** About how near it is to a prototype. */
        SignCodes.Probe estimates() {
            return codeProbe;
        }

        /** Its cosine to a prototype. */
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
     * The prototypes of the view that are nearest to a probe.
     *
     * @param count of prototypes; later ones are no longer the view's, and may be left out
     * @param wanted most of them
     * @param held neighbors held on the way, at least {@code wanted}
     * @return in any order; with {@code wanted} equal to {@code count} all of the view
     */
    abstract int[] nearestPrototypes(Query query, Rows.View view, int count, int wanted, int held);

    /** Takes up prototypes whose codes are written: {@code first} inclusive, {@code end} exclusive. */
    abstract void connect(int first, int end);

    final Prototypes prototypes() {
        return prototypes;
    }

    final SignCodes codes() {
        return codes;
    }

    final float dot(FloatPointer a, FloatPointer b) {
        return cblas_sdot(vectors.dimension(), a, 1, b, 1);
    }

    /** A pointer of one's own to be moved to a prototype; see {@link Vectors#cursor}. */
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
        int[] former = prototypes.replace(removed, view);
        encode(first);
        connect(first, prototypes.count());
        searchable = prototypes.count();
        return () -> {
            for (int number : former) {
                prototypes.erase(number);
                codes.erase(number);
            }
        };
    }

    private void encode(int first) {
        int end = prototypes.count();
        codes.reserve(end);
        IntStream numbers = IntStream.range(first, end);
        (end - first > 1 ? numbers.parallel() : numbers)
                .forEach(number -> codes.put(number, prototypes.vector(number)));
    }

    @Override
    public final List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int most, int width) {
        return probes.stream()
                .parallel()
                .map(probe -> nearest(probe, view, most, width))
                .toList();
    }

    /** Asks for more prototypes until they are of enough identities, or there are no more. */
    private List<Hit> nearest(float[] probe, Rows.View view, int most, int width) {
        if (view.live() == 0) {
            return List.of();
        }
        try (FloatPointer values = new FloatPointer(probe)) {
            Query query = new Query(probe, values);
            int all = searchable;
            int wanted = (int) Math.min(all, MIN_COMPARED + 4L * most);
            while (true) {
                Candidates candidates = new Candidates(vectors, view, query.unit, most);
                for (int prototype : nearestPrototypes(query, view, all, wanted, Math.max(width, wanted))) {
                    query.offerRows(prototype, candidates);
                }
                if (wanted == all || candidates.identities() >= Math.min(most, view.liveGroups())) {
                    return candidates.best();
                }
                wanted = (int) Math.min(all, 4L * wanted);
            }
        }
    }

    // ---- kept from one opening to the next ----

    /** Reads, or cannot. */
    interface Source {
        void read() throws IOException;
    }

    /** Reads prototypes of the view's first rows, which are in {@link Vectors} already, then what belongs to them. */
    final void load(ByteBuffer saved, int rows, Rows.View view, Source rest) throws IOException {
        try {
            prototypes.load(saved, rows, view);
            rest.read();
        } catch (IOException | RuntimeException e) {
            prototypes.close(); // all is to be built anew
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
