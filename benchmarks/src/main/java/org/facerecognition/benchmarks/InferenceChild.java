package org.facerecognition.benchmarks;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.FaceChoice;

/**
 * The main class of the processes that {@link Child} starts to embed in isolation. Arguments: KIND FILE. KIND is
 * prepared or plain with a recognizer's file, onnxruntime with an ONNX file, or djl with a TorchScript file.
 */
final class InferenceChild {
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);

    private InferenceChild() {}

    /** Embeds a number of batches and returns the seconds it took. */
    private interface Work {
        double seconds(int batch, int steps) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[1]);
        switch (args[0]) {
            case "prepared" -> prepared(file);
            case "plain" -> plain(file);
            case "onnxruntime" -> onnxRuntime(file);
            case "djl" -> djl(file);
            default ->
                throw new IllegalArgumentException(
                        "KIND must be prepared, plain, onnxruntime or djl, but was " + args[0]);
        }
    }

    /** Embeds one image, prints the ready line, then answers each line "BATCH STEPS" with seconds. */
    private static void serve(String name, Work work) throws Exception {
        work.seconds(1, 1);
        System.out.println("ready\t" + name + "\t" + ProcessMemory.residentMibOrZero());
        try (var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                String[] numbers = line.split(" ");
                System.out.println(work.seconds(Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1])));
            }
        }
    }

    private static double timed(int steps, Runnable step) {
        long start = System.nanoTime();
        for (int i = 0; i < steps; i++) {
            step.run();
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private static void prepared(Path file) throws Exception {
        try (PreparedRecognizer prepared = PreparedRecognizer.load(file, FP32, null, FaceChoice.MOST_PROMINENT, false);
                Mat image = new Mat(Net.SIZE_PX, Net.SIZE_PX, opencv_core.CV_8UC3)) {
            List<ImageSource> images = List.of(ImageSource.of(image));
            serve("prepared, fp32", (batch, steps) -> timed(steps * batch, () -> prepared.embedAll(images)));
        }
    }

    private static void plain(Path file) throws Exception {
        try (Recognizer recognizer = Recognizer.load(file)) {
            serve("Recognizer.embed", (batch, steps) -> {
                try (PointerScope scope = new PointerScope()) {
                    Tensor images = torch.rand(batch, 3, Net.SIZE_PX, Net.SIZE_PX);
                    return timed(steps, () -> recognizer.embed(images).close());
                }
            });
        }
    }

    private static void onnxRuntime(Path file) throws Exception {
        try (OrtSession session = OrtEnvironment.getEnvironment().createSession(file.toString())) {
            serve("ONNX Runtime", (batch, steps) -> {
                try (OnnxTensor input = InProcess.onnxInput(batch)) {
                    return timed(steps, () -> {
                        try {
                            session.run(Map.of("images", input)).close();
                        } catch (OrtException e) {
                            throw new IllegalStateException(e);
                        }
                    });
                }
            });
        }
    }

    private static void djl(Path file) throws Exception {
        try (Model model = Model.newInstance("net", "PyTorch")) {
            model.load(file.toAbsolutePath().getParent(), file.getFileName().toString());
            try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator())) {
                serve(djlName(), (batch, steps) -> {
                    try (NDManager manager = model.getNDManager().newSubManager()) {
                        NDList images =
                                new NDList(manager.randomUniform(0, 1, new Shape(batch, 3, Net.SIZE_PX, Net.SIZE_PX)));
                        return timed(steps, () -> {
                            try {
                                predictor.predict(images).close();
                            } catch (TranslateException e) {
                                throw new IllegalStateException(e);
                            }
                        });
                    }
                });
            }
        }
    }

    private static String djlName() {
        return "DJL " + Engine.getDjlVersion() + ", PyTorch engine "
                + Engine.getEngine("PyTorch").getVersion() + ", fp32";
    }
}
