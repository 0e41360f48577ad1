package org.facerecognition.benchmarks;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import java.nio.file.Path;

/**
 * The main class of a separate process that embeds images with DJL, which brings a libtorch of another version.
 * Arguments: TORCHSCRIPT IMAGES OUT, the last two in the format of {@link RawFloats}.
 */
final class DjlFile {
    private DjlFile() {}

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]).toAbsolutePath();
        float[] images = RawFloats.read(Path.of(args[1]));
        try (Model model = Model.newInstance("net", "PyTorch")) {
            model.load(file.getParent(), file.getFileName().toString());
            try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator());
                    NDManager manager = model.getNDManager().newSubManager()) {
                long count = images.length / (3L * Net.SIZE_PX * Net.SIZE_PX);
                NDList input = new NDList(manager.create(images, new Shape(count, 3, Net.SIZE_PX, Net.SIZE_PX)));
                float[] embeddings = predictor.predict(input).singletonOrThrow().toFloatArray();
                RawFloats.write(Path.of(args[2]), embeddings);
            }
        }
    }
}
