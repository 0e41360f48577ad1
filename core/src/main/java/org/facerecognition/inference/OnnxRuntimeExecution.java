package org.facerecognition.inference;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.platform.Fp16Conversions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.inference.OnnxRuntimeModel.InputType;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Processors;
import org.facerecognition.natives.TensorRows;
import org.jspecify.annotations.Nullable;

/** Runs an ONNX model in ONNX Runtime on the CPU, for networks with operators that the other executions lack. */
final class OnnxRuntimeExecution implements Execution {
    private static final long MAX_VALUES = 1L << 28; // of all images that go through the network together
    private static final double MAX_MIXED = 0.1; // of the difference between two images' embeddings

    private static final long STACK_BYTES = 256L << 20; // of addresses; memory is used as far as it is touched

    /** Calls of all sessions where the number of threads has a bound: each call computes with all of them. */
    static final Semaphore CALLS = new Semaphore(1, true);

    private static @Nullable String notLoaded; // guarded by the class

    private final OnnxRuntimeModel model;
    private final int sizePx;
    private final int batchSize;
    private final boolean oneAtATime = Processors.areBounded();
    private final OrtSession session;
    private final int embeddingSize;

    /**
     * Opens a session and embeds images, to see that the model works: two, or one where only that is possible, as with
     * a graph whose batch is open, but was traced with one image.
     *
     * @param sizePx the side of the square images in pixels
     * @param batchSize the maximum number of images that are processed together
     * @throws UnsupportedOperationException when ONNX Runtime cannot run the model either; the message is a sentence
     */
    OnnxRuntimeExecution(OnnxRuntimeModel model, int sizePx, int batchSize) {
        if (batchSize < 1) {
            throw new IllegalArgumentException("batch size must be at least 1, but was " + batchSize);
        }
        long maxImages = MAX_VALUES / (3L * sizePx * sizePx);
        if (Math.max(1, model.batchSize()) > maxImages) {
            throw new UnsupportedOperationException("images that a model takes at once must have at most " + MAX_VALUES
                    + " values in all, but " + model.file() + " takes " + Math.max(1, model.batchSize())
                    + " of " + sizePx + "x" + sizePx + " pixels; export it with a smaller batch");
        }
        this.model = model;
        this.sizePx = sizePx;
        this.session = open();
        boolean works = false;
        try {
            float[] alone = embed(new float[][] {noise(0)})[0];
            this.embeddingSize = alone.length;
            this.batchSize = model.batchSize() != 0
                    ? requireUnmixed(alone)
                    : batchSize > 1 && embedsTwo(alone) ? (int) Math.min(batchSize, maxImages) : 1;
            works = true;
        } finally {
            if (!works) {
                close();
            }
        }
    }

    /**
     * Opens the session on a thread of its own: ONNX Runtime follows a graph by recursion, and where the stack of a
     * Java thread, usually 1 MiB, is too short for that, the process ends.
     */
    private OrtSession open() {
        try {
            return CompletableFuture.supplyAsync(
                            this::openHere, task -> new Thread(null, task, "face-onnx", STACK_BYTES).start())
                    .join(); // interrupts do not end the wait, because the session must be closed by somebody
        } catch (CompletionException e) {
            ComputeThreads.rethrow(e.getCause());
            throw e;
        }
    }

