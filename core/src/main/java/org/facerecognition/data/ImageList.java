package org.facerecognition.data;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * Images of a large data set, which are made when they are asked for, so that a list of tens of millions needs a few
 * bytes for each. Immutable. Subsets of such lists are such lists.
 */
final class ImageList extends AbstractList<LabeledImage> implements RandomAccess {
    private final int size;
    private final IntFunction<LabeledImage> images;

    /** @param images returns equal images for equal places, for any thread */
    ImageList(int size, IntFunction<LabeledImage> images) {
        this.size = size;
        this.images = images;
    }

    @Override
    public LabeledImage get(int place) {
        if (place < 0 || place >= size) {
            throw new IndexOutOfBoundsException("image must be in [0, " + size + "), but was " + place);
        }
        return images.apply(place);
    }

    @Override
    public int size() {
        return size;
    }

    /** Returns a list that does not change. */
    static List<LabeledImage> immutable(List<LabeledImage> images) {
        return images instanceof ImageList ? images : List.copyOf(images);
    }

    /** Returns the images at some places. */
    static List<LabeledImage> select(List<LabeledImage> images, int[] places) {
        return images instanceof ImageList
                ? new ImageList(places.length, i -> images.get(places[i]))
                : Arrays.stream(places).mapToObj(images::get).toList();
    }

    /** Returns an image for each image. */
    static List<LabeledImage> map(List<LabeledImage> images, UnaryOperator<LabeledImage> change) {
        return images instanceof ImageList
                ? new ImageList(images.size(), i -> change.apply(images.get(i)))
                : images.stream().map(change).toList();
    }

    /** Returns the images of several lists, one list after another. */
    static List<LabeledImage> join(List<List<LabeledImage>> lists) {
        List<List<LabeledImage>> all =
                lists.stream().filter(list -> !list.isEmpty()).toList();
        int[] ends = all.stream().mapToInt(List::size).toArray();
        for (int i = 1; i < ends.length; i++) {
            ends[i] = Math.addExact(ends[i - 1], ends[i]);
        }
        return new ImageList(ends.length == 0 ? 0 : ends[ends.length - 1], place -> {
            int found = Arrays.binarySearch(ends, place);
            int list = found < 0 ? -found - 1 : found + 1; // a place that ends a list is the first of the next
            return all.get(list).get(list == 0 ? place : place - ends[list - 1]);
        });
    }
}
