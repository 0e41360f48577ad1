package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_core.CV_64F;
import static org.bytedeco.opencv.global.opencv_core.CV_8SC3;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.add;
import static org.bytedeco.opencv.global.opencv_core.getNumThreads;
import static org.bytedeco.opencv.global.opencv_core.randn;
import static org.bytedeco.opencv.global.opencv_core.setNumThreads;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imread;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_CUBIC;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceDetector;

/**
 * Measures the way from image files to embeddings: decoding, detection, alignment and embedding with MobileFaceNet, of
 * photographs as in LFW and of photographs of 12 megapixels. The peer is what a careful user would write: one worker
 * for each processor, which reads a file, detects faces with OpenCV's detector at the same size, crops the best one
 * with the same alignment, and embeds it with ONNX Runtime on one thread.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar photographs YUNET LFW [ROUNDS [MANY]]}: the detector's
 * file, and a folder with {@code lfw-deepfunneled}; by default 5 rounds. With MANY, it also embeds that many images,
 * the same files again and again, and prints the resident memory. {@code -Dfacerecognition.threads=1} before {@code
 * -jar} measures with one thread.
 */
final class PhotographsBenchmark {
    private static final int SMALL = 256; // images of a step
    private static final int LARGE = 16;
    private static final int LARGE_WIDTH = 4000;
    private static final int LARGE_HEIGHT = 3000;
    private static final double NOISE = 6; // standard deviation; without it, enlarged images have no detail to decode
    private static final int REPORTS = 5;

