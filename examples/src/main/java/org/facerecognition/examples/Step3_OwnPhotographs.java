package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.ColorJitter;
import org.facerecognition.augment.GaussianBlur;
import org.facerecognition.augment.Transform;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;

/** Reads your own images, one folder per person, with augmentations from the library and one of your own. */
public final class Step3_OwnPhotographs {
    private Step3_OwnPhotographs() {}

    /** Turns left to right, every other time. */
    record MirrorSometimes() implements Transform {
        @Override
        public Mat apply(Mat image, RandomGenerator random) {
            boolean mirror = random.nextBoolean(); // draw first, then touch pixels
            Mat result = new Mat();
            if (mirror) {
                opencv_core.flip(image, result, 1);
            } else {
                image.copyTo(result);
            }
            return result;
        }
    }

    /** Argument: a folder with a folder of images for each person. */
    public static void main(String[] args) {
        List<Transform> augmentations = List.of(
                ColorJitter.none().withBrightness(0.3), new GaussianBlur(5, 5, 0.1, 2.0), new MirrorSometimes());
        FaceDataset train = FaceDataset.folders(Path.of(args[0]), Split.TRAIN);

        System.out.println(train.withAugmentations(augmentations)); // one copy of each image for each augmentation
        System.out.println(train.withAugmentations(augmentations, true)); // all of them on each image
        System.out.println(FaceDataset.folders(Path.of(args[0]), Split.VAL)); // as it is
    }
}
