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
 * Very many embeddings of a small net from 16 threads through the batcher: every answer must have the bits that its image
 * has alone, and memory must not grow.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar soak [EMBEDDINGS]}; 1,000,000 where not said.
 */
final class Soak {
    private static final int THREADS = 16;
    private static final int FACES = 64;
    private static final int SIZE_PX = 32;

    private Soak() {}

    static void run(String[] args) throws InterruptedException {
        long wanted = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
        List<Mat> faces = new ArrayList<>();
        for (int i = 0; i < FACES; i++) {
            faces.add(new SyntheticFaces(0, SIZE_PX).image(i, 0));
        }
        AtomicLong begun = new AtomicLong();
        AtomicLong wrong = new AtomicLong();
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
            List<float[]> alone = faces.stream().map(prepared::embed).toList();
            long report = Math.max(1, wanted / 10);
            long start = System.nanoTime();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                Thread thread = new Thread(() -> {
                    for (long n = begun.getAndIncrement(); n < wanted; n = begun.getAndIncrement()) {
                        int face = (int) (n * 31 % FACES);
                        try {
                            float[] embedding = batcher.embed(faces.get(face)).get();
                            if (!Arrays.equals(embedding, alone.get(face))) {
                                wrong.incrementAndGet();
                            }
                        } catch (Exception e) {
                            failed.incrementAndGet();
                        }
                        if (n % report == 0) {
                            System.out.printf(
                                    "%,d embeddings, %.0f/s, %d MiB resident, %d native objects, %d of other bits, %d failed%n",
                                    n,
                                    n / ((System.nanoTime() - start) / 1e9),
                                    Resident.mebibytes(),
                                    Pointer.totalCount(),
                                    wrong.get(),
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
                    "%,d embeddings from %d threads in %.0f s: %d of other bits than alone, %d failed; %d MiB resident%n",
                    wanted,
                    THREADS,
                    (System.nanoTime() - start) / 1e9,
                    wrong.get(),
                    failed.get(),
                    Resident.mebibytes());
        }
        faces.forEach(Mat::close);
    }
}
