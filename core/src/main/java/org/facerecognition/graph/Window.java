package org.facerecognition.graph;

/**
 * How a window moves over an image: that of a convolution or a pooling. Y is the vertical direction, X the horizontal
 * one.
 *
 * @param strideY steps between windows, at least 1
 * @param dilationY distance of neighboring values of a window, at least 1
 * @param top rows of padding above the image, at least 0
 */
public record Window(int strideY, int strideX, int dilationY, int dilationX, int top, int left, int bottom, int right) {
    private static final int MAX = 1 << 20;

    /** @throws IllegalArgumentException if a number is out of its range */
    public Window {
        for (int number : new int[] {strideY, strideX, dilationY, dilationX}) {
            requireIn(1, number);
        }
        for (int number : new int[] {top, left, bottom, right}) {
            requireIn(0, number);
        }
    }

    private static void requireIn(int min, int number) {
        if (number < min || number > MAX) {
            throw new IllegalArgumentException("strides, dilations and paddings of a window must be from " + min
                    + " to " + MAX + ", but one was " + number);
        }
    }

    /** Returns a window without dilation, with the same stride and the same padding in both directions. */
    public static Window of(int stride, int padding) {
        return new Window(stride, stride, 1, 1, padding, padding, padding, padding);
    }

    /** Returns whether {@link #of} can express this window. */
    public boolean isUniform() {
        return equals(of(strideY, top));
    }

    /** Returns whether each side has as much padding as the opposite one. */
    public boolean isSymmetric() {
        return top == bottom && left == right;
    }

    /** Returns this window without padding. */
    public Window withoutPadding() {
        return new Window(strideY, strideX, dilationY, dilationX, 0, 0, 0, 0);
    }

    /** Returns strides, vertical and horizontal. */
    public long[] strides() {
        return new long[] {strideY, strideX};
    }

    /** Returns dilations, vertical and horizontal. */
    public long[] dilations() {
        return new long[] {dilationY, dilationX};
    }

    /** Returns the padding before the first row and the first column. */
    public long[] begins() {
        return new long[] {top, left};
    }

    /** Returns the padding after the last row and the last column. */
    public long[] ends() {
        return new long[] {bottom, right};
    }

    /** Returns how many rows a window of so many rows spans. */
    public long spanY(long rows) {
        return (rows - 1) * dilationY + 1;
    }

    /** Returns how many columns a window of so many columns spans. */
    public long spanX(long columns) {
        return (columns - 1) * dilationX + 1;
    }

    /** Returns the number of positions that a window of so many rows has; 0 or less if it has none. */
    public long positionsY(long height, long rows) {
        return Math.floorDiv(height + top + bottom - spanY(rows), (long) strideY) + 1;
    }

    /** Returns the number of positions that a window of so many columns has; 0 or less if it has none. */
    public long positionsX(long width, long columns) {
        return Math.floorDiv(width + left + right - spanX(columns), (long) strideX) + 1;
    }

    /** Describes what {@link #of} cannot express; else the stride alone. */
    @Override
    public String toString() {
        return isUniform()
                ? Integer.toString(strideY)
                : strideY + "x" + strideX + ", dilation " + dilationY + "x" + dilationX + ", padding " + top + " "
                        + left + " " + bottom + " " + right;
    }
}
