package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.OnnxRuntimeModel.InputType;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each call computes with all threads of a session, so several calls at once would take more than the bound. */
class OnnxRuntimeThreadsTest {
    private static final int SIZE_PX = 4;

    private final String former = System.getProperty(Processors.PROPERTY);

    @TempDir
    private Path folder;

    @AfterEach
    void restore() {
        if (former == null) {
            System.clearProperty(Processors.PROPERTY);
        } else {
            System.setProperty(Processors.PROPERTY, former);
        }
    }

    @Test
    @Timeout(60)
    void callsWaitForEachOtherWhereTheNumberOfThreadsIsGiven() throws Exception {
        System.setProperty(Processors.PROPERTY, "1");
        Path file = new OnnxModelWriter(17)
                .input("images", OnnxModelWriter.FREE, 3, SIZE_PX, SIZE_PX)
                .output("y", OnnxModelWriter.FREE, 3)
                .node("GlobalAveragePool", "images -> g")
                .node("Flatten", "g -> y")
                .write(folder.resolve("mean.onnx"));
        OnnxRuntimeModel model = new OnnxRuntimeModel(file, "images", InputType.FLOAT, false, false, 0, "y");
        InputImages image =
                new InputImages.Pixels(List.of(new byte[3 * SIZE_PX * SIZE_PX]), new float[3][256], SIZE_PX, false);
        try (PreparedNet net = PreparedNet.of(model, 16, SIZE_PX)) {
            FutureTask<float[][]> call = new FutureTask<>(() -> net.embed(image));
            OnnxRuntimeExecution.CALLS.acquire();
            try {
                new Thread(call).start();
                while (!OnnxRuntimeExecution.CALLS.hasQueuedThreads()) {
                    assertThat(call.isDone()).isFalse();
                    Thread.onSpinWait();
                }
            } finally {
                OnnxRuntimeExecution.CALLS.release();
            }
            assertThat(call.get(30, TimeUnit.SECONDS)).hasDimensions(1, 3);
        }
        assertThat(OnnxRuntimeExecution.CALLS.availablePermits()).isEqualTo(1);
    }
}
