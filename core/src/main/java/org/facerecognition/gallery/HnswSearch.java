package org.facerecognition.gallery;

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
import io.github.jbellis.jvector.vector.VectorizationProvider;
import io.github.jbellis.jvector.vector.types.VectorFloat;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.bytedeco.javacpp.FloatPointer;
import org.facerecognition.natives.ParallelStreams;
import org.facerecognition.natives.Processors;

/**
 * Approximate search with a graph over the prototypes (HNSW: Malkov and Yashunin 2016), built and traversed by JVector.
 * The graph contains only their numbers. Similarities are computed here: estimated from the codes while a search
 * traverses the graph, and computed from the vectors for the candidates that it ends with.
 */
/*
 * A vector of 512 values occupies 32 cache lines, and a search spends most of its time waiting for them; an estimate
 * reads one or two. JVector itself would store the vectors a second time, on the heap.
 *
 * A prototype whose rows are all removed stays in the graph as a path to others, but is excluded from results.
 * Compaction rebuilds the graph.
 *
 * A node may have no path to it: others that resemble it have taken its edges, or the graph's entry is newer than the
 * view of it that a search uses, and so are the nodes that the entry leads to. Where a miss would be a surprise, the
 * codes are scanned instead: in small galleries, where that is faster too, and if everything is asked for, which is
 * also the last attempt of a search that finds too little.
 */
final class HnswSearch extends PrototypeSearch {
    private static final int DEGREE = 32;
    private static final int BEAM_WIDTH_ADDING = 100;
    private static final float OVERFLOW = 1.2f;
    private static final float ALPHA = 1.2f;
    private static final int SCANNED = 4_096; // prototypes whose codes are scanned instead of a traversal

    static {
        loadVectorizationQuietly();
    }

    private GraphIndexBuilder builder; // replaced only by load, before the first search
    /** Searchers for reuse; at most one per processor, however many threads search. */
    private final Queue<GraphSearcher> idle = new ArrayBlockingQueue<>(Processors.count());

    /**
     * Loads JVector's vector arithmetic while its logger is off. JVector warns once per process that its arithmetic is
     * slow without an additional module; distances are computed in this class, so the warning does not apply. A level
     * that the program has set is kept; otherwise the logger inherits its parent's level again afterwards. A class is
     * initialized once and by one thread, so two galleries cannot restore each other's level.
     */
    private static void loadVectorizationQuietly() {
        Logger logger = Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider");
        if (logger.getLevel() != null) {
            return;
        }
        logger.setLevel(Level.OFF);
        try {
            VectorizationProvider.getInstance();
        } finally {
            logger.setLevel(null);
        }
    }

    HnswSearch(Vectors vectors) {
        super(vectors);
        this.builder = newBuilder(vectors.dimension());
    }

    @SuppressWarnings("deprecation") // its replacement configures hierarchy and refinement through JMX
    private GraphIndexBuilder newBuilder(int dimension) {
        ForkJoinPool pool = ParallelStreams.pool();
        return new GraphIndexBuilder(
                new PrototypeScores(), dimension, DEGREE, BEAM_WIDTH_ADDING, OVERFLOW, ALPHA, true, false, pool, pool);
    }

    @Override
    void connect(int first, int end) {
        ParallelStreams.forEach(first, end, this::connect);
    }

    private void connect(int prototype) {
        builder.addGraphNode(prototype, new DefaultSearchScoreProvider(toPrototype(prototype)));
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int k, int efSearch) {
        if (count <= SCANNED || k >= count) {
            return scannedPrototypes(query, view, count, k, efSearch);
        }
        GraphSearcher searcher = idle.poll();
        if (searcher == null) {
            searcher = new GraphSearcher(builder.getGraph());
        }
        try {
            searcher.setView(builder.getGraph().getView());
            ScoreFunction.ApproximateScoreFunction estimates =
                    prototype -> score(query.estimates().cosine(prototype));
            ScoreFunction.ExactScoreFunction exact = prototype -> score(query.cosine(prototype));
            Bits present = prototype -> prototypes().has(prototype, view);
            SearchResult found =
                    searcher.search(new DefaultSearchScoreProvider(estimates, exact), k, efSearch, 0, 0, present);
            return Arrays.stream(found.getNodes()).mapToInt(node -> node.node).toArray();
        } finally {
            if (!idle.offer(searcher)) {
                close(searcher);
            }
        }
    }

    private static void close(GraphSearcher searcher) {
        try {
            searcher.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a search of the graph could not be closed: " + e.getMessage(), e);
        }
    }

    /** Maps a cosine to [0, 1], the range of JVector's scores. */
    private static float score(float cosine) {
        return Math.max(0, (1 + cosine) / 2);
    }

    /** Returns the similarity to a prototype, for one thread at a time. */
    private ScoreFunction.ExactScoreFunction toPrototype(int number) {
        FloatPointer vector = cursor().position(prototypes().position(number));
        FloatPointer cursor = cursor();
        return prototype -> score(dot(vector, cursor.position(prototypes().position(prototype))));
    }

    /** Scores prototypes by their numbers while the graph is built. */
    private final class PrototypeScores implements BuildScoreProvider {
        @Override
        public boolean isExact() {
            return true;
        }

        @Override
        public SearchScoreProvider searchProviderFor(int prototype) {
            return new DefaultSearchScoreProvider(toPrototype(prototype));
        }

        @Override
        public SearchScoreProvider diversityProviderFor(int prototype) {
            return searchProviderFor(prototype);
        }

        @Override
        public SearchScoreProvider searchProviderFor(VectorFloat<?> vector) {
            throw new UnsupportedOperationException("prototypes are added by number");
        }

        @Override
        public VectorFloat<?> approximateCentroid() {
            throw new UnsupportedOperationException("prototypes are never deleted from the graph");
        }
    }

    // ---- saving and loading ----

    /** Writes the graph. Nothing may be added or searched any more. */
    @SuppressWarnings("deprecation") // the only one of JVector's formats that can be extended after it is read
    void save(DataOutputStream out) throws IOException {
        prototypes().save(out);
        builder.cleanup();
        ((OnHeapGraphIndex) builder.getGraph()).save(out);
    }

    /**
     * Reads a graph over the view's first rows, which are in {@link Vectors} already. Nothing may have been added yet.
     */
    @SuppressWarnings("deprecation") // as above
    void load(ByteBuffer saved, int rows, Rows.View view) throws IOException {
        load(saved, rows, view, () -> {
            GraphBounds.check(saved.slice(), prototypes().count());
            try {
                builder.load(new ByteBufferReader(saved.slice()));
            } catch (IOException | RuntimeException | AssertionError e) { // JVector throws the last under java -ea
                GraphIndexBuilder incomplete = builder;
                builder = newBuilder(incomplete.getGraph().getDimension());
                incomplete.close();
                throw new IOException("the saved graph is damaged: " + e.getMessage(), e);
            }
        });
    }

    @Override
    public void close() {
        try {
            for (GraphSearcher searcher = idle.poll(); searcher != null; searcher = idle.poll()) {
                searcher.close();
            }
            builder.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the graph could not be closed: " + e.getMessage(), e);
        } finally {
            super.close();
        }
    }
}
