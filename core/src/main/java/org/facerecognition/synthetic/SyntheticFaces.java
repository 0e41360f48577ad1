package org.facerecognition.synthetic;

import java.util.SplittableRandom;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.natives.NativeLibraries;

/**
 * Drawn faces: any number of made-up people, any number of images of each, out of a seed. For demonstrations and
 * tests that must run with nothing to download.
 *
 * <p><strong>These are drawings, not faces of anyone.</strong> They are made of polygons by a program, no photograph
 * went into them, and a resemblance to a person is chance. Results on them say nothing about real faces: neither how
 * accurate a model is on people, nor how fair.
 *
 * <p>What makes a face recognizable is kept apart from what gets in the way. The {@link SyntheticIdentity} is drawn
 * from (seed, identity): shape of the head, tone, eyes, brows, nose, mouth, hair, beard, marks, glasses. The {@link
 * SyntheticShot} is drawn from (seed, identity, index): pose, expression, light, background, clothes, blur, noise.
 * Equal numbers give an equal image, on any thread and in any order.
 *
 * @param seed of everything; another seed gives other people
 * @param sizePx width and height of the images, in [32, 512]
 */
public record SyntheticFaces(long seed, int sizePx) {
    private static final int MIN_SIZE_PX = 32;
    private static final int MAX_SIZE_PX = 512;

    /** Small images are drawn this large at least, then shrunk: lines thinner than a pixel would swell to one. */
    private static final int MIN_CANVAS_PX = 112;

    /** @throws IllegalArgumentException when {@code sizePx} is not in [32, 512] */
    public SyntheticFaces {
        if (sizePx < MIN_SIZE_PX || sizePx > MAX_SIZE_PX) {
            throw new IllegalArgumentException(
                    "sizePx must be in [" + MIN_SIZE_PX + ", " + MAX_SIZE_PX + "], but was " + sizePx);
        }
    }

    /**
     * Draws one image.
     *
     * @param identity who, from 0
     * @param index which image of that identity, from 0
     * @return RGB, CV_8UC3, {@code sizePx x sizePx}; the caller closes it
     * @throws IllegalArgumentException when a number is negative
     */
    public Mat image(int identity, int index) {
        SyntheticIdentity who = identity(identity);
        SyntheticShot shot = shot(identity, index);
        NativeLibraries.load(opencv_imgproc.class, "OpenCV");
        int supersampling = (MIN_CANVAS_PX + sizePx - 1) / sizePx;
        try (SyntheticCanvas canvas = new SyntheticCanvas(sizePx * supersampling, shot)) {
            new SyntheticDrawing(canvas, who, shot).draw();
            return canvas.photograph(sizePx);
        }
    }

    SyntheticIdentity identity(int identity) {
        return SyntheticIdentity.draw(stream(0, checked("identity", identity)));
    }

    SyntheticShot shot(int identity, int index) {
        return SyntheticShot.draw(stream(1 + (long) checked("identity", identity), checked("index", index)));
    }

    /** Independent streams for neighboring numbers: each step of the chain is a full mix of 64 bits. */
    private SplittableRandom stream(long group, long member) {
        long mixed = new SplittableRandom(seed).nextLong();
        mixed = new SplittableRandom(mixed ^ group).nextLong();
        return new SplittableRandom(mixed ^ member);
    }

    private static int checked(String what, int number) {
        if (number < 0) {
            throw new IllegalArgumentException(what + " must be at least 0, but was " + number);
        }
        return number;
    }
}
