package org.facerecognition.synthetic;

import java.util.SplittableRandom;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.natives.NativeLibraries;

/**
 * A generator of synthetic faces: any number of fictitious people with any number of images each, from one seed. It
 * serves demonstrations and tests that must run without a download.
 *
 * <p><strong>The images are computer-generated paintings and show no real person.</strong> A program composes them of
 * polygons, no photographs were used, and any resemblance to a real person is coincidental. Results on them say nothing
 * about real faces: neither how accurate a model is on people nor how fair it is.
 *
 * <p>The features that make a face recognizable are separate from the conditions that make recognition hard. The {@link
 * SyntheticIdentity} depends on (seed, identity): the shape of the head, skin tone, eyes, eyebrows, nose, mouth, hair,
 * beard, marks and glasses. The {@link SyntheticShot} depends on (seed, identity, index): pose, expression, light,
 * background, clothes, blur and noise. Equal numbers give equal images, on any thread and in any order.
 *
 * @param seed determines all people and images; another seed gives other people
 * @param sizePx width and height of the images, in [32, 512]
 */
public record SyntheticFaces(long seed, int sizePx) {
    private static final int MIN_SIZE_PX = 32;
    private static final int MAX_SIZE_PX = 512;

    /**
     * Smaller images are painted at this size or above and then reduced, since lines cannot be thinner than a pixel.
     */
    private static final int MIN_CANVAS_PX = 112;

    /** @throws IllegalArgumentException when {@code sizePx} is not in [32, 512] */
    public SyntheticFaces {
        if (sizePx < MIN_SIZE_PX || sizePx > MAX_SIZE_PX) {
            throw new IllegalArgumentException(
                    "sizePx must be in [" + MIN_SIZE_PX + ", " + MAX_SIZE_PX + "], but was " + sizePx);
        }
    }

    /**
     * Selects people, with image 0 of each; for others see {@link Selection#images}.
     *
     * @param from number of the first person, at least 0
     * @param to number behind the last person
     * @throws IllegalArgumentException when {@code from} is negative or above {@code to}
     */
    public Selection identities(int from, int to) {
        return new Selection(this, from, to, 0, 1);
    }

    /**
     * Some images of some people: {@code faces.identities(0, 6).images(8, 10)} selects images 8 and 9 of the first six
     * people.
     *
     * @param faces the generator
     * @param fromIdentity number of the first person, at least 0
     * @param toIdentity number behind the last person
     * @param fromImage number of each person's first image, at least 0
     * @param toImage number behind each person's last image
     */
    public record Selection(SyntheticFaces faces, int fromIdentity, int toIdentity, int fromImage, int toImage) {
        /** @throws IllegalArgumentException when a range begins below 0 or ends before it begins */
        public Selection {
            requireRange("identities", fromIdentity, toIdentity);
            requireRange("images", fromImage, toImage);
        }

        /**
         * Selects other images of the same people.
         *
         * @param from number of each person's first image, at least 0
         * @param to number behind each person's last image
         * @throws IllegalArgumentException when {@code from} is negative or above {@code to}
         */
        public Selection images(int from, int to) {
            return new Selection(faces, fromIdentity, toIdentity, from, to);
        }

        private static void requireRange(String what, int from, int to) {
            if (from < 0 || to < from) {
                throw new IllegalArgumentException(
                        what + " must be a range [from, to) with 0 <= from <= to, but was [" + from + ", " + to + ")");
            }
        }
    }

    /**
     * Paints one image.
     *
     * @param identity number of the person, from 0
     * @param index number of the image of that person, from 0
     * @return RGB, CV_8UC3, {@code sizePx x sizePx}; owned
     * @throws IllegalArgumentException when a number is negative
     */
    public Mat image(int identity, int index) {
        SyntheticIdentity person = identity(identity);
        SyntheticShot shot = shot(identity, index);
        NativeLibraries.load(opencv_imgproc.class, "OpenCV");
        int supersampling = (MIN_CANVAS_PX + sizePx - 1) / sizePx;
        try (SyntheticCanvas canvas = new SyntheticCanvas(sizePx * supersampling, shot)) {
            new SyntheticPainter(canvas, person, shot).paint();
            return canvas.photograph(sizePx);
        }
    }

    SyntheticIdentity identity(int identity) {
        return SyntheticIdentity.sample(stream(0, requireNonNegative("identity", identity)));
    }

    SyntheticShot shot(int identity, int index) {
        long group = 1 + (long) requireNonNegative("identity", identity);
        return SyntheticShot.sample(stream(group, requireNonNegative("index", index)));
    }

    /** Returns independent streams even for neighboring numbers: each step of the chain mixes all 64 bits. */
    private SplittableRandom stream(long group, long member) {
        long mixed = new SplittableRandom(seed).nextLong();
        mixed = new SplittableRandom(mixed ^ group).nextLong();
        return new SplittableRandom(mixed ^ member);
    }

    private static int requireNonNegative(String what, int number) {
        if (number < 0) {
            throw new IllegalArgumentException(what + " must be at least 0, but was " + number);
        }
        return number;
    }
}
