package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.EmbeddingPipeline;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests that closing a prepared recognizer lets what was begun finish, and rejects later calls. */
@Timeout(120)
class PreparedRecognizerLifeTest {
    private static final int SIZE_PX = 32;
    private static final String CLOSED = "this prepared recognizer is closed";
    private static final String IN_USE =
            "this prepared recognizer must not be closed within a call that uses it; close" + " it after that call";

    private static Recognizer recognizer;
    private static Mat face;

    private PreparedRecognizer prepared;

    @BeforeAll
    static void open() {
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(SIZE_PX)
                .build());
        face = new SyntheticFaces(1, 48).image(0, 0);
    }

    @AfterAll
    static void close() {
        recognizer.close();
        face.close();
    }

    @BeforeEach
    void prepare() {
        prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
    }

    /** An image that is read when it is released. */
    private static final class LateImage implements ImageSource {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch released = new CountDownLatch(1);

        @Override
        public String name() {
            return "late";
        }

        @Override
        public Mat read() {
            asked.countDown();
            try {
                released.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return new Mat(face);
        }
    }

    /** The call was cut off between two batches. */
    @Test
    void aCallOfSeveralBatchesFinishes() throws Exception {
        LateImage late = new LateImage();
        List<ImageSource> images = new ArrayList<>(Collections.nCopies(3 * EmbeddingPipeline.BATCH, face()));
        images.set(images.size() - 1, late);
        float[] expected = prepared.embed(face);
        CompletableFuture<List<float[]>> embeddings =
                CompletableFuture.supplyAsync(() -> prepared.embedAll(images), PreparedRecognizerLifeTest::start);
        late.asked.await();
        CompletableFuture<Void> closing =
                CompletableFuture.runAsync(prepared::close, PreparedRecognizerLifeTest::start);
        awaitRejection();
        assertThat(closing).isNotDone();
        late.released.countDown();
        assertThat(embeddings.get(60, TimeUnit.SECONDS))
                .hasSize(images.size())
                .allSatisfy(embedding -> assertThat(embedding).isEqualTo(expected));
        closing.get(60, TimeUnit.SECONDS);
    }

    private static void start(Runnable work) {
        new Thread(work).start();
    }

    private static ImageSource face() {
        return ImageSource.of(face);
    }

    private void awaitRejection() {
        while (true) {
            try {
                prepared.embed(face);
                Thread.onSpinWait();
            } catch (IllegalStateException e) {
                assertThat(e).hasMessage(CLOSED);
                return;
            }
        }
    }

    @Test
    void cannotBeClosedWithinItsOwnCalls() {
        FaceDataset faces = FaceDataset.synthetic(new SyntheticFaces(0, 48).identities(0, 4), Split.TEST);
        assertThatThrownBy(() -> prepared.embedAsCropped(faces, done -> prepared.close()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(IN_USE);
        ImageSource closing = new ImageSource() {
            @Override
            public String name() {
                return "closing";
            }

            @Override
            public Mat read() {
                prepared.close();
                return new Mat(face);
            }
        };
        assertThatThrownBy(() -> prepared.embedAll(List.of(closing))).hasMessage(IN_USE);
        assertThat(prepared.embed(face)).hasSize(16);
        prepared.close();
    }

    @Test
    void everyCallIsRejectedWithTheSameMessage() {
        prepared.close();
        prepared.close(); // has no effect
        FaceDataset faces = FaceDataset.synthetic(new SyntheticFaces(0, 48).identities(0, 4), Split.TEST);
        List<Runnable> calls = List.of(
                () -> prepared.embed(face),
                () -> prepared.embedAll(List.of()),
                () -> prepared.embedEach(List.of(face()).stream()),
                () -> prepared.faces(face()),
                () -> prepared.embedAsCropped(faces, done -> {}),
                prepared::batcher);
        for (Runnable call : calls) {
            assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(CLOSED);
        }
    }

    @Test
    void aStreamEndsWithTheReason() {
        List<EmbeddedImage> before = new ArrayList<>();
        assertThatThrownBy(() -> prepared.embedEach(Collections.nCopies(40, face()).stream())
                        .forEach(image -> {
                            before.add(image);
                            prepared.close();
                        }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(CLOSED);
        assertThat(before)
                .hasSize(EmbeddingPipeline.BATCH)
                .allSatisfy(image -> assertThat(image.embedding()).isPresent());
    }

    /** What the batcher had accepted failed. */
    @Test
    void anOpenBatcherEmbedsWhatItHasAccepted() throws Exception {
        float[] expected = prepared.embed(face);
        FaceBatcher batcher = prepared.batcher(MicroBatcher.Settings.DEFAULT);
        FaceBatcher closed = prepared.batcher();
        closed.close();
        List<CompletableFuture<float[]>> accepted = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            accepted.add(batcher.embed(face));
        }
        prepared.close();
        assertThat(accepted)
                .allSatisfy(embedding -> assertThat(embedding.getNow(null)).isEqualTo(expected));
        assertThatThrownBy(() -> batcher.embed(face)).isInstanceOf(RejectedExecutionException.class);
    }

    @Test
    void aThreadOfABatcherCannotCloseIt() throws Exception {
        FaceBatcher batcher = prepared.batcher();
        Thread here = Thread.currentThread();
        CompletableFuture<Void> action;
        do { // until the embedding is not done before the action is added, which is then run there
            action = batcher.embed(face).thenAccept(embedding -> {
                if (Thread.currentThread() != here) {
                    prepared.close();
                }
            });
        } while (action.handle((none, failure) -> failure == null).get(60, TimeUnit.SECONDS));
        CompletableFuture<Void> closing = action;
        assertThatThrownBy(() -> closing.get(60, TimeUnit.SECONDS))
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("this prepared recognizer must not be closed on the thread of its face batcher, such as in"
                        + " an action that depends on an embedding; close it on another");
        assertThat(prepared.embed(face)).hasSize(16);
        prepared.close();
    }
}
