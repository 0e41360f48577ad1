package org.facerecognition.vision;

import java.nio.FloatBuffer;

/**
 * The outputs of a detector that looks at an image on several grids: heads such as scores and boxes, each with some
 * numbers for every place of every grid.
 */
final class Heads {
    static final int[] STRIDES = {8, 16, 32};

    /** The side of the coarsest grid's places: images are extended to a multiple of it. */
    static final int GRID_PX = 32;

    /** The numbers of one head on one grid. */
    record Head(FloatBuffer values, int offset, int placeStride, int numberStride) {
        /**
         * @param place its number, row by row
         * @param number of the place, from 0
         */
        float at(int place, int number) {
            return values.get(offset + place * placeStride + number * numberStride);
        }
    }

    private final Head[][] heads; // by head and grid
    private final int widthPx;
    private final int heightPx;

    private Heads(Head[][] heads, int widthPx, int heightPx) {
        this.heads = heads;
        this.widthPx = widthPx;
        this.heightPx = heightPx;
    }

    /*
     * A DetectionEngine needs some time and memory for each size of images, so that there are few: those of photographs
     * in the usual formats that are reduced to 640 pixels, and others near them. All are multiples of GRID_PX.
     */
    private static final int[] CANVAS_PX = {128, 192, 256, 320, 384, 480, 640};

    private static final int LARGER_CANVAS_PX = 160; // multiples of it

    /** Returns the side to which a {@link DetectionEngine} extends a side of an image. */
    static int canvas(int side) {
        for (int canvas : CANVAS_PX) {
            if (canvas >= side) {
                return canvas;
            }
        }
        return (side + LARGER_CANVAS_PX - 1) / LARGER_CANVAS_PX * LARGER_CANVAS_PX;
    }

    /** Returns a side, extended to a multiple of {@link #GRID_PX}. */
    static int padded(int side) {
        return (side + GRID_PX - 1) / GRID_PX * GRID_PX;
    }

    /**
     * Returns the outputs of a {@link DetectionEngine}, which come by head and then by grid.
     *
     * @param lengths of the outputs; empty if they are not known
     * @param numbers of a place, by head
     */
    static Heads ofMaps(float[] values, int[] lengths, int widthPx, int heightPx, int... numbers) {
        FloatBuffer buffer = FloatBuffer.wrap(values);
        Heads heads = new Heads(new Head[numbers.length][STRIDES.length], widthPx, heightPx);
        int offset = 0;
        for (int head = 0; head < numbers.length; head++) {
            for (int grid = 0; grid < STRIDES.length; grid++) {
                int places = heads.places(grid);
                int length = numbers[head] * places;
                int output = head * STRIDES.length + grid;
                if (lengths.length > output && lengths[output] != length) { // in another order, for example
                    throw new DetectorException("the network's output " + (output + 1) + " must have " + length
                            + " numbers, but has " + lengths[output]);
                }
                heads.heads[head][grid] = new Head(buffer, offset, 1, places);
                offset += length;
            }
        }
        if (offset != values.length) {
            throw new DetectorException(
                    "the network's outputs must have " + offset + " numbers, but have " + values.length);
        }
        return heads;
    }

    /**
     * Returns outputs in which the numbers of a place lie together.
     *
     * @param outputs by head and grid
     * @param numbers of a place, by head
     */
    static Heads ofRows(FloatBuffer[][] outputs, int widthPx, int heightPx, int... numbers) {
        Heads heads = new Heads(new Head[numbers.length][STRIDES.length], widthPx, heightPx);
        for (int head = 0; head < numbers.length; head++) {
            for (int grid = 0; grid < STRIDES.length; grid++) {
                heads.heads[head][grid] = new Head(outputs[head][grid], 0, numbers[head], 1);
            }
        }
        return heads;
    }

    Head head(int head, int grid) {
        return heads[head][grid];
    }

    int columns(int grid) {
        return widthPx / STRIDES[grid];
    }

    int places(int grid) {
        return columns(grid) * (heightPx / STRIDES[grid]);
    }
}
