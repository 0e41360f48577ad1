package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.ColorJitter;
import org.facerecognition.augment.Grayscale;
import org.facerecognition.augment.Transform;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;

/** Augments training images with transforms of the library and with one that you write. */
public final class Step2_Augment {
    private Step2_Augment() {}

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

    /** Argument: a folder for the results of all steps; {@code face-steps} by default. */
    public static void main(String[] args) throws IOException {
        Path folder = Files.createDirectories(Path.of(args.length > 0 ? args[0] : "face-steps"));
        int imageSizePx = 112;
        long seed = 0;
        var faces = new SyntheticFaces(seed, imageSizePx);
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, 4).images(0, 5), Split.TRAIN);
        int channels = 3;
        List<Transform> augmentations = List.of(
                ColorJitter.none().withBrightness(0.5).withHue(0.1), new Grayscale(channels), new RandomMirror());

        System.out.println("images: " + train.size());
        System.out.println("with one copy for each transform: "
                + train.withAugmentations(augmentations).size());
        System.out.println("with all transforms on each image: "
                + train.withAugmentations(augmentations, true).size());

        RandomGenerator random = new SplittableRandom(seed);
        try (Mat image = train.sample(0).image().read()) { // RGB
            for (Transform transform : augmentations) {
                try (Mat augmented = transform.apply(image, random);
                        Mat bgr = new Mat()) {
                    opencv_imgproc.cvtColor(augmented, bgr, opencv_imgproc.COLOR_RGB2BGR);
                    String name = transform.getClass().getSimpleName() + ".png";
                    opencv_imgcodecs.imwrite(folder.resolve(name).toString(), bgr);
                    System.out.println("wrote " + name);
                }
            }
        }
    }
}

/* Prints:
 * images: 20
 * with one copy for each transform: 80
 * with all transforms on each image: 20
 * wrote ColorJitter.png
 * wrote Grayscale.png
 * wrote RandomMirror.png
 */
