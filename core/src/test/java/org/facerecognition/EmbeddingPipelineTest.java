package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.EmbeddingPipeline;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.natives.Processors;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class EmbeddingPipelineTest {
    private static final int SIZE_PX = 32;
    private static final int COUNT = 90; // more than are read ahead
    private static Recognizer recognizer;
    private static final List<Mat> FACES = new ArrayList<>();

    @BeforeAll
    static void open() {
        recognizer = recognizer();
        for (int i = 0; i < COUNT; i++) {
            FACES.add(new SyntheticFaces(1, 48).image(i / 3, i % 3));
        }
    }

    private static Recognizer recognizer() {
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(SIZE_PX)
                .build());
    }

    @AfterAll
    static void close() {
        recognizer.close();
        FACES.forEach(Mat::close);
    }

    /** Every seventh image cannot be read. */
    private static List<ImageSource> images() {
        return IntStream.range(0, COUNT)
                .mapToObj(i ->
                        i % 7 == 3 ? ImageSource.of(new byte[] {1, 2, 3}, "broken-" + i) : ImageSource.of(FACES.get(i)))
                .toList();
    }

    @Test
    void everyImageHasItsResultInOrderAndABadOneDoesNotStopTheOthers() {
        List<ImageSource> images = images();
        List<EmbeddedImage> results;
        try (Stream<EmbeddedImage> stream = recognizer.embedEach(images.stream())) {
            results = stream.toList();
        }
        assertThat(results).extracting(EmbeddedImage::image).containsExactlyElementsOf(images);
        for (int i = 0; i < COUNT; i++) {
            if (i % 7 == 3) {
                assertThat(results.get(i).embedding()).isEmpty();
                assertThat(results.get(i).problem().orElseThrow()).hasMessageContaining("broken-" + i);
            } else {
                assertThat(results.get(i).problem()).isEmpty();
                assertThat(results.get(i).embedding().orElseThrow()).isEqualTo(recognizer.embed(images.get(i)));
            }
        }
    }

    @Test
    void embedAllFailsWithTheFirstProblemInOrder() {
        assertThatThrownBy(() -> recognizer.embedAll(images()))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("broken-3");
        assertThat(recognizer.embedAll(List.of())).isEmpty();
    }

    /** It was left out, so that later embeddings were those of other images. */
    @Test
    void anImageThatIsNullIsNotLeftOut() {
        List<ImageSource> images = new ArrayList<>(Collections.nCopies(20, ImageSource.of(FACES.get(0))));
        images.set(17, null);
        assertThatThrownBy(() -> recognizer.embedAll(images))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("images must not be null, but the one at index 17 was");
        AtomicInteger done = new AtomicInteger();
        assertThatThrownBy(() -> recognizer.embedEach(images.stream()).forEach(image -> done.incrementAndGet()))
                .isInstanceOf(NullPointerException.class);
        assertThat(done).hasValue(17);
    }

    /** It was seen only by those who had to wait for an image. */
    @Test
    void anInterruptedThreadEndsAtTheNextBatch() {
        List<ImageSource> images = Collections.nCopies(100, ImageSource.of(FACES.get(0)));
        FaceDataset faces = FaceDataset.synthetic(new SyntheticFaces(0, 48).identities(0, 40), Split.TEST);
        AtomicInteger done = new AtomicInteger();
        try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32))) {
            for (FaceEmbedder embedder : List.of(recognizer, prepared)) {
                assertInterrupted(() -> {
                    Thread.currentThread().interrupt();
                    embedder.embedAll(images);
                });
                done.set(0);
                assertInterrupted(() -> embedder.embedEach(images.stream()).forEach(image -> {
                    if (done.incrementAndGet() == 20) {
                        Thread.currentThread().interrupt();
                    }
                }));
                assertThat(done).hasValue(2 * EmbeddingPipeline.BATCH);
                done.set(0);
                assertInterrupted(() -> embedder.embed(faces, count -> {
                    done.set(count);
                    Thread.currentThread().interrupt();
                }));
                assertThat(done.get()).isLessThan(faces.size());
            }
        }
    }

    /** Expects that interrupted work ends, and that the thread stays interrupted. */
    private static void assertInterrupted(ThrowingCallable work) {
        assertThatThrownBy(work).isInstanceOf(IllegalStateException.class).hasMessageStartingWith("interrupted while ");
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void aBoundedNumberOfImagesIsReadAhead() {
        AtomicInteger taken = new AtomicInteger();
        Stream<ImageSource> endless = Stream.generate(() -> {
            taken.incrementAndGet();
            return ImageSource.of(FACES.get(0));
        });
        try (Stream<EmbeddedImage> stream = recognizer.embedEach(endless)) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 1; i <= 200; i++) {
                results.next();
                assertThat(taken.get()).isLessThanOrEqualTo(i + 5 * EmbeddingPipeline.BATCH + 1);
            }
        }
    }

    /** An error while the threads were made would have been said once, and hidden later. */
    @Test
    void aWrongNumberOfThreadsIsSaidEachTime() {
        List<ImageSource> images = List.of(ImageSource.of(FACES.get(0)), ImageSource.of(FACES.get(1)));
        String former = System.setProperty(Processors.PROPERTY, "many");
        try {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> recognizer.embedEach(images.stream()).toList())
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("facerecognition.threads must be a whole number of at least 1, but was many");
            }
        } finally {
            if (former == null) {
                System.clearProperty(Processors.PROPERTY);
            } else {
                System.setProperty(Processors.PROPERTY, former);
            }
        }
    }

    @Test
    void otherFailuresAreNotHidden() {
        ImageSource failing = ImageSource.of(new Mat());
        List<ImageSource> images = List.of(ImageSource.of(FACES.get(0)), failing, ImageSource.of(FACES.get(1)));
        assertThatThrownBy(() -> recognizer.embedAll(images)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Images that the program gives in a wrong form are problems of these images, as unreadable files are. */
    @Test
    void anImageOfAnotherTypeDoesNotStopTheOthers() {
        try (Mat gray = new Mat(SIZE_PX, SIZE_PX, CV_8UC1)) {
            List<ImageSource> images = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                images.add(ImageSource.of(i == 7 ? gray : FACES.get(i)));
            }
            try (Stream<EmbeddedImage> stream = recognizer.embedEach(images.stream())) {
                List<EmbeddedImage> results = stream.toList();
                assertThat(results).extracting(EmbeddedImage::image).containsExactlyElementsOf(images);
                assertThat(results.get(7).problem().orElseThrow())
                        .hasMessageContaining("must be RGB, CV_8UC3, but was CV_8UC1");
                assertThat(results.stream().filter(result -> result.embedding().isPresent()))
                        .hasSize(19);
            }
        }
    }

    private static ImageSource failing(RuntimeException failure) {
        return own(() -> {
            throw failure;
        });
    }

    private static ImageSource own(Supplier<Mat> reading) {
        return new ImageSource() {
            @Override
            public String name() {
                return "bucket/7.jpg";
            }

            @Override
            public Mat read() {
                return reading.get();
            }
        };
    }

    /** Ten images, of which the eighth cannot be read. */
    private static Stream<ImageSource> images(RuntimeException failure) {
        return IntStream.range(0, 10).mapToObj(i -> i == 7 ? failing(failure) : ImageSource.of(FACES.get(i)));
    }

    /** As images in an object store; the finished images of the same batch used to be lost. */
    @Test
    void anImageThatAProgramsOwnSourceCannotReadDoesNotStopTheOthers() {
        List<RuntimeException> failures = List.of(
                new UncheckedIOException(new IOException("connection reset")),
                new RuntimeException("connection reset"));
        for (RuntimeException failure : failures) {
            try (Stream<EmbeddedImage> stream = recognizer.embedEach(images(failure))) {
                List<EmbeddedImage> results = stream.toList();
                assertThat(results).hasSize(10);
                assertThat(results.get(7).problem().orElseThrow())
                        .hasMessageMatching("image bucket/7.jpg cannot be (read|used): connection reset")
                        .hasCause(failure);
                assertThat(results.stream().filter(result -> result.embedding().isPresent()))
                        .hasSize(9);
            }
        }
        assertThatThrownBy(() -> recognizer.embedAll(images(failures.get(0)).toList()))
                .isEqualTo(failures.get(0));
    }

    @Test
    void aFailureBeyondAnImageComesAfterTheImagesBefore() {
        IllegalStateException closed = new IllegalStateException("face detector is closed");
        try (Stream<EmbeddedImage> stream = recognizer.embedEach(images(closed))) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 0; i < 7; i++) {
                assertThat(results.next().embedding()).isPresent();
            }
            assertThatThrownBy(results::next).isEqualTo(closed);
            assertThat(results.next().embedding()).isPresent();
            assertThat(results.next().embedding()).isPresent();
            assertThat(results.hasNext()).isFalse();
        }
    }

    /** The images of the same batch used to be lost. */
    @Test
    void anErrorOfAnImageComesAfterTheImagesBefore() {
        Stream<ImageSource> images = IntStream.range(0, 6).mapToObj(i -> i == 4 ? new BottomlessImage() : face(i));
        try (Stream<EmbeddedImage> stream = recognizer.embedEach(images)) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 0; i < 4; i++) {
                assertThat(results.next().embedding()).isPresent();
            }
            assertThatThrownBy(results::next).isInstanceOf(StackOverflowError.class);
            assertThat(results.next().embedding()).isPresent();
            assertThat(results.hasNext()).isFalse();
        }
    }

    /** An error of the embedding lost the whole batch; a second failure took the place of the first. */
    @Test
    void eachOfTwoFailuresComesInItsPlace() {
        OutOfMemoryError noMemory = new OutOfMemoryError("native memory");
        Function<List<byte[]>, float[][]> network = crops -> {
            if (crops.stream().anyMatch(crop -> crop[0] == 2)) {
                throw noMemory;
            }
            return crops.stream().map(crop -> new float[] {crop[0]}).toArray(float[][]::new);
        };
        List<Mat> pixels = IntStream.range(0, 8)
                .mapToObj(i -> new Mat(1, 1, CV_8UC3, org.bytedeco.opencv.opencv_core.Scalar.all(i)))
                .toList();
        List<ImageSource> images =
                new ArrayList<>(pixels.stream().map(ImageSource::of).toList());
        images.set(5, new BottomlessImage());
        List<Object> seen = new ArrayList<>();
        try (Stream<EmbeddedImage> stream = EmbeddingPipeline.stream(
                images.stream(), image -> new FaceCropper.Located(image.read(), Optional.empty()), network)) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 0; i < 8; i++) {
                try {
                    seen.add(results.next().embedding().orElseThrow()[0]);
                } catch (OutOfMemoryError | StackOverflowError e) {
                    seen.add(e.getClass());
                }
            }
        } finally {
            pixels.forEach(Mat::close);
        }
        assertThat(seen).containsExactly(0f, 1f, OutOfMemoryError.class, 3f, 4f, StackOverflowError.class, 6f, 7f);
    }

    private static ImageSource face(int i) {
        return ImageSource.of(FACES.get(i));
    }

    private static final class BottomlessImage implements ImageSource {
        @Override
        public String name() {
            return "bottomless";
        }

        @Override
        public Mat read() {
            throw new StackOverflowError();
        }
    }

    /** An embedding that is not finite is of one image; the other fifteen of its batch used to be lost. */
    @Test
    void anImageThatCannotBeEmbeddedFailsAlone() {
        IllegalStateException notFinite = new IllegalStateException("embeddings are not finite");
        Function<List<byte[]>, float[][]> network = crops -> {
            if (crops.stream().anyMatch(crop -> crop[0] == 5)) {
                throw notFinite;
            }
            return crops.stream().map(crop -> new float[] {crop[0]}).toArray(float[][]::new);
        };
        List<Mat> pixels = IntStream.range(0, 12)
                .mapToObj(i -> new Mat(1, 1, CV_8UC3, org.bytedeco.opencv.opencv_core.Scalar.all(i)))
                .toList();
        List<ImageSource> images =
                new ArrayList<>(pixels.stream().map(ImageSource::of).toList());
        images.set(8, ImageSource.of(new byte[] {1, 2, 3}, "broken-8"));
        List<String> seen = new ArrayList<>();
        try (Stream<EmbeddedImage> stream = EmbeddingPipeline.stream(
                images.stream(), image -> new FaceCropper.Located(image.read(), Optional.empty()), network)) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 0; i < 12; i++) {
                try {
                    EmbeddedImage next = results.next();
                    seen.add(next.embedding().map(Arrays::toString).orElse("problem"));
                } catch (IllegalStateException e) {
                    seen.add(e.getMessage());
                }
            }
            assertThat(results.hasNext()).isFalse();
        } finally {
            pixels.forEach(Mat::close);
        }
        List<String> expected = new ArrayList<>(
                IntStream.range(0, 12).mapToObj(i -> "[" + i + ".0]").toList());
        expected.set(5, notFinite.getMessage());
        expected.set(8, "problem");
        assertThat(seen).isEqualTo(expected);
    }

    /** What was read before a folder turns out to be unreadable is not lost. */
    @Test
    void aFailureToTakeTheNextImageComesAfterTheOthers() {
        Stream<ImageSource> failing = IntStream.range(0, COUNT).mapToObj(i -> {
            if (i == 25) {
                throw new UncheckedIOException(new IOException("folder people cannot be listed"));
            }
            return ImageSource.of(FACES.get(i));
        });
        try (Stream<EmbeddedImage> stream = recognizer.embedEach(failing)) {
            Iterator<EmbeddedImage> results = stream.iterator();
            for (int i = 0; i < 25; i++) {
                assertThat(results.next().embedding()).isPresent();
            }
            assertThatThrownBy(results::next).hasMessageContaining("folder people cannot be listed");
            assertThat(results.hasNext()).as("something after the failure").isFalse();
        }
    }

    /** The caller may free its images as soon as the call has ended, however it ended. */
    @Test
    void noImageIsReadAfterTheCallHasFailed() {
        AtomicInteger reading = new AtomicInteger();
        List<ImageSource> images = new ArrayList<>(List.of(ImageSource.of(new byte[] {1}, "broken")));
        for (int i = 0; i < 60; i++) {
            ImageSource face = ImageSource.of(FACES.get(i));
            images.add(new SlowImage(face, reading, 30));
        }
        assertThatThrownBy(() -> recognizer.embedAll(images)).hasMessageContaining("broken");
        assertThat(reading.get()).isZero();
    }

    /** Also if the caller is interrupted, and also the image that it waits for. */
    @Test
    void noImageIsReadAfterTheCallWasInterrupted() {
        AtomicInteger reading = new AtomicInteger();
        List<ImageSource> images =
                List.of(new SlowImage(ImageSource.of(FACES.get(0)), reading, 500), ImageSource.of(FACES.get(1)));
        Thread.currentThread().interrupt(); // seen at the first wait
        try {
            assertThatThrownBy(() -> recognizer.embedAll(images)).hasMessageContaining("interrupted");
            assertThat(reading.get()).isZero();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    private record SlowImage(ImageSource face, AtomicInteger reading, int milliseconds) implements ImageSource {
        @Override
        public String name() {
            return "slow";
        }

        @Override
        public Mat read() {
            reading.incrementAndGet();
            try {
                Thread.sleep(milliseconds);
                return face.read();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            } finally {
                reading.decrementAndGet();
            }
        }

        @Override
        public long contentBytes() {
            return face.contentBytes();
        }

        @Override
        public long contentChecksum() {
            return face.contentChecksum();
        }
    }

    /** Verification waited for all images of other callers; here for ever. */
    @Test
    void verificationDoesNotWaitForImagesOfOtherCallers() throws Exception {
        CountDownLatch reading = new CountDownLatch(Processors.count());
        CountDownLatch mounted = new CountDownLatch(1);
        ImageSource hanging = own(() -> {
            reading.countDown();
            try {
                mounted.await();
                return FACES.get(0).clone();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        ExecutorService callers = Executors.newFixedThreadPool(2);
        try {
            Future<Long> other = callers.submit(() -> {
                try (Stream<EmbeddedImage> results =
                        recognizer.embedEach(Collections.nCopies(2 * Processors.count(), hanging).stream())) {
                    return results.filter(result -> result.embedding().isPresent())
                            .count();
                }
            });
            reading.await();
            Future<VerificationResult> result = callers.submit(() ->
                    recognizer.verify(ImageSource.of(FACES.get(0)), ImageSource.of(FACES.get(0)), Threshold.of(0)));
            assertThat(result.get(60, TimeUnit.SECONDS).same()).isTrue();
            mounted.countDown();
            assertThat(other.get()).isEqualTo(2L * Processors.count());
        } finally {
            mounted.countDown();
            callers.shutdown();
        }
    }

    /** As one that compares two photographs before it decides for one; all threads waited for one another. */
    @Test
    void anImageMayBeReadByEmbeddingOthers() throws Exception {
        List<ImageSource> two = List.of(ImageSource.of(FACES.get(0)), ImageSource.of(FACES.get(1)));
        ImageSource chosen =
                own(() -> FACES.get(recognizer.embedAll(two).size() - 1).clone());
        List<ImageSource> images = Collections.nCopies(2 * Processors.count(), chosen);
        FutureTask<List<float[]>> embeddings = new FutureTask<>(() -> recognizer.embedAll(images));
        Thread caller = new Thread(embeddings);
        caller.setDaemon(true); // it cannot be interrupted while others read its images
        caller.start();
        assertThat(embeddings.get(60, TimeUnit.SECONDS))
                .hasSize(images.size())
                .allMatch(embedding -> Arrays.equals(embedding, recognizer.embed(FACES.get(1))));
    }

    /** Readers of image formats that are found by it were missing for two images or more. */
    @Test
    void ownSourcesSeeTheContextClassLoaderOfTheCaller() throws IOException {
        List<@Nullable ClassLoader> seen = Collections.synchronizedList(new ArrayList<>());
        ImageSource own = own(() -> {
            seen.add(Thread.currentThread().getContextClassLoader());
            return FACES.get(0).clone();
        });
        ClassLoader former = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader callers = new URLClassLoader(new URL[0], former)) {
            Thread.currentThread().setContextClassLoader(callers);
            recognizer.embedAll(Collections.nCopies(20, own));
            assertThat(seen).hasSize(20).containsOnly(callers);
        } finally {
            Thread.currentThread().setContextClassLoader(former);
        }
    }

    /** A model that is not being trained embeds through its prepared form without being asked. */
    @Test
    void theRecognizerAndItsPreparedFormGiveTheSameBits() {
        List<ImageSource> faces = FACES.stream().map(ImageSource::of).toList();
        try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32))) {
            List<float[]> expected = prepared.embedAll(faces);
            List<float[]> actual = recognizer.embedAll(faces);
            for (int i = 0; i < faces.size(); i++) {
                assertThat(actual.get(i)).isEqualTo(expected.get(i));
            }
        }
    }

    @Test
    void changedWeightsChangeTheEmbeddings() {
        try (Recognizer changing = recognizer()) {
            float[] before = changing.embed(FACES.get(0));
            assertThat(changing.embed(FACES.get(0))).isEqualTo(before);
            try (PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                NamedTensors.parameters(changing.encoder()).values().stream()
                        .filter(tensor -> tensor.dim() == 4)
                        .forEach(tensor -> tensor.mul_(new Scalar(-3.0)));
            }
            float[] after = changing.embed(FACES.get(0));
            assertThat(after).isNotEqualTo(before);
            try (PreparedRecognizer prepared =
                    changing.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32))) {
                assertThat(prepared.embed(FACES.get(0))).isEqualTo(after);
            }
        }
    }
}
