package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.io.FileNames;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images of people whose entries have no content key, as those of large imports may have none. */
class EnrollmentPlanTest {
    private static final float[] FACE = {1, 0};

    @TempDir
    Path folder;

    private final Gallery gallery = Gallery.inMemory("model", FACE.length);
    private final List<String> calls = new ArrayList<>();
    private Path photo;

    @BeforeEach
    void takePhotograph() throws IOException {
        photo = Files.writeString(folder.resolve("photo.png"), "a photograph");
    }

    @AfterEach
    void close() {
        gallery.close();
    }

    /** Returns the gallery, and records the calls that read it. */
    private Gallery recorded() {
        return (Gallery) Proxy.newProxyInstance(
                Gallery.class.getClassLoader(), new Class<?>[] {Gallery.class}, (proxy, method, args) -> {
                    calls.add(method.getName() + (args == null ? "" : List.of(args)));
                    return method.invoke(gallery, args);
                });
    }

    private EnrollmentPlan plan(EnrollmentPlan.NamedImage... images) {
        EnrollmentPlan plan = new EnrollmentPlan(recorded());
        plan.add(List.of(images));
        return plan;
    }

    /** For one image, all of them used to be read and kept, of millions of entries too. */
    @Test
    void readsOnlyThoseOfItsFiles() {
        gallery.enroll("Ann", FACE, photo.toString());
        gallery.enroll("Bob", FACE, folder.resolve("another.png").toString());
        EnrollmentPlan plan = plan(new EnrollmentPlan.NamedImage("Ann", photo));
        assertThat(plan.alreadyThere()).containsExactly(photo.toString());
        assertThat(calls).hasSize(2).contains("withoutContentKey[[" + photo + "]]");
    }

    /** They were said to be of an earlier version, but today's imports and programs write them too. */
    @Test
    void anotherNameIsSaid() {
        gallery.enroll("Ann", FACE, photo.toString());
        EnrollmentPlan plan = plan(new EnrollmentPlan.NamedImage("Bob", photo));
        assertThat(plan.newImages()).hasSize(1);
        assertThat(plan.notes())
                .containsExactly(photo + " was enrolled as Ann (entry 1) without a record of the image's content; if it"
                        + " is the same image, remove that entry");
    }

    /** Entries have composed notes, and some file systems decompose names: the image was enrolled again. */
    @Test
    void namesOfFilesMayBeDecomposed() throws IOException {
        assumeTrue(FileNames.isUnicode(FileNames.charset()), "needs a locale whose file names are Unicode");
        Path decomposed = Files.copy(photo, folder.resolve("Zoe\u0308.png"));
        gallery.enroll("Zoe", FACE, decomposed.toString());
        assertThat(plan(new EnrollmentPlan.NamedImage("Zoe", decomposed)).alreadyThere())
                .containsExactly(decomposed.toString());
    }
}