    private PhotographsBenchmark() {}

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException {
        if (args.length < 2 || args.length > 4) {
            throw new IllegalArgumentException("arguments must be YUNET LFW [ROUNDS [MANY]], but were "
                    + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        Path yunet = Path.of(args[0]);
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;
        Optional<Integer> many = args.length > 3 ? Optional.of(Integer.parseInt(args[3])) : Optional.empty();
        try (TemporaryFolder folder = TemporaryFolder.create("photographs-benchmark");
                Net net = new Net(Encoder.MOBILEFACENET, folder.path());
                FaceDetector detector = FaceDetector.open(yunet)) {
            net.recognizer().useDetector(detector);
            try (PreparedRecognizer prepared =
                            net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                    CarefulUser peer = new CarefulUser(net, yunet)) {
                List<Path> small = photographs(Path.of(args[1]));
                compare(prepared, peer, small, rounds, "photographs of 250 x 250 px", System.out);
                List<Path> large = enlarged(small.subList(0, LARGE), folder.path());
                compare(prepared, peer, large, rounds, "photographs of 12 megapixels", System.out);
                if (many.isPresent()) {
                    embedMany(prepared, small, many.get(), System.out);
                }
            } catch (OrtException e) {
                throw new IOException(e);
            }
        }
    }

    private static void compare(
            PreparedRecognizer prepared,
            CarefulUser peer,
            List<Path> files,
            int rounds,
            String title,
            PrintStream out) {
        List<Contestant> contestants = List.of(
                contestant("OpenCV's detector and ONNX Runtime, a worker for each processor", files, peer::embed),
                contestant(
                        "PreparedRecognizer.embedAll",
                        files,
                        some -> prepared.embedAll(sources(some)).size()));
        Rounds.run(contestants, rounds, 1, out)
                .print(
                        out,
                        title + " to embeddings, MobileFaceNet, fp32, " + Processors.count() + " threads",
                        contestants.get(0).name());
    }

    private interface Embedding {
        /** Returns how many files were embedded. */
        int embed(List<Path> files) throws Exception;
    }

    private static Contestant contestant(String name, List<Path> files, Embedding embedding) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                int images = 0;
                try {
                    for (int i = 0; i < steps; i++) {
                        images += embedding.embed(files);
                    }
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                if (images != steps * files.size()) {
                    throw new IllegalStateException(
                            name + " embedded " + images + " of " + steps * files.size() + " images");
                }
                return images / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {} // what it calls is borrowed
        };
    }

    private static List<ImageSource> sources(List<Path> files) {
        return files.stream().map(ImageSource::of).toList();
    }

    /** Returns one image of each of the first people. */
    static List<Path> photographs(Path lfw) throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> folders = Files.list(lfw.resolve("lfw-deepfunneled"))) {
            for (Path person : folders.filter(Files::isDirectory).sorted().toList()) {
                try (Stream<Path> images = Files.list(person)) {
                    images.filter(file -> file.toString().endsWith(".jpg"))
                            .sorted()
                            .findFirst()
                            .ifPresent(files::add);
                }
                if (files.size() == SMALL) {
                    break;
                }
            }
        }
        if (files.size() < LARGE) {
            throw new IllegalArgumentException(
                    lfw + " must have at least " + LARGE + " people in lfw-deepfunneled, but has " + files.size());
        }
        return files;
    }

    /** Writes images enlarged to 12 megapixels, with noise. */
    private static List<Path> enlarged(List<Path> files, Path folder) throws IOException {
        List<Path> large = new ArrayList<>();
        for (Path file : files) {
            try (Mat image = imread(file.toString());
                    Mat enlarged = new Mat();
                    Mat noise = new Mat(LARGE_HEIGHT, LARGE_WIDTH, CV_8SC3);
                    Mat mean = new Mat(1, 1, CV_64F, new Scalar(0.0));
                    Mat deviation = new Mat(1, 1, CV_64F, new Scalar(NOISE));
                    Size size = new Size(LARGE_WIDTH, LARGE_HEIGHT)) {
                resize(image, enlarged, size, 0, 0, INTER_CUBIC);
                randn(noise, mean, deviation);
                add(enlarged, noise, enlarged, new Mat(), CV_8UC3);
                Path target = folder.resolve("large-" + large.size() + ".jpg");
                if (!imwrite(target.toString(), enlarged)) {
                    throw new IOException("cannot write " + target);
                }
                large.add(target);
            }
        }
        return large;
    }

    private static void embedMany(PreparedRecognizer prepared, List<Path> files, int many, PrintStream out)
            throws IOException {
        out.printf("%n| images embedded one after another | resident memory, MiB | images/s |%n|---|---|---|%n");
        int part = Math.max(1, many / REPORTS);
        for (int done = 0; done < many; done += part) {
            int offset = done;
            long start = System.nanoTime();
            long embedded = prepared.embedEach(IntStream.range(0, part)
                            .mapToObj(i -> ImageSource.of(files.get((offset + i) % files.size()))))
                    .count();
            out.printf(
                    "| %,d | %.0f | %.1f |%n",
                    done + embedded, ProcessMemory.residentMib(), embedded / ((System.nanoTime() - start) / 1e9));
        }
    }

    /** One worker for each processor; each does everything for one file after another. */
    private static final class CarefulUser implements AutoCloseable {
        private static final int LARGEST_SIDE_PX = 640;
        private static final float SCORE_THRESHOLD = 0.7f;
        private static final int SCORE_COLUMN = 14;

        private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
        private final OrtSession session;
        private final ExecutorService workers = Executors.newFixedThreadPool(
                Processors.count(), task -> new Thread(null, task, "worker", Main.STACK_BYTES));

        private final List<FaceDetectorYN> detectors = new ArrayList<>();

        CarefulUser(Net net, Path yunet) throws OrtException {
            try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
                options.setIntraOpNumThreads(1);
                options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
                session = environment.createSession(net.file("onnx").toString(), options);
            }
            for (int i = 0; i < Processors.count(); i++) {
                try (Size size = new Size(LARGEST_SIDE_PX, LARGEST_SIDE_PX)) {
                    detectors.add(FaceDetectorYN.create(yunet.toString(), "", size, SCORE_THRESHOLD, 0.3f, 5000, 0, 0));
                }
            }
        }

        int embed(List<Path> files) throws InterruptedException, ExecutionException {
            int openCvThreads = getNumThreads();
            setNumThreads(1); // a worker for each processor needs no more
            try {
                List<Callable<Integer>> tasks = new ArrayList<>();
                for (int i = 0; i < detectors.size(); i++) {
                    int worker = i;
                    tasks.add(() -> {
                        int done = 0;
                        for (int file = worker; file < files.size(); file += detectors.size()) {
                            done += embed(detectors.get(worker), files.get(file)).length > 0 ? 1 : 0;
                        }
                        return done;
                    });
                }
                int done = 0;
                for (Future<Integer> worker : workers.invokeAll(tasks)) {
                    done += worker.get();
                }
                return done;
            } finally {
                setNumThreads(openCvThreads);
            }
        }

        private float[] embed(FaceDetectorYN detector, Path file) throws OrtException {
            try (Mat image = imread(file.toString());
                    Mat small = new Mat();
                    Mat found = new Mat();
                    Mat rgb = new Mat()) {
                double scale = Math.min(1, (double) LARGEST_SIDE_PX / Math.max(image.cols(), image.rows()));
                try (Size size =
                        new Size((int) Math.round(image.cols() * scale), (int) Math.round(image.rows() * scale))) {
                    resize(image, small, size, 0, 0, INTER_AREA);
                    detector.setInputSize(size);
                }
                detector.detect(small, found);
                try (Mat aligned = FaceAligner.align(image, bestPoints(found, scale), Net.SIZE_PX)) {
                    cvtColor(aligned, rgb, COLOR_BGR2RGB);
                    return embed(rgb);
                }
            }
        }

        /** Returns the landmarks of the face with the highest score, in pixels of the whole image. */
        private static double[][] bestPoints(Mat found, double scale) {
            try (FloatIndexer values = found.createIndexer()) {
                int best = 0;
                for (int i = 1; i < found.rows(); i++) {
                    best = values.get(i, SCORE_COLUMN) > values.get(best, SCORE_COLUMN) ? i : best;
                }
                double[][] points = new double[5][2];
                for (int i = 0; i < 10; i++) {
                    points[i / 2][i % 2] = values.get(best, 4 + i) / scale;
                }
                return points;
            }
        }

        private float[] embed(Mat rgb) throws OrtException {
            byte[] pixels = new byte[3 * Net.SIZE_PX * Net.SIZE_PX];
            rgb.data().get(pixels);
            FloatBuffer values = ByteBuffer.allocateDirect(4 * pixels.length)
                    .order(ByteOrder.nativeOrder())
                    .asFloatBuffer();
            int plane = Net.SIZE_PX * Net.SIZE_PX;
            for (int channel = 0; channel < 3; channel++) {
                for (int i = 0; i < plane; i++) {
                    values.put(channel * plane + i, ((pixels[3 * i + channel] & 0xFF) - 127.5f) / 127.5f);
                }
            }
            long[] shape = {1, 3, Net.SIZE_PX, Net.SIZE_PX};
            try (OnnxTensor input = OnnxTensor.createTensor(environment, values, shape);
                    OrtSession.Result result = session.run(Map.of("images", input))) {
                return ((float[][]) result.get(0).getValue())[0];
            }
        }

        @Override
        public void close() throws OrtException {
            workers.shutdownNow();
            detectors.forEach(FaceDetectorYN::close);
            session.close();
        }
    }
}
