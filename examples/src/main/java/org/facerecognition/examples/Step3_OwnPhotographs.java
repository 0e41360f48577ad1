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

/** Reads your own images, one folder per person, with augmentations of the library and one that you write. */
public final class Step3_OwnPhotographs {
    private Step3_OwnPhotographs() {}

    /** Mirrors an image with a probability of 0.5. */
    record RandomMirror() implements Transform {
        @Override
        public Mat apply(Mat image, RandomGenerator random) {
            boolean mirror = random.nextBoolean(); // first the random numbers, then the pixels
            Mat result = new Mat();
            if (mirror) {
                opencv_core.flip(image, result, 1);
            } else {
                image.copyTo(result);
            }
            return result;
        }
    }

    /** Prints the data sets. Argument: a folder with one folder of images per person. */
    public static void main(String[] args) {
        List<Transform> augmentations =
                List.of(ColorJitter.none().withBrightness(0.3), new GaussianBlur(5, 5, 0.1, 2.0), new RandomMirror());
        FaceDataset train = FaceDataset.folders(Path.of(args[0]), Split.TRAIN);

        System.out.println(train.withAugmentations(augmentations)); // one copy of each image per augmentation
        System.out.println(train.withAugmentations(augmentations, true)); // all augmentations on each image
        System.out.println(FaceDataset.folders(Path.of(args[0]), Split.VAL)); // without augmentations
    }
}
