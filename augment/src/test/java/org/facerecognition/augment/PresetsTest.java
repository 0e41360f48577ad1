package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;

class PresetsTest {
    @Test
    void adaFaceHasTheSettingsOfTheAuthorsCode() {
        assertThat(Presets.adaFace())
                .map(Object::toString)
                .containsExactly(
                        "RandomApply([RandomCropOnBlack(scale=(0.2, 1.0), ratio=(0.75, 1.3333333333333333))], p=0.2)",
                        "RandomApply([LowResolution(scale=(0.2, 1.0))], p=0.2)",
                        "RandomApply([ColorJitter(brightness=0.5, contrast=0.5, saturation=0.5)], p=0.2)",
                        "RandomHorizontalFlip(p=0.5)");
    }

    /** An earlier version enlarged the crop, which moved the eyes and the mouth away from their aligned positions. */
    @Test
    void adaFaceKeepsAnAlignedFaceInPlace() {
        byte[] dots = new byte[3 * 112 * 112];
        for (int x : new int[] {38, 73}) { // the template's eyes
            for (int channel = 0; channel < 3; channel++) {
                dots[3 * (51 * 112 + x) + channel] = (byte) 200;
            }
        }
        Transform crop = Presets.adaFace().get(0);
        SplittableRandom random = new SplittableRandom(6);
        int cropped = 0;
        int draws = 1000;
        try (Mat image = Images.ofBytes(dots, 112, 112)) {
            for (int i = 0; i < draws; i++) {
                try (Mat result = crop.apply(image, random)) {
                    byte[] out = Images.toBytes(result);
                    int moved = 0;
                    int hidden = 0;
                    for (int at = 0; at < out.length; at++) {
                        moved += out[at] != 0 && out[at] != dots[at] ? 1 : 0;
                        hidden += out[at] != dots[at] ? 1 : 0;
                    }
                    assertThat(moved).isZero();
                    cropped += hidden > 0 ? 1 : 0;
                }
            }
        }
        assertThat(cropped / (double) draws).as("sometimes hides an eye").isBetween(0.02, 0.2);
    }
}
