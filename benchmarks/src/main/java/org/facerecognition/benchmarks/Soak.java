package org.facerecognition.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.FaceBatcher;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * A soak test: 16 threads request many embeddings of a small network through the batcher, beside programs that keep a
 * processor busy each. Ten times the network is closed and prepared again. Every embedding must have exactly the bits
 * that the same image has without batching, and memory must not grow.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar soak [EMBEDDINGS [NEIGHBORS]]}; by default 1,000,000
 * and one neighbor.
 */
final class Soak {
    private static final int THREADS = 16;
    private static final int PARTS = 10;
    private static final int FACES = 64;
    private static final int SIZE_PX = 32;

    private final List<Mat> faces = new ArrayList<>();
    private final AtomicLong different = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private List<float[]> expected = List.of();

    private Soak() {}

    /** Runs the test and prints progress and a summary. */
    static void run(String[] args) throws IOException, InterruptedException {
        Arguments arguments = new Arguments(args);
        int total = arguments.number(0, "EMBEDDINGS", PARTS, 1_000_000);
        int neighbors = arguments.number(1, "NEIGHBORS", 0, 1);
        try (Neighbors busy = new Neighbors(neighbors)) {
            new Soak().run(total, neighbors);
        }
    }

    private void run(long total, int neighbors) throws InterruptedException {
        for (int i = 0; i < FACES; i++) {
            faces.add(new SyntheticFaces(0, SIZE_PX).image(i, 0));
        }
        long start = System.nanoTime();
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(64)
                .classes(2)
                .imageSizePx(SIZE_PX)
                .build())) {
            for (int part = 1; part <= PARTS; part++) {
                try (PreparedRecognizer prepared =
                                recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                        FaceBatcher batcher = prepared.batcher()) {
                    if (expected.isEmpty()) {
                        expected = faces.stream().map(prepared::embed).toList();
                    }
                    embed(batcher, total / PARTS);
                }
                System.out.printf(
                        "%,d embeddings, %.0f/s, %d MiB resident, %d native objects, %d different, %d failed%n",
                        total / PARTS * part,
                        total / PARTS * part / ((System.nanoTime() - start) / 1e9),
                        ProcessMemory.residentMibOrZero(),
                        Pointer.totalCount(),
                        different.get(),
                        failed.get());
            }
        }
        faces.forEach(Mat::close);
        System.out.printf(
                "%,d embeddings from %d threads beside %d busy loops in %.0f s, prepared %d times: %d differ from"
                        + " unbatched ones, %d failed; %d MiB resident%n",
                total / PARTS * PARTS,
                THREADS,
                neighbors,
                (System.nanoTime() - start) / 1e9,
                PARTS,
                different.get(),
                failed.get(),
                ProcessMemory.residentMibOrZero());
    }

    private void embed(FaceBatcher batcher, long count) throws InterruptedException {
        AtomicLong started = new AtomicLong();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            Thread thread = new Thread(() -> {
                for (long n = started.getAndIncrement(); n < count; n = started.getAndIncrement()) {
                    int face = (int) (n * 31 % FACES);
                    try {
                        float[] embedding = batcher.embed(faces.get(face)).get();
                        if (!Arrays.equals(embedding, expected.get(face))) {
                            different.incrementAndGet();
                        }
                    } catch (Exception e) {
                        failed.incrementAndGet();
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
