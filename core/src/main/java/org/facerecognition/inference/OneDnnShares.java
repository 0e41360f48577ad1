package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Cuts the images of a call into shares that threads take one after another. A share's size is a power of two, because
 * each size has a plan of its own, and large shares are faster for each image.
 */
final class OneDnnShares {
    private OneDnnShares() {}

    /**
     * Returns the sizes of shares for threads that are equally fast: as large as possible, so that all threads end
     * together.
     *
     * @param images at least 1
     * @param threads that are expected to take shares, at least 1
     * @param max the maximum size, a power of two
     */
    static List<Integer> even(int images, int threads, int max) {
        int whole = images / (threads * max) * threads;
        List<Integer> shares = new ArrayList<>(Collections.nCopies(whole, max));
        int left = images - whole * max;
        for (int i = 0; i < threads; i++) {
            for (int ofThread = left * (i + 1) / threads - left * i / threads; ofThread > 0; ) {
                int share = Integer.highestOneBit(ofThread);
                shares.add(share);
                ofThread -= share;
            }
        }
        shares.sort(Collections.reverseOrder());
        return shares;
    }

    /**
     * Returns the sizes of shares for threads that other programs delay: smaller ones towards the end, which those take
     * that are faster.
     *
     * @param images at least 1
     * @param threads that are expected to take shares, at least 1
     * @param max the maximum size, a power of two
     */
    static List<Integer> decreasing(int images, int threads, int max) {
        List<Integer> shares = new ArrayList<>();
        for (int left = images; left > 0; ) {
            int share = Math.min(max, Integer.highestOneBit(Math.max(1, left / threads)));
            shares.add(share);
            left -= share;
        }
        return shares;
    }
}
