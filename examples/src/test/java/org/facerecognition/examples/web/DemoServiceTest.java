package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.gallery.UnreachableGallery;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoServiceTest {
    @TempDir
    Path folder;

    /** Returns the service of a recognizer that cannot embed all faces of an image. */
    private static DemoService service(TestServer server) throws IOException {
        FaceEmbedder embedder = (FaceEmbedder) Proxy.newProxyInstance(
                DemoServiceTest.class.getClassLoader(),
                new Class<?>[] {FaceEmbedder.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("faces")) {
                        String image = ((ImageSource) arguments[0]).name();
                        throw new DataException("image " + image + " cannot be searched for faces");
                    }
                    return method.invoke(server.recognizer, arguments);
                });
        return new DemoService(embedder, server.detector, server.gallery, FaceThumbnails.inMemory(), Threshold.of(0.5));
    }

    /** Earlier, every face was embedded once more for its number. */
    @Test
    void countsFacesWithoutEmbeddingThem() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN, Photos.BOB);
        try (TestServer server = new TestServer(1)) {
            DemoService service = service(server);
            assertThat(service.enroll("Ann", image).get().facesInPicture()).isEqualTo(2);
            assertThat(service.compare(Photos.of(1, Photos.ANN), image).facesInPictures())
                    .containsExactly(1, 2);
        }
    }

    /** Earlier, it was an internal error. */
    @Test
    void anImageThatCannotBeSearchedIsRejected() throws IOException {
        try (TestServer server = new TestServer(1)) {
            DemoService service = service(server);
            assertThatThrownBy(() -> service.identify(Photos.of(1, Photos.ANN)))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.status()).isEqualTo(422))
                    .hasMessage("the image sent cannot be searched for faces");
        }
    }

    /** Earlier, it was said that none was found, although enrolling said that it is upside down. */
    @Test
    void identifyingSaysThatAFaceCannotBeUsed() throws IOException {
        StubDetector detector =
                new StubDetector(FaceDetector.Settings.DEFAULT, () -> List.of(StubDetector.face(100, 100)), true);
        try (TestServer server = new TestServer(1)) {
            server.recognizer.useDetector(detector);
            DemoService service = new DemoService(
                    server.recognizer, detector, server.gallery, FaceThumbnails.inMemory(), Threshold.of(0.5));
            assertThatThrownBy(() -> service.enroll("Ann", Photos.of(1, Photos.ANN)))
                    .hasMessageContaining("upside down");
            assertThatThrownBy(() -> service.identify(Photos.of(1, Photos.ANN)))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.status()).isEqualTo(422))
                    .hasMessage("no usable face was found in the image sent: it is upside down, or its five landmarks"
                            + " cannot be a face's; take one where the face is upright, larger or clearer");
        }
    }

    /** Earlier, two servers that share a gallery enrolled one image under two names. */
    @Test
    void rejectsAnImageThatAnotherServerEnrollsAtTheSameTime() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        AtomicBoolean enrolled = new AtomicBoolean();
        try (TestServer server = new TestServer(1);
                Gallery gallery = Gallery.inMemory("pixels", server.recognizer.embeddingSize())) {
            float[] embedding = new float[server.recognizer.embeddingSize()];
            embedding[0] = 1;
            Gallery shared = (Gallery) Proxy.newProxyInstance(
                    DemoServiceTest.class.getClassLoader(),
                    new Class<?>[] {Gallery.class},
                    (proxy, method, arguments) -> {
                        if (method.getName().startsWith("enroll") && !enrolled.getAndSet(true)) {
                            gallery.enroll(List.of(new Enrollment("Bob", embedding, null, ContentKey.of(image))));
                        }
                        return method.invoke(gallery, arguments);
                    });
            DemoService service = new DemoService(
                    server.recognizer, server.detector, shared, FaceThumbnails.inMemory(), Threshold.of(0.5));
            assertThatThrownBy(() -> service.enroll("Ann", image).get())
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.status()).isEqualTo(409))
                    .hasMessage(
                            "this image is already enrolled as Bob; if that name is wrong, remove that entry first");
            assertThat(gallery.size()).isEqualTo(1);
        }
    }

    /** Earlier, the thumbnail of a removed person remained on the disk until the gallery was opened again. */
    @Test
    void keepsNoThumbnailOfAnEntryThatIsRemovedWhileItIsRestored() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        AtomicBoolean removes = new AtomicBoolean();
        try (TestServer server = new TestServer(1);
                Gallery gallery = Gallery.inMemory("pixels", server.recognizer.embeddingSize())) {
            FaceThumbnails thumbnails = FaceThumbnails.beside(folder.resolve("people.gallery"), entry -> {
                var embedding = gallery.embedding(entry);
                if (removes.get()) { // another request, before the thumbnail is written
                    gallery.remove(entry);
                }
                return embedding;
            });
            DemoService service =
                    new DemoService(server.recognizer, server.detector, gallery, thumbnails, Threshold.of(0.5));
            long entry = service.enroll("Ann", image).get().entry();
            thumbnails.remove(entry); // as if a command had enrolled the image
            removes.set(true);

            assertThat(service.enroll("Ann", image).get().entry()).isEqualTo(entry);

            assertThat(gallery.size()).isZero();
            assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
        }
    }

    /** Earlier, the entry of a request that failed remained, and nothing said so. */
    @Test
    void removesAnEntryWhoseThumbnailCannotBeStored() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        AtomicBoolean removable = new AtomicBoolean();
        try (TestServer server = new TestServer(1);
                Gallery people = Gallery.inMemory("pixels", server.recognizer.embeddingSize())) {
            Gallery gallery = (Gallery) Proxy.newProxyInstance(
                    DemoServiceTest.class.getClassLoader(),
                    new Class<?>[] {Gallery.class},
                    (proxy, method, arguments) -> {
                        if (method.getName().equals("remove") && !removable.get()) {
                            throw new IllegalStateException("the disk is full");
                        }
                        return method.invoke(people, arguments);
                    });
            FaceThumbnails thumbnails = FaceThumbnails.beside(folder.resolve("people.gallery"), entry -> {
                throw UnreachableGallery.exception();
            });
            DemoService service =
                    new DemoService(server.recognizer, server.detector, gallery, thumbnails, Threshold.of(0.5));

            assertThatThrownBy(() -> service.enroll("Ann", image).get())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("cannot store the thumbnail of entry 1 (")
                    .hasMessageContaining("and the entry could not be removed, so that it may remain in the gallery (")
                    .hasMessageContaining("the disk is full")
                    .hasCauseInstanceOf(GalleryException.class)
                    .satisfies(
                            e -> assertThat(e.getSuppressed()).singleElement().isInstanceOf(RuntimeException.class));
            assertThat(people.size()).isEqualTo(1);
            people.remove("Ann");

            removable.set(true);
            assertThatThrownBy(() -> service.enroll("Ann", image).get())
                    .isInstanceOfSatisfying(
                            GalleryException.class,
                            e -> assertThat(e.isUnreachable()).isTrue());
            assertThat(people.size()).isZero();
        }
    }

    /** Earlier, a server that shares a database kept the face of a person whom another one had removed. */
    @Test
    void forgetsTheFacesOfPeopleWhomAnotherServerRemoves() throws IOException {
        try (TestServer server = new TestServer(1);
                Gallery shared = Gallery.inMemory("pixels", server.recognizer.embeddingSize())) {
            FaceThumbnails thumbnails = FaceThumbnails.inMemory();
            DemoService service =
                    new DemoService(server.recognizer, server.detector, shared, thumbnails, Threshold.of(0.5));
            DemoService other = new DemoService(
                    server.recognizer, server.detector, shared, FaceThumbnails.inMemory(), Threshold.of(0.5));
            long ann = service.enroll("Ann", Photos.of(1, Photos.ANN)).get().entry();
            long bob = service.enroll("Bob", Photos.of(2, Photos.BOB)).get().entry();

            assertThat(other.remove(ann).total()).isEqualTo(1);
            assertThat(service.list().total()).isEqualTo(1);

            assertThat(thumbnails.get(ann)).isEmpty();
            assertThat(thumbnails.get(bob)).isPresent();
        }
    }
}
