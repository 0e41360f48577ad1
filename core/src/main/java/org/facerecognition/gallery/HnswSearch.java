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
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * JVector's graph over the prototypes. The graph holds their numbers only; how alike two are is computed here:
 * estimated from their codes while a search walks, computed where the vectors lie for the neighbors that it ends with.
 */
/*
 * A vector of 512 values is 32 cache lines, and most of a search is waiting for them: estimates read one or two.
 * JVector would keep the vectors a second time, on the heap.
 *
 * A prototype whose rows are all removed stays in the graph as a way to others, and is not let into an answer;
 * compaction builds the graph anew.
 */
final class HnswSearch extends PrototypeSearch {
    private static final int DEGREE = 32;
    private static final int BEAM_WIDTH_ADDING = 100;
    private static final float OVERFLOW = 1.2f;
    private static final float ALPHA = 1.2f;

    static {
        loadWithoutAdvice();
    }

    private GraphIndexBuilder builder; // another one only before anything is searched
    /** Kept for the next searches: not more than can be at work at a time, whatever number of threads ever came. */
    private final Queue<GraphSearcher> idle =
            new ArrayBlockingQueue<>(Runtime.getRuntime().availableProcessors());

    /**
     * Loads JVector's own vector arithmetic while its logger is off. JVector warns once in a process that the
     * arithmetic is slow without another module; distances are computed in this class, so the warning would change
     * nothing here. The logger keeps a level that the program has set, and gets back the level of its parent otherwise.
     * The initialization of a class runs once and in one thread, so two galleries cannot restore each other's level.
     */
    private static void loadWithoutAdvice() {
        Logger adviser = Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider");
        if (adviser.getLevel() != null) {
            return;
        }
        adviser.setLevel(Level.OFF);
        try {
            VectorizationProvider.getInstance();
        } finally {
            adviser.setLevel(null);
        }
    }

    HnswSearch(Vectors vectors) {
        super(vectors);
        this.builder = newBuilder(vectors.dimension());
    }

    @SuppressWarnings("deprecation") // what is to take its place leaves hierarchy and refining to JMX
    private GraphIndexBuilder newBuilder(int dimension) {
        ForkJoinPool pool = ForkJoinPool.commonPool();
        return new GraphIndexBuilder(
                new PrototypeScores(), dimension, DEGREE, BEAM_WIDTH_ADDING, OVERFLOW, ALPHA, true, false, pool, pool);
    }

    @Override
    void connect(int first, int end) {
        if (end - first == 1) {
            connect(first);
        } else {
            IntStream.range(first, end).parallel().forEach(this::connect);
        }
    }

    private void connect(int prototype) {
        builder.addGraphNode(prototype, new DefaultSearchScoreProvider(toPrototype(prototype)));
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int wanted, int held) {
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
                    searcher.search(new DefaultSearchScoreProvider(estimates, exact), wanted, held, 0, 0, present);
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
            throw new UncheckedIOException("a search of the graph cannot be ended: " + e.getMessage(), e);
        }
    }

    /** JVector wants scores from 0 to 1. */
    private static float score(float cosine) {
        return Math.max(0, (1 + cosine) / 2);
    }

    /** For one thread at a time. */
    private ScoreFunction.ExactScoreFunction toPrototype(int one) {
        FloatPointer vector = cursor().position(prototypes().position(one));
        FloatPointer cursor = cursor();
        return prototype -> score(dot(vector, cursor.position(prototypes().position(prototype))));
    }

    /** The graph is built by numbers of prototypes. */
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
            throw new UnsupportedOperationException("prototypes are added by their numbers");
        }

        @Override
        public VectorFloat<?> approximateCentroid() {
            throw new UnsupportedOperationException("no prototype is ever taken out of the graph");
        }
    }

    // ---- kept from one opening to the next ----

    /** Writes the graph. Nothing may be added any more, and nobody search. */
    @SuppressWarnings("deprecation") // of JVector's files only this one can be added to after it is read
    void save(DataOutputStream out) throws IOException {
        prototypes().save(out);
        builder.cleanup();
        ((OnHeapGraphIndex) builder.getGraph()).save(out);
    }

    /**
     * Reads a graph of the view's first rows, which are in {@link Vectors} already; nothing may have been added before.
     */
    @SuppressWarnings("deprecation") // as above
    void load(ByteBuffer saved, int rows, Rows.View view) throws IOException {
        load(saved, rows, view, () -> {
            GraphBounds.check(saved.slice(), prototypes().count());
            try {
                builder.load(new ByteBufferReader(saved.slice()));
            } catch (IOException | RuntimeException | AssertionError e) { // the last is JVector's, under java -ea
                GraphIndexBuilder partly = builder;
                builder = newBuilder(partly.getGraph().getDimension());
                partly.close();
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
            throw new UncheckedIOException("the graph cannot be closed: " + e.getMessage(), e);
        } finally {
            super.close();
        }
    }
}
