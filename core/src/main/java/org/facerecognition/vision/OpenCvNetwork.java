package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.BORDER_CONSTANT;
import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.copyMakeBorder;
import static org.bytedeco.opencv.global.opencv_dnn.blobFromImage;
import static org.bytedeco.opencv.global.opencv_dnn.readNetFromONNX;

import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_dnn;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.MatVector;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_core.StringVector;
import org.bytedeco.opencv.opencv_dnn.Net;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.NativeLibraries;

/**
 * A network that OpenCV runs, for machines and files that no {@link DetectionEngine} can serve. Thread-safe, except for
 * {@link #close}.
 */
final class OpenCvNetwork implements AutoCloseable {
    /*
     * OpenCV's own class for YuNet, FaceDetectorYN, would do the same. But it is in a module for which JavaCPP loads
     * the modules that show windows too, and these need GTK, which servers and containers do not have.
     */
    private final byte[] model;
    private final List<String> outputs;
    private final DetectionEngine.Input input;
    private final int[] numbers;
    private final String name;
    private final String kind;
    private volatile boolean works; // has processed an image
    private final DetectorPool<Net> pool = new DetectorPool<>(this::create, Net::close);

    /**
     * @param model the bytes of an .onnx file
     * @param outputs the names of its outputs, by head and then by grid, each a row of numbers for a place
     * @param numbers of a place, by head
     * @param name of the file, for messages
     * @param kind what the file should be, for messages
     */
    OpenCvNetwork(
            byte[] model, List<String> outputs, DetectionEngine.Input input, int[] numbers, String name, String kind) {
        NativeLibraries.load(opencv_dnn.class, "OpenCV");
        this.model = model;
        this.outputs = outputs;
        this.input = input;
        this.numbers = numbers;
        this.name = name;
        this.kind = kind;
    }

    /**
     * Runs the network on an image that is extended on the right and at the bottom with black.
     *
     * @param image RGB, CV_8UC3; borrowed
     * @param width of the extended image, a multiple of {@link Heads#GRID_PX}
     * @param height likewise
     * @throws DetectorException when OpenCV cannot load or run the network
     */
    Heads run(Mat image, int width, int height) {
        try (Mat canvas = new Mat();
                Scalar black = new Scalar(0.0)) {
            int border = BORDER_CONSTANT | BORDER_ISOLATED; // of a region, not the image around it
            copyMakeBorder(image, canvas, 0, height - image.rows(), 0, width - image.cols(), border, black);
            Heads heads = pool.with(net -> run(net, canvas));
            works = true;
            return heads;
        } catch (RuntimeException e) {
            if (e instanceof DetectorException) {
                throw e;
            }
            throw new DetectorException(
                    "face detector " + name + " cannot process an image of " + image.cols() + "x" + image.rows() + ": "
                            + NativeErrors.reason(e) + (works ? "" : "; is it " + kind + "?"),
                    e);
        }
    }

    private Heads run(Net net, Mat canvas) {
        try (PointerScope scope = new PointerScope();
                MatVector results = new MatVector()) {
            Mat blob = blobFromImage(
                    canvas, 1 / input.std(), new Size(), Scalar.all(input.mean()), input.bgr(), false, CV_32F);
            net.setInput(blob);
            net.forward(results, new StringVector(outputs.toArray(String[]::new)));
            FloatBuffer[][] values = new FloatBuffer[numbers.length][Heads.STRIDES.length];
            for (int head = 0; head < values.length; head++) {
                for (int grid = 0; grid < Heads.STRIDES.length; grid++) {
                    int places = canvas.cols() / Heads.STRIDES[grid] * (canvas.rows() / Heads.STRIDES[grid]);
                    values[head][grid] =
                            values(results.get(Heads.STRIDES.length * head + grid), numbers[head] * places);
                }
            }
            return Heads.ofRows(values, canvas.cols(), canvas.rows(), numbers);
        }
    }

    /** Returns a copy of the numbers of an output. */
    private FloatBuffer values(Mat result, int count) {
        if (result.total() != count || result.type() != CV_32F) {
            throw new DetectorException("face detector " + name + " must be " + kind + ", but one of its outputs has "
                    + result.total() + " numbers instead of " + count);
        }
        float[] values = new float[count];
        new FloatPointer(result.data()).get(values);
        return FloatBuffer.wrap(values);
    }

    private Net create() {
        try (PointerScope scope = new PointerScope()) { // a scope of the caller must not close the network
            Net net = readNetFromONNX(model);
            OpenCvThreads.bound();
            return net.retainReference();
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " must be " + kind + ", but OpenCV cannot load it: "
                            + NativeErrors.reason(e),
                    e);
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
