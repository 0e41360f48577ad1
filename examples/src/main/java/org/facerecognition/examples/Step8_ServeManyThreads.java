package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.facerecognition.FaceBatcher;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;

/** Embeds images for many threads, as a server does: a prepared model, and a batcher that puts requests together. */
public final class Step8_ServeManyThreads {
    private Step8_ServeManyThreads() {}

    /** Argument: the folder of {@link Step1_TrainArcFace}; {@code face-steps} by default. */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        int threads = 8;
        ExecutorService requests = Executors.newFixedThreadPool(threads);
        try (Recognizer recognizer = Recognizer.load(folder.resolve("arcface.model"));
                PreparedRecognizer prepared = recognizer.prepare(); // the fastest arithmetic of this machine
                FaceBatcher batcher = prepared.batcher()) {
            long seed = 0;
            var strangers = new SyntheticFaces(seed, recognizer.imageSizePx()).identities(300, 310);
            FaceDataset images = FaceDataset.synthetic(strangers.images(0, 4), Split.TEST);

            List<Future<float[]>> embeddings = new ArrayList<>();
            for (int i = 0; i < images.size(); i++) {
                ImageSource image = images.sample(i).image();
                embeddings.add(requests.submit(() -> batcher.embed(image).get()));
            }
            double smallest = 1;
            for (int i = 0; i < images.size(); i++) {
                float[] alone = recognizer.embed(images.sample(i).image());
                smallest = Math.min(
                        smallest, Recognizer.similarity(alone, embeddings.get(i).get()));
            }
            System.out.printf(Locale.ROOT, "embedded %d images on %d threads%n", images.size(), threads);
            System.out.printf(Locale.ROOT, "smallest cosine with the unprepared model: %.3f%n", smallest);
        } finally {
            requests.shutdown();
        }
    }
}

/* Prints:
 * embedded 40 images on 8 threads
 * smallest cosine with the unprepared model: 1.000
 */