    private OrtSession openHere() {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(Processors.count());
            return OrtEnvironment.getEnvironment().createSession(model.file().toString(), options);
        } catch (OrtException e) {
            throw refused(e);
        } catch (LinkageError e) {
            throw unusable(e);
        }
    }

    /** Returns the same sentence each time: after the first time, the JVM no longer says why. */
    private UnsupportedOperationException unusable(LinkageError e) {
        synchronized (OnnxRuntimeExecution.class) {
            if (notLoaded == null) {
                Throwable root = e;
                while (root.getCause() != null) {
                    root = root.getCause();
                }
                notLoaded = "ONNX Runtime, which would run it, cannot be unpacked to "
                        + System.getProperty("java.io.tmpdir") + " and loaded: "
                        + (root instanceof IOException file
                                ? AtomicFile.reason(file)
                                : String.valueOf(root.getMessage()))
                        + "; name another folder, which can be written to and allows execution, with"
                        + " -Djava.io.tmpdir=DIR";
            }
            return new UnsupportedOperationException(notLoaded, e);
        }
    }

    /** Returns the model's number of images, which it must embed as if each were alone: with others, or with zeros. */
    private int requireUnmixed(float[] alone) {
        if (model.batchSize() > 1 && !embedsTwo(alone)) {
            throw new UnsupportedOperationException("embeddings of " + model.file() + " depend on the other "
                    + (model.batchSize() - 1) + " images that it takes at once; export it with a batch of one image");
        }
        return model.batchSize();
    }

    /**
     * Returns whether two images have the embeddings that they have alone, up to rounding. In a graph that was traced
     * with one image, they may be mixed.
     *
     * @param first the embedding of the first one
     */
    private boolean embedsTwo(float[] first) {
        try {
            float[] second = embed(new float[][] {noise(1)})[0];
            float[][] together = embed(new float[][] {noise(0), noise(1)});
            double mixed = distance(together[0], first) + distance(together[1], second);
            return mixed <= MAX_MIXED * distance(first, second);
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    private static double distance(float[] a, float[] b) {
        double squares = a.length == b.length ? 0 : Double.NaN;
        for (int i = 0; i < Math.min(a.length, b.length); i++) {
            double difference = a[i] - b[i];
            squares += difference * difference;
        }
        return Math.sqrt(squares);
    }

    /** Returns an image of random values, [3, S, S]: bytes, or what normalized pixels are about. */
    private float[] noise(int seed) {
        Random random = new Random(seed);
        float[] values = new float[3 * sizePx * sizePx];
        for (int i = 0; i < values.length; i++) {
            values[i] = model.type() == InputType.UINT8 ? random.nextInt(256) : 2 * random.nextFloat() - 1;
        }
        return values;
    }

    private UnsupportedOperationException refused(OrtException e) {
        String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
        return new UnsupportedOperationException("ONNX Runtime cannot run " + model.file() + ": " + reason, e);
    }

    int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public int chunkSize() {
        return batchSize;
    }

    @Override
    public Tensor run(Tensor images) {
        float[][] rows = run(TensorRows.of(
                images.to(new Device("cpu"), ScalarType.Float).reshape(images.size(0), 3L * sizePx * sizePx)));
        FloatBuffer all = FloatBuffer.allocate(rows.length * embeddingSize);
        for (float[] row : rows) {
            all.put(row);
        }
        return Tensor.create(all.array(), rows.length, embeddingSize);
    }

    @Override
    public float[][] run(InputImages images) {
        float[][] values = new float[images.count()][3 * sizePx * sizePx];
        for (int i = 0; i < values.length; i++) {
            images.read(i, values[i]);
        }
        return run(values);
    }

    private float[][] run(float[][] images) {
        float[][] rows = new float[images.length][];
        for (int from = 0; from < images.length; from += batchSize) {
            float[][] chunk = Arrays.copyOfRange(images, from, Math.min(images.length, from + batchSize));
            System.arraycopy(embed(chunk), 0, rows, from, chunk.length);
        }
        return rows;
    }

    /** @param images [3, S, S] each, RGB */
    private float[][] embed(float[][] images) {
        int count = model.batchSize() == 0 ? images.length : model.batchSize(); // a fixed batch is filled with zeros
        float[] values = new float[count * 3 * sizePx * sizePx];
        for (int i = 0; i < images.length; i++) {
            arrange(images[i], values, i * images[i].length);
        }
        long[] shape =
                model.channelsLast() ? new long[] {count, sizePx, sizePx, 3} : new long[] {count, 3, sizePx, sizePx};
        try (OnnxTensor input = tensor(values, shape);
                OrtSession.Result result = compute(input)) {
            FloatBuffer floats = result.get(0) instanceof OnnxTensor tensor ? tensor.getFloatBuffer() : null;
            if (floats == null) {
                throw new UnsupportedOperationException(model.file()
                        + " must have embeddings of floats as its output \""
                        + model.output() + "\", but they are " + result.get(0).getInfo()
                        + "; convert the model's output to float32");
            }
            requireRows(((OnnxTensor) result.get(0)).getInfo().getShape(), count);
            float[][] rows = new float[images.length][floats.remaining() / count];
            for (float[] row : rows) {
                floats.get(row);
            }
            return rows;
        } catch (OrtException e) {
            throw refused(e);
        }
    }

    private OrtSession.Result compute(OnnxTensor input) throws OrtException {
        if (oneAtATime) {
            CALLS.acquireUninterruptibly();
        }
        try {
            return session.run(Map.of(model.input(), input), Set.of(model.output()));
        } finally {
            if (oneAtATime) {
                CALLS.release();
            }
        }
    }

    /** Checks that there is one row per image. Dimensions of one value do not count. */
    private void requireRows(long[] shape, int count) {
        long longer = Arrays.stream(shape, count == 1 ? 0 : Math.min(1, shape.length), shape.length)
                .filter(size -> size != 1)
                .count();
        if (longer > 1 || count > 1 && (shape.length < 1 || shape[0] != count)) {
            throw new UnsupportedOperationException(model.file() + " must have one embedding per image as its output \""
                    + model.output() + "\", [" + count + ", D], but it was of the shape " + Arrays.toString(shape)
                    + "; flatten what its last layer returns");
        }
    }

    private void arrange(float[] image, float[] target, int at) {
        int area = sizePx * sizePx;
        for (int c = 0; c < 3; c++) {
            int from = area * (model.blueFirst() ? 2 - c : c);
            if (model.channelsLast()) {
                for (int i = 0; i < area; i++) {
                    target[at + 3 * i + c] = image[from + i];
                }
            } else {
                System.arraycopy(image, from, target, at + c * area, area);
            }
        }
    }

    private OnnxTensor tensor(float[] values, long[] shape) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        if (model.type() == InputType.FLOAT) {
            return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
        }
        if (model.type() == InputType.FLOAT16) {
            ByteBuffer halves = ByteBuffer.allocateDirect(2 * values.length).order(ByteOrder.nativeOrder());
            for (float value : values) {
                halves.putShort(Fp16Conversions.floatToFp16(value));
            }
            return OnnxTensor.createTensor(environment, halves.flip(), shape, OnnxJavaType.FLOAT16);
        }
        ByteBuffer bytes = ByteBuffer.allocateDirect(values.length);
        for (float value : values) {
            bytes.put((byte) Math.round(value));
        }
        return OnnxTensor.createTensor(environment, bytes.flip(), shape, OnnxJavaType.UINT8);
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        long start = System.nanoTime();
        run(images);
        return List.of(new LayerCost("all layers in ONNX Runtime", (System.nanoTime() - start) / 1e9, 0));
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime could not close its session: " + e.getMessage(), e);
        }
    }
}
