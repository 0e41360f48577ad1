package org.facerecognition.inference;

import java.util.List;

/** The images of one call to a network. Several threads read different images at the same time. */
interface InputImages {
    /** Returns the number of images. */
    int count();

    /** Returns the side S of the images in pixels. */
    int sizePx();

    /** Returns the number of values of an image, 3 * S * S. */
    default int length() {
        return 3 * sizePx() * sizePx();
    }

    /**
     * Reads one image.
     *
     * @param index from 0
     * @param values receives [3, S, S], normalized as the network expects
     */
    void read(int index, float[] values);

    /**
     * Images as decoders return them, normalized by a table: every pixel value has one result.
     *
     * @param pixels [S, S, 3] of each image, RGB
     * @param table the normalized value of each pixel value, [3, 256]
     * @param withMirrored whether all images follow once more, turned from left to right
     */
    record Pixels(List<byte[]> pixels, float[][] table, int sizePx, boolean withMirrored) implements InputImages {
        @Override
        public int count() {
            return (withMirrored ? 2 : 1) * pixels.size();
        }

        @Override
        public void read(int index, float[] values) {
            boolean mirrored = index >= pixels.size();
            byte[] image = pixels.get(index % pixels.size());
            int area = sizePx * sizePx;
            int step = mirrored ? -3 : 3;
            for (int y = 0; y < sizePx; y++) {
                int from = 3 * (y * sizePx + (mirrored ? sizePx - 1 : 0));
                int to = y * sizePx;
                for (int x = 0; x < sizePx; x++) {
                    values[to] = table[0][image[from] & 0xff];
                    values[to + area] = table[1][image[from + 1] & 0xff];
                    values[to + 2 * area] = table[2][image[from + 2] & 0xff];
                    from += step;
                    to++;
                }
            }
        }
    }

    /**
     * The images of several calls, one after another.
     *
     * @param calls all with images of the same size; there is at least one
     */
    record Joined(List<InputImages> calls) implements InputImages {
        @Override
        public int count() {
            return calls.stream().mapToInt(InputImages::count).sum();
        }

        @Override
        public int sizePx() {
            return calls.get(0).sizePx();
        }

        @Override
        public void read(int index, float[] values) {
            int from = 0;
            for (InputImages call : calls) {
                if (index < from + call.count()) {
                    call.read(index - from, values);
                    return;
                }
                from += call.count();
            }
            throw new IndexOutOfBoundsException("index must be less than " + from + ", but was " + index);
        }
    }
}
