package org.facerecognition.benchmarks;

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
 * A soak test: 16 threads request many embeddings of a small network through the batcher. Every embedding must have
 * exactly the bits that the same image has without batching, and memory must not grow.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar soak [EMBEDDINGS]}; by default 1,000,000.
 */
final class Soak {
    private static final int THREADS = 16;
    private static final int FACES = 64;
    private static final int SIZE_PX = 32;

    private Soak() {}

    /** Runs the test and prints progress and a summary. */
    static void run(String[] args) throws InterruptedException {
        long total = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
        List<Mat> faces = new ArrayList<>();
        for (int i = 0; i < FACES; i++) {
            faces.add(new SyntheticFaces(0, SIZE_PX).image(i, 0));
        }
        AtomicLong started = new AtomicLong();
        AtomicLong different = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                        .encoder(Encoder.MOBILEFACENET)
                        .embeddingSize(64)
                        .classes(2)
                        .imageSizePx(SIZE_PX)
                        .build());
                PreparedRecognizer prepared =
                        recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                FaceBatcher batcher = prepared.batcher()) {
            List<float[]> expected = faces.stream().map(prepared::embed).toList();
            long report = Math.max(1, total / 10);
            long start = System.nanoTime();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                Thread thread = new Thread(() -> {
                    for (long n = started.getAndIncrement(); n < total; n = started.getAndIncrement()) {
                        int face = (int) (n * 31 % FACES);
                        try {
                            float[] embedding = batcher.embed(faces.get(face)).get();
                            if (!Arrays.equals(embedding, expected.get(face))) {
                                different.incrementAndGet();
                            }
                        } catch (Exception e) {
                            failed.incrementAndGet();
                        }
                        if (n % report == 0) {
                            System.out.printf(
                                    "%,d embeddings, %.0f/s, %d MiB resident, %d native objects, %d different,"
                                            + " %d failed%n",
                                    n,
                                    n / ((System.nanoTime() - start) / 1e9),
                                    ProcessMemory.residentMibOrZero(),
                                    Pointer.totalCount(),
                                    different.get(),
                                    failed.get());
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            System.out.printf(
                    "%,d embeddings from %d threads in %.0f s: %d differ from unbatched ones, %d failed;"
                            + " %d MiB resident%n",
                    total,
                    THREADS,
                    (System.nanoTime() - start) / 1e9,
                    different.get(),
                    failed.get(),
                    ProcessMemory.residentMibOrZero());
        }
        faces.forEach(Mat::close);
    }
}
