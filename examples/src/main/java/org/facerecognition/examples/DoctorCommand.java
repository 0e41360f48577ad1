package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.inference.OnnxRuntimeModel;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.Precision;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.History;
import org.facerecognition.weights.WeightsCache;
import org.facerecognition.weights.WeightsException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code doctor}: checks whether this machine can run the library, and says what is wrong if not. */
@Command(
        name = "doctor",
        description = "Check native libraries, devices, threads and JVM flags, and run one tiny training step.",
        mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    private boolean healthy = true;

    @Override
    public Integer call() {
        print("version", Version.number());
        print(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch"));
        print(
                "java",
                System.getProperty("java.version") + ", " + System.getProperty("java.vm.name") + ", "
                        + Runtime.getRuntime().availableProcessors() + " processors, heap up to "
                        + Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB");
        print("file names", "read as " + System.getProperty("sun.jnu.encoding") + Arguments.localeAdvice());
        check("platform", Loader::getPlatform);
        check("native cache", DoctorCommand::nativeCache);
        print("weights cache", weightsCache());
        check("opencv", DoctorCommand::opencv);
        print(
                "onnx models",
                "run by this library's own engine; those with operators that it lacks "
                        + (OnnxRuntimeModel.isAvailable()
                                ? "by ONNX Runtime, which is on the class path"
                                : "need ONNX Runtime, which is not on the class path"));
        if (check("libtorch", DoctorCommand::libtorch)) {
            check("precision", DoctorCommand::precision);
            check(
                    "gpu",
                    () -> torch.cuda_is_available()
                            ? torch.cuda_device_count() + " CUDA device(s)"
                            : "none usable: " + ComputeDevice.whyNoGpu());
            check("launcher", Distributed::environment);
            checkMemoryLimit();
            check("training step", DoctorCommand::trainingStep);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(healthy ? "all is well" : "something is wrong: see the lines marked WRONG");
        return healthy ? 0 : Main.FAILED;
    }

    private interface Check {
        String run();
    }

    private boolean check(String what, Check check) {
        try {
            print(what, check.run());
            return true;
        } catch (LinkageError e) { // natives are missing or are for another platform
            wrong(what, NativeLibraries.explain(what, e) + missingLibrary(e));
        } catch (RuntimeException e) {
            wrong(what, String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString()) + missingLibrary(e));
        }
        return false;
    }

    private static String nativeCache() {
        try {
            return writable(Loader.getCacheDir().toPath());
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "no folder for native libraries can be written; name one with -Dorg.bytedeco.javacpp.cachedir=DIR",
                    e);
        }
    }

    private static String weightsCache() {
        try {
            return writable(WeightsCache.standard().folder());
        } catch (WeightsException e) { // which matters to downloads alone
            return String.valueOf(e.getMessage());
        }
    }

    private static String writable(Path folder) {
        try {
            OutputFile.requireWritable(folder);
            return folder + ", writable";
        } catch (IOException e) {
            return folder + ", not writable: " + AtomicFile.reason(e);
        }
    }

    private static String opencv() {
        NativeLibraries.load(opencv_imgcodecs.class, "OpenCV");
        return opencv_core.CV_VERSION + " natives load, " + opencv_core.getNumThreads() + " threads";
    }

    private static String libtorch() {
        boolean keptToAvx = Libtorch.keptToAvx();
        return "natives load, " + torch.get_num_threads() + " compute threads, oneDNN " + yesOrNo(torch.hasMKLDNN())
                + (keptToAvx
                        ? ", kept to AVX: this virtual machine hides its caches, and newer instructions would crash it"
                        : "");
    }

    /**
     * Returns the shared library that is missing, by the root cause: the GPU natives come without NVIDIA's libraries.
     */
    private static String missingLibrary(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = String.valueOf(root.getMessage());
        return message.contains("cannot open shared object file")
                ? " (" + message + "; libtorch's GPU natives need the libraries of CUDA 13, cuDNN 9 and NCCL 2 on the"
                        + " library path)"
                : "";
    }

    private void checkMemoryLimit() {
        OptionalLong limit = NativeLibraries.memoryLimit();
        if (limit.isPresent()) {
            wrong("jvm flags", NativeLibraries.memoryLimitSentence(limit.getAsLong()));
        } else {
            print("jvm flags", NativeLibraries.MEMORY_LIMIT + " is 0: memory of tensors is not limited by the heap");
        }
    }

    private static String precision() {
        double fp32 = Precision.FP32.gigaflops();
        double bf16 = Precision.BF16.gigaflops();
        return String.format(
                Locale.ROOT,
                "matrix products on the CPU: fp32 %.0f GFLOP/s, bf16 %.0f GFLOP/s; train with --precision %s",
                fp32,
                bf16,
                bf16 > 1.1 * fp32 ? "bf16" : "fp32");
    }

    private static String trainingStep() {
        var faces = new SyntheticFaces(0, 64);
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, 2).images(0, 2), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(faces.identities(0, 2).images(2, 3), Split.VAL);
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(32)
                .classes(2)
                .imageSizePx(64)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            long start = System.nanoTime();
            History history = new Trainer(TrainerArgs.builder()
                            .batchSize(4)
                            .epochs(1)
                            .device(ComputeDevice.AUTO)
                            .build())
                    .fit(recognizer, train, validation);
            return String.format(
                    Locale.ROOT, "loss %.3f, %.1f s", history.firstLoss(), (System.nanoTime() - start) / 1e9);
        }
    }

    private void print(String what, String text) {
        spec.commandLine().getOut().printf("%-14s %s%n", what, text);
    }

    private void wrong(String what, String text) {
        healthy = false;
        spec.commandLine().getOut().printf("%-14s WRONG: %s%n", what, text);
    }

    private static String yesOrNo(boolean value) {
        return value ? "yes" : "no";
    }
}
