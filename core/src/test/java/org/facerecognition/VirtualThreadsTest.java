package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.Processors;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.History;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

/** Servers call the library on virtual threads, which have no state of native code of their own. */
@EnabledForJreRange(min = JRE.JAVA_21, disabledReason = "there are no virtual threads before Java 21")
class VirtualThreadsTest {
    private static final int PX = 32;

    @TempDir
    Path folder;

    /** Starts a virtual thread, by a name that Java 17 does not know. */
    private static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        try {
            Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
        return task;
    }

    private static <T> T call(Callable<T> work) throws Exception {
        return start(work).get();
    }

    private static Recognizer recognizer() {
        torch.manual_seed(1);
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(32)
                .classes(2)
                .imageSizePx(PX)
                .build());
    }

    @Test
    void areToldFromOthers() throws Exception {
        assertThat(PlatformThreads.isVirtual()).isFalse();
        assertThat(call(PlatformThreads::isVirtual)).isTrue();
        assertThat(call(() -> PlatformThreads.call(PlatformThreads::isVirtual))).isFalse();
    }

    @Test
    void prepareAModelWithTheSameEmbeddings() throws Exception {
        Path file = folder.resolve("a.model");
        try (Recognizer recognizer = recognizer();
                Mat face = new SyntheticFaces(0, PX).image(0, 0)) {
            recognizer.save(file);
            float[] expected;
            try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT)) {
                expected = prepared.embed(face);
            }
            float[] actual = call(() -> {
                try (PreparedRecognizer prepared = PreparedRecognizer.load(file)) {
                    return prepared.embed(face);
                }
            });
            assertThat(actual).isEqualTo(expected);
        }
    }

    /** A guard that was closed after a wait used to leave the other thread without gradients. */
    @Test
    void manyEmbedWithoutAnEffectOnOtherThreads() throws Exception {
        try (Recognizer recognizer = recognizer();
                PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT)) {
            Mat face = new SyntheticFaces(0, PX).image(0, 0);
            float[] expected = prepared.embed(face);
            float[][] ofTensor = new float[1][];
            List<FutureTask<Boolean>> tasks = new ArrayList<>();
            for (int i = 0; i < 16 * Runtime.getRuntime().availableProcessors(); i++) {
                tasks.add(start(() -> {
                    boolean same = true;
                    for (int round = 0; round < 20; round++) {
                        try (PointerScope scope = new PointerScope()) {
                            Tensor images = torch.ones(3, 3, PX, PX);
                            float[] row = new float[32];
                            prepared.embed(images).data_ptr_float().get(row);
                            synchronized (ofTensor) {
                                ofTensor[0] = ofTensor[0] == null ? row : ofTensor[0];
                                same &= Arrays.equals(row, ofTensor[0]);
                            }
                            same &= Arrays.equals(prepared.embed(face), expected);
                        }
                    }
                    return same;
                }));
            }
            for (FutureTask<Boolean> task : tasks) {
                assertThat(task.get()).isTrue();
            }
            List<FutureTask<Boolean>> after = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                after.add(start(GradMode::is_enabled));
            }
            for (FutureTask<Boolean> task : after) {
                assertThat(task.get()).isTrue();
            }
            face.close();
        }
    }

    /** Each call has a thread of the operating system, of which there were as many as virtual threads. */
    @Test
    @Timeout(60) // a deadlock, not a slow machine, takes this long
    void callBrieflyOnABoundedNumberOfThreads() throws Exception {
        int bound = 2 * Processors.count();
        AtomicInteger calls = new AtomicInteger();
        AtomicInteger inside = new AtomicInteger();
        CountDownLatch end = new CountDownLatch(1);
        List<FutureTask<Boolean>> tasks = new ArrayList<>();
        for (int i = 0; i < 4 * bound; i++) {
            tasks.add(start(() -> {
                calls.incrementAndGet();
                return PlatformThreads.callBriefly(() -> {
                    inside.incrementAndGet();
                    try {
                        end.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    return PlatformThreads.callBriefly(() -> true); // waits for no other call
                });
            }));
        }
        try {
            while (calls.get() < tasks.size() || inside.get() < bound) {
                Thread.onSpinWait();
            }
            Thread.sleep(100); // for further calls, if there could be any
            assertThat(inside).hasValue(bound);
        } finally {
            end.countDown();
        }
        for (FutureTask<Boolean> task : tasks) {
            assertThat(task.get()).isTrue();
        }
    }

    /** It waited forever, on behalf of the thread that waited for it. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // closing would wait, too
    void mayNotCloseAModelWithinItsUse() throws Exception {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, PX).identities(0, 2).images(0, 2), Split.TRAIN);
        try (Recognizer recognizer = recognizer()) {
            FutureTask<Embedded> embedding = start(() -> recognizer.embed(faces, false, done -> recognizer.close()));
            assertThatThrownBy(embedding::get)
                    .cause()
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("must not be closed within a call that uses it");
            assertThat(call(() -> recognizer.embed(faces, false)).labels()).hasSize(4);
        }
    }

    @Test
    void trainOnAnotherThread() throws Exception {
        Path faces = TinyTraining.writeFaces(Files.createDirectory(folder.resolve("faces")));
        AtomicReference<Boolean> listensOnVirtual = new AtomicReference<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void started(History soFar) {
                listensOnVirtual.set(PlatformThreads.isVirtual());
            }
        };
        List<Double> losses = TinyTraining.losses(faces, TinyTraining.args().epochs(1));
        TinyTraining.Losses ofVirtual = new TinyTraining.Losses();
        call(() -> {
            try (Recognizer recognizer = TinyTraining.recognizer()) {
                return TinyTraining.fit(
                        recognizer, faces, TinyTraining.args().epochs(1).listeners(ofVirtual, listener));
            }
        });
        assertThat(ofVirtual.all).isEqualTo(losses);
        assertThat(listensOnVirtual).hasValue(false);
    }
}
