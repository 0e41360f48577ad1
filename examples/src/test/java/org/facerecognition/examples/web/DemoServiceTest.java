package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.facerecognition.Threshold;
import org.facerecognition.gallery.Gallery;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoServiceTest {
    @TempDir
    Path folder;

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
            DemoService service = new DemoService(server.recognizer, gallery, thumbnails, Threshold.of(0.5));
            long entry = service.enroll("Ann", image).entry();
            thumbnails.remove(entry); // as if a command had enrolled the image
            removes.set(true);

            assertThat(service.enroll("Ann", image).entry()).isEqualTo(entry);

            assertThat(gallery.size()).isZero();
            assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
        }
    }
}
