package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_core.getNumThreads;
import static org.bytedeco.opencv.global.opencv_core.setNumThreads;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_COLOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_2;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_4;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMREAD_REDUCED_COLOR_8;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imread;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_BGR2RGB;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.FaceAligner;

/** One worker for each processor; each does everything for one file after another. */
final class CarefulUser implements AutoCloseable {
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

    /**
     * Embeds files and returns how many had a face.
     *
     * @param reducing whether a large JPEG file is reduced while it is decoded, where the library does this too
     */
    int embed(List<Path> files, boolean reducing) throws InterruptedException, ExecutionException {
        int openCvThreads = getNumThreads();
        setNumThreads(1); // a worker for each processor needs no more
        try {
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < detectors.size(); i++) {
                int worker = i;
                tasks.add(() -> {
                    int done = 0;
                    for (int file = worker; file < files.size(); file += detectors.size()) {
                        done += embed(detectors.get(worker), files.get(file), reducing).length > 0 ? 1 : 0;
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

    private float[] embed(FaceDetectorYN detector, Path file, boolean reducing) throws OrtException, IOException {
        try (Mat image = imread(file.toString(), reducing ? flag(reduction(shorterSide(file))) : IMREAD_COLOR);
                Mat small = new Mat();
                Mat found = new Mat();
                Mat rgb = new Mat()) {
            double scale = Math.min(1, (double) LARGEST_SIDE_PX / Math.max(image.cols(), image.rows()));
            try (Size size = new Size((int) Math.round(image.cols() * scale), (int) Math.round(image.rows() * scale))) {
                resize(image, small, size, 0, 0, INTER_AREA);
                detector.setInputSize(size);
            }
            detector.detect(small, found);
            double[][] points = bestPoints(found, scale);
            if (reducing && isEnlarged(points)) {
                return embed(detector, file, false); // the face has more pixels in the whole image
            }
            try (Mat aligned = FaceAligner.align(image, points, Net.SIZE_PX)) {
                cvtColor(aligned, rgb, COLOR_BGR2RGB);
                return embed(rgb);
            }
        }
    }

    /** Reads the shorter side of an image from its header. */
    private static int shorterSide(Path file) throws IOException {
        try (ImageInputStream stream = ImageIO.createImageInputStream(file.toFile())) {
            ImageReader reader = ImageIO.getImageReaders(stream).next();
            reader.setInput(stream, true, true);
            try {
                return Math.min(reader.getWidth(0), reader.getHeight(0));
            } finally {
                reader.dispose();
            }
        }
    }

    /**
     * Returns by how much an image is reduced while it is decoded: the library's condition, by which the shorter side
     * keeps at least one and a half times the detector's largest side.
     */
    static int reduction(int shorterSide) {
        int times = 8;
        while (times > 1 && shorterSide / times < LARGEST_SIDE_PX * 3 / 2) {
            times /= 2;
        }
        return times;
    }

    private static int flag(int reduction) {
        return switch (reduction) {
            case 8 -> IMREAD_REDUCED_COLOR_8;
            case 4 -> IMREAD_REDUCED_COLOR_4;
            case 2 -> IMREAD_REDUCED_COLOR_2;
            default -> IMREAD_COLOR;
        };
    }

    /** Returns whether a crop would have to enlarge a face: its eyes are closer together than those of the template. */
    private static boolean isEnlarged(double[][] points) {
        double[][] template = FaceAligner.template();
        return distance(points) < distance(template);
    }

    private static double distance(double[][] points) {
        return Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]);
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
