package org.facerecognition.natives;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.Weights;

/** Uses the library, each way into it twice; run inside a class loader of its own. */
public final class LoaderProbe implements Callable<List<String>> {
    /** What each of the ways into the library says: what went wrong, or "done". */
    @Override
    public List<String> call() {
        List<String> said = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            say(said, "Libtorch", Libtorch::load);
            say(said, "keptToAvx", Libtorch::keptToAvx);
            say(said, "RandomStream", () -> RandomStream.seeded(0, () -> 1));
            say(
                    said,
                    "LossName",
                    () -> LossName.ARCFACE.create(2, 4, LossSettings.DEFAULTS).close());
            say(
                    said,
                    "Encoder",
                    () -> Encoder.MOBILEFACENET.create("conv3", List.of(8)).close());
            say(said, "Weights", () -> Weights.read(Path.of("absent.pt")));
            say(said, "Recognizer", LoaderProbe::recognizer);
            say(said, "ComputeDevice", ComputeDevice::whyNoGpu);
            say(said, "Precision", Precision.FP32::gigaflops);
            say(said, "BatchLoader", LoaderProbe::loader);
            say(said, "Gallery", LoaderProbe::gallery);
        }
        return said;
    }

    /** Libtorch alone. */
    public static final class Loads implements Callable<List<String>> {
        @Override
        public List<String> call() {
            List<String> said = new ArrayList<>();
            say(said, "Libtorch", Libtorch::load);
            return said;
        }
    }

    /** JavaCPP's classes without this library. */
    public static final class Bare implements Callable<List<String>> {
        @Override
        public List<String> call() {
            torch.ones(1).close();
            return List.of("bare: done");
        }
    }

    private static void say(List<String> said, String way, Runnable use) {
        try {
            use.run();
            said.add(way + ": done");
        } catch (RuntimeException | LinkageError e) {
            said.add(way + ": " + e.getMessage());
        }
    }

    private static void recognizer() {
        Recognizer.arcFace(RecognizerArgs.builder()
                        .encoder(Encoder.MOBILEFACENET)
                        .embeddingSize(8)
                        .classes(2)
                        .imageSizePx(32)
                        .build())
                .close();
    }

    private static void loader() {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 2).images(0, 2), Split.TRAIN);
        new BatchLoader(
                        faces,
                        BatchLoader.Settings.of(32, Normalization.SYMMETRIC)
                                .withBatchSize(2)
                                .withThreads(1))
                .close();
    }

    private static void gallery() {
        try (Gallery gallery = Gallery.inMemory("any", 4)) {
            float[] one = new float[4];
            Arrays.fill(one, 0.5f);
            gallery.enroll("Ann", one);
            gallery.identify(one, 1, 0.5);
        }
    }
}
