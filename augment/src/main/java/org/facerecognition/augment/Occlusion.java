package org.facerecognition.augment;

import java.util.Locale;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Covers a part of an aligned face with a dull color, so that recognition learns not to depend on that part alone.
 *
 * @param cover the part that is covered
 */
public record Occlusion(Cover cover) implements Transform {

    /** The part of the face that is covered, as fractions of a face aligned to the 112x112 template. */
    public enum Cover {
        /** Nose, mouth and chin. */
        MASK,
        /** A band over the eyes. */
        GLASSES,
        /** A block at a random position, with sides of a sixth to a third of the image. */
        BLOCK,
        /** One of the three, chosen uniformly. */
        ANY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Creates an occlusion by one of the three, chosen uniformly. */
    public Occlusion() {
        this(Cover.ANY);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        Cover chosen = cover == Cover.ANY ? Cover.values()[random.nextInt(Cover.ANY.ordinal())] : cover;
        int width = image.cols();
        int height = image.rows();
        RandomErasing.Box box = switch (chosen) {
            case MASK -> box(width, height, 0.1, new Range(0.58, 0.68).draw(random), 0.9, 1);
            case GLASSES -> {
                double half = new Range(0.05, 0.1).draw(random);
                yield box(width, height, 0.12, 0.46 - half, 0.88, 0.46 + half); // the template's eyes are at 0.46
            }
            default -> {
                double w = new Range(1 / 6.0, 1 / 3.0).draw(random);
                double h = new Range(1 / 6.0, 1 / 3.0).draw(random);
                double x = (1 - w) * random.nextDouble();
                double y = (1 - h) * random.nextDouble();
                yield box(width, height, x, y, x + w, y + h);
            }
        };
        int level = random.nextInt(200); // black to light gray, slightly tinted
        return RandomErasing.erase(
                image, box, level + random.nextInt(56), level + random.nextInt(56), level + random.nextInt(56));
    }

    private static RandomErasing.Box box(int width, int height, double x0, double y0, double x1, double y1) {
        int left = (int) Math.rint(x0 * width);
        int top = (int) Math.rint(y0 * height);
        return new RandomErasing.Box(left, top, (int) Math.rint(x1 * width) - left, (int) Math.rint(y1 * height) - top);
    }

    @Override
    public String toString() {
        return "Occlusion(cover=" + cover + ")";
    }
}
