package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;

/** Tests lists of images without an object for each. */
class FileImageListTest {
    private static final Path ROOT = Path.of("photos");

    @Test
    void keepsEveryPathAndLabel() {
        List<LabeledImage> expected = new ArrayList<>();
        List<String> odd = List.of(
                "",
                "a/1.jpg",
                "\u00fc/\u00ff.png",
                "\u5c71\u7530/1.jpg",
                "e\u0301/2.jpg",
                "\ud83d\ude00/3.jpg",
                "\ud83d/4.jpg",
                "\u0000/5.jpg",
                "\u0100");
        for (int i = 0; i < 3_000; i++) { // fills pages, and begins another
            String path = i % 100 < odd.size() ? odd.get(i % 100) : "person-" + i / 7 + "/" + i + ".jpg";
            expected.add(new LabeledImage(new FileImage(ROOT, path), i % 13));
        }
        FileImageList list = new FileImageList(ROOT);
        expected.forEach(image -> list.add(image.image(), image.label()));
        assertThat(list.images()).isInstanceOf(ImageList.class).isEqualTo(expected);
        assertThat(new FileImageList(ROOT).images()).isEmpty();
    }

    @Test
    void listsWholePages() {
        FileImageList list = new FileImageList(ROOT);
        for (int i = 0; i < 2_048; i++) {
            list.add(i + ".jpg", i);
        }
        List<LabeledImage> images = list.images();
        assertThat(images).hasSize(2_048);
        assertThat(images.get(2_047)).isEqualTo(new LabeledImage(new FileImage(ROOT, "2047.jpg"), 2_047));
    }

    @Test
    void syntheticFacesAreListedPersonByPerson() {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 40).identities(5, 8).images(2, 6), Split.TRAIN);
        assertThat(faces.images()).isInstanceOf(ImageList.class);
        assertThat(faces.images().stream().map(image -> image.image().name() + " " + image.label()))
                .containsExactly(
                        "synthetic-5/2 0",
                        "synthetic-5/3 0",
                        "synthetic-5/4 0",
                        "synthetic-5/5 0",
                        "synthetic-6/2 1",
                        "synthetic-6/3 1",
                        "synthetic-6/4 1",
                        "synthetic-6/5 1",
                        "synthetic-7/2 2",
                        "synthetic-7/3 2",
                        "synthetic-7/4 2",
                        "synthetic-7/5 2");
        assertThat(faces.identities()).containsExactly("synthetic-5", "synthetic-6", "synthetic-7");
        assertThatThrownBy(() -> FaceDataset.synthetic(
                        new SyntheticFaces(0, 40).identities(0, 1 << 20).images(0, 1 << 20), Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("synthetic faces must be at most 2147483647 images");
    }
}
