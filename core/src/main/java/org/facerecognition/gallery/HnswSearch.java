package org.facerecognition.gallery;

import static org.bytedeco.openblas.global.openblas.cblas_sdot;

import io.github.jbellis.jvector.disk.ByteBufferReader;
import io.github.jbellis.jvector.graph.GraphIndexBuilder;
import io.github.jbellis.jvector.graph.GraphSearcher;
import io.github.jbellis.jvector.graph.OnHeapGraphIndex;
import io.github.jbellis.jvector.graph.SearchResult;
import io.github.jbellis.jvector.graph.similarity.BuildScoreProvider;
import io.github.jbellis.jvector.graph.similarity.DefaultSearchScoreProvider;
import io.github.jbellis.jvector.graph.similarity.ScoreFunction;
import io.github.jbellis.jvector.graph.similarity.SearchScoreProvider;
import io.github.jbellis.jvector.util.Bits;
import io.github.jbellis.jvector.vector.types.VectorFloat;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * JVector's graph over the rows. The graph holds numbers of rows only; how alike two rows are is computed here: estimated from
 * {@link SignCodes} while a search walks, computed where the rows lie for the neighbours that it ends with.
 */
/*
 * A row of 512 values is 32 cache lines, and most of a search is waiting for them: estimates read one or two.
 *
 * JVector would keep the embeddings a second time, on the heap, and compare them with Java's Vector API, which Java 17 has not:
 * 530 ns for a product of 512 values that are in the cache. OpenBLAS's needs 100, the call from Java included (AMD Zen 1,
 * 2 GHz). Off the cache both wait for memory.
 *
 * A removed row stays in the graph as a way to others, and is not let into an answer; compaction builds the graph anew.
 */
final class HnswSearch implements SearchIndex {
    private static final int DEGREE = 32;
    private static final int BEAM_WIDTH_ADDING = 100;
    private static final float OVERFLOW = 1.2f;
    private static final float ALPHA = 1.2f;

    /** Of JVector's loggers, those that advise what would change nothing here. */
    private static final List<Logger> ADVISERS = List.of(
            Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider"),
            Logger.getLogger("io.github.jbellis.jvector.util.PhysicalCoreExecutor"));

    static {
        for (Logger adviser : ADVISERS) {
            if (adviser.getLevel() == null) { // the program has not set it
                adviser.setLevel(Level.OFF);
            }
        }
    }

    private final Vectors vectors;
    private final SignCodes codes;
    private final GraphIndexBuilder builder;
    private final Queue<GraphSearcher> idle = new ConcurrentLinkedQueue<>();

    @SuppressWarnings("deprecation") // what is to take its place leaves hierarchy and refining to JMX
    HnswSearch(Vectors vectors) {
        this.vectors = vectors;
        this.codes = new SignCodes(vectors.dimension());
        ForkJoinPool pool = ForkJoinPool.commonPool();
        this.builder = new GraphIndexBuilder(
                new RowScores(),
                vectors.dimension(),
                DEGREE,
                BEAM_WIDTH_ADDING,
                OVERFLOW,
                ALPHA,
                true,
                false,
                pool,
                pool);
    }

    @Override
    public void added(int from, int to) {
        codes.reserve(to);
        if (to - from == 1) {
            add(from);
        } else {
            IntStream.range(from, to).parallel().forEach(this::add);
        }
    }

    private void add(int row) {
        codes.put(row, vectors.get(row));
        builder.addGraphNode(row, new DefaultSearchScoreProvider(toRow(row)));
    }

    @Override
    public List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int most, int width) {
        return probes.stream()
                .parallel()
                .map(probe -> nearest(probe, view, most, width))
                .toList();
    }

    /** Asks for more rows until they are of enough identities, or there are no more. */
    private List<Hit> nearest(float[] probe, Rows.View view, int most, int width) {
        if (view.live() == 0) {
            return List.of();
        }
        GraphSearcher searcher = idle.poll();
        if (searcher == null) {
            searcher = new GraphSearcher(builder.getGraph());
        }
        try (FloatPointer values = new FloatPointer(probe)) {
            SearchScoreProvider scores = new DefaultSearchScoreProvider(estimates(probe), toProbe(values));
            Bits present = view::has;
            int wanted = (int) Math.min(view.live(), 4L * most);
            while (true) {
                searcher.setView(builder.getGraph().getView());
                int held = Math.max(width, (int) Math.min(2L * wanted, view.live())); // never fewer than wanted
                SearchResult found = searcher.search(scores, wanted, held, 0, 0, present);
                Candidates candidates = new Candidates(vectors, view, probe, most);
                for (SearchResult.NodeScore node : found.getNodes()) {
                    candidates.offer(node.node, 2 * node.score - 1);
                }
                if (wanted == view.live() || candidates.identities() >= Math.min(most, view.liveGroups())) {
                    return candidates.best();
                }
                wanted = (int) Math.min(view.live(), 4L * wanted);
            }
        } finally {
            idle.add(searcher);
        }
    }

    // ---- how alike ----

    /** JVector wants scores from 0 to 1. */
    private ScoreFunction.ExactScoreFunction toRow(int row) {
        return toProbe(vectors.cursor().position(vectors.position(row)));
    }

    private ScoreFunction.ApproximateScoreFunction estimates(float[] probe) {
        SignCodes.Probe estimates = codes.probe(probe);
        return row -> Math.max(0, (1 + estimates.cosine(row)) / 2);
    }

    /** For one thread at a time. */
    private ScoreFunction.ExactScoreFunction toProbe(FloatPointer probe) {
        int dimension = vectors.dimension();
        FloatPointer cursor = vectors.cursor();
        return row -> {
            float cosine = cblas_sdot(dimension, probe, 1, cursor.position(vectors.position(row)), 1);
            return Math.max(0, (1 + cosine) / 2);
        };
    }

    /** The graph is built by numbers of rows. */
    private final class RowScores implements BuildScoreProvider {
        @Override
        public boolean isExact() {
            return true;
        }

        @Override
        public SearchScoreProvider searchProviderFor(int row) {
            return new DefaultSearchScoreProvider(toRow(row));
        }

        @Override
        public SearchScoreProvider diversityProviderFor(int row) {
            return searchProviderFor(row);
        }

        @Override
        public SearchScoreProvider searchProviderFor(VectorFloat<?> vector) {
            throw new UnsupportedOperationException("rows are added by their numbers");
        }

        @Override
        public VectorFloat<?> approximateCentroid() {
            throw new UnsupportedOperationException("no row is ever taken out of the graph");
        }
    }

    // ---- kept from one opening to the next ----

    /** Writes the graph. Nothing may be added any more, and nobody search. */
    @SuppressWarnings("deprecation") // of JVector's files only this one can be added to after it is read
    void save(DataOutputStream out) throws IOException {
        builder.cleanup();
        ((OnHeapGraphIndex) builder.getGraph()).save(out);
    }

    /** Reads a graph of the first rows, which are in {@link Vectors} already; nothing may have been added before. */
    @SuppressWarnings("deprecation") // as above
    void load(ByteBuffer saved, int rows) throws IOException {
        builder.load(new ByteBufferReader(saved));
        codes.reserve(rows);
        IntStream.range(0, rows).parallel().forEach(row -> codes.put(row, vectors.get(row)));
    }

    @Override
    public void close() {
        try {
            for (GraphSearcher searcher = idle.poll(); searcher != null; searcher = idle.poll()) {
                searcher.close();
            }
            builder.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the graph cannot be closed: " + e.getMessage(), e);
        }
    }
}
