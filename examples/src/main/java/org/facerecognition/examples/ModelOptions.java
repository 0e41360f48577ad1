package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.ThresholdsFile;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of the model to use: one that this program trained, or weights from elsewhere. */
@HelpSection(Heading.MODEL)
final class ModelOptions {
    private static final String INT8_RULE =
            "--int8 must go with a model of this program that quantize has calibrated, on commands that embed faces";

    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description = "A model, a checkpoint of a training, with --encoder weights from elsewhere (.pth, .pt,"
                    + " .ckpt, .safetensors), or for embedding an ONNX model (.onnx).")
    private Path model;

    @Option(
            names = "--encoder",
            paramLabel = "NAME",
            description = "The encoder that the weights belong to, for a file that contains weights only.")
    private @Nullable String encoder;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--input",
            paramLabel = "WHAT",
            description = "What pixels an ONNX model takes, if its file does not say it: insightface, sface, adaface,"
                    + " facenet, imagenet, or for example \"BGR mean=127.5 std=128\" (add size=112 if the file"
                    + " leaves it open, align=wide for crops of align --wide). Mean and deviation are of pixel values"
                    + " 0..255; each may be three numbers with commas between them, for red, green and blue, also after"
                    + " BGR. evaluate --input try measures which one fits.")
    private @Nullable String input;

    @Option(
            names = "--int8",
            description = "Embed with 8-bit integers, which is faster on processors without half precision; for models"
                    + " that the command quantize has calibrated.")
    private boolean int8;

    @Option(
            names = "--bf16",
            description = "Embed in half precision (bfloat16), which is several times as fast on processors with"
                    + " instructions for it. Its thresholds are measured separately.")
    private boolean bf16;

    @Option(
            names = "--min-cosine",
            paramLabel = "X",
            description =
                    "With --int8 or --bf16: refuse a model whose embeddings may have a smaller cosine than this to"
                            + " those in float32. Default: 0.98 with --int8, 0.999 with --bf16.")
    private @Nullable Double minCosine;

    /** Returns whether --input asks to try all plausible inputs. */
    boolean triesInputs() {
        return "try".equals(input);
    }

    private boolean isOnnx() {
        return isOnnx(model);
    }

    /** @throws IllegalArgumentException when it is an ONNX model, which embeds faces and nothing else */
    static void requireOwn(Path file) {
        if (isOnnx(file)) {
            throw new IllegalArgumentException("model " + file + " is an ONNX model, with which faces can be embedded;"
                    + " this command needs a model of this program: that which it was exported from, or one that"
                    + " train --init " + file + " has trained from it");
        }
    }

    /** Returns the file that thresholds go to when the model is to be saved to a file with them. */
    Path thresholdsOf(Path saved) {
        return isOnnx() ? ThresholdsFile.beside(saved) : saved;
    }

    static boolean isOnnx(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx");
    }

    /**
     * Loads a model for its thresholds; owned.
     *
     * @param input of an ONNX file that does not say what pixels it takes
     */
    static LoadedModel load(Path file, @Nullable String input) {
        return isOnnx(file)
                ? LoadedModel.of(
                        file,
                        input == null ? null : InputContract.parse(input),
                        PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32),
                        null,
                        FaceChoice.MOST_PROMINENT,
                        true)
                : LoadedModel.of(own(file, input));
    }

    private static Recognizer own(Path file, @Nullable String input) {
        if (input != null) {
            throw new IllegalArgumentException(
                    "--input must be given with an ONNX model, since " + file + " says what pixels it takes");
        }
        return ModelFile.load(file, false);
    }

    /** @throws IllegalArgumentException when a file to be written is the model */
    void requireOther(String option, @Nullable Path out) {
        ModelFile.requireOther(option, out, model);
    }

    /** Returns the file of this name in the model's folder. */
    Path beside(String name) {
        return model.resolveSibling(name);
    }

    /** Loads a model that is to embed faces, and for nothing else; owned. */
    LoadedEmbedder loadToEmbed(@Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        if (isOnnx() || encoder != null) {
            return load(detector, choice, flip);
        }
        requireNoInput();
        return LoadedEmbedder.of(ModelFile.prepared(model, precision(), detector, choice, flip));
    }

    /** Loads a model for embedding, with what else its file says; owned. */
    LoadedModel load(@Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        if (isOnnx()) {
            InputContract contract = input == null ? null : InputContract.parse(input);
            if (encoder != null) {
                throw new IllegalArgumentException(
                        "--encoder must be given without an ONNX model, which has its own network");
            }
            return LoadedModel.of(model, contract, precision(), detector, choice, flip);
        }
        PrepareOptions precision = precision();
        Recognizer recognizer = read();
        try {
            recognizer.useDetector(detector, choice);
            recognizer.useFlip(flip);
            return int8 || bf16 ? LoadedModel.prepared(recognizer, precision) : LoadedModel.of(recognizer);
        } catch (RuntimeException e) {
            recognizer.close();
            throw e;
        }
    }

    /** Returns how --int8 and --bf16 say that faces are embedded. */
    private PrepareOptions precision() {
        if (int8 && (bf16 || isOnnx())) {
            throw new IllegalArgumentException(bf16 ? "give either --int8 or --bf16" : INT8_RULE);
        }
        if (bf16 && !PreparedNet.isFast(ScalarType.BFloat16)) {
            throw new IllegalArgumentException(
                    "--bf16 must be given on a processor with instructions for bfloat16 (AVX-512 BF16, AMX), which this"
                            + " processor lacks; leave it out");
        }
        requireLowerPrecision();
        PrepareOptions options = int8
                ? PrepareOptions.INT8
                : PrepareOptions.DEFAULT.withArithmetic(bf16 ? Arithmetic.HALF : Arithmetic.FP32);
        return minCosine == null ? options : options.withMinCosine(minCosine);
    }

    private void requireLowerPrecision() {
        if (minCosine != null && !int8 && !bf16) {
            throw new IllegalArgumentException("--min-cosine must go with --int8 or --bf16");
        }
    }

    private void requireFloat() {
        if (int8) {
            throw new IllegalArgumentException(INT8_RULE);
        }
        if (bf16) {
            throw new IllegalArgumentException("--bf16 must go with commands that embed faces");
        }
        requireLowerPrecision();
    }

    /** @throws IllegalArgumentException when no input at all can be tried */
    void requireTriable() {
        if (!isOnnx()) {
            throw new IllegalArgumentException(
                    "--input try must be given with an ONNX model, since " + model + " says what pixels it takes");
        }
        precision();
    }

    /** Loads an ONNX model that takes other pixels than --input says; owned. */
    LoadedModel load(InputContract contract, @Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        return LoadedModel.of(model, contract, precision(), detector, choice, flip);
    }

    /**
     * Loads a model of this library, or weights for one of its encoders; owned. Says on standard error what of the file
     * is not used.
     */
    Recognizer load() {
        requireFloat();
        return read();
    }

    private Recognizer read() {
        requireOwn(model);
        requireNoInput();
        if (encoder == null) {
            return ModelFile.load(model, true);
        }
        Recognizer recognizer = ModelFile.load(model, Encoder.of(encoder));
        recognizer.warnings().forEach(command.commandLine().getErr()::println);
        return recognizer;
    }

    private void requireNoInput() {
        if (input != null) {
            throw new IllegalArgumentException(
                    "--input must be given with an ONNX model, since " + model + " says what pixels it takes");
        }
    }
}
