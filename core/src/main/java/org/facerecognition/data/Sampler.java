package org.facerecognition.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * In which order an epoch meets the samples of a data set, and how often each. A pure function: the same data set, seed and
 * epoch give the same order, so a training that was stopped goes on where it was.
 */
public interface Sampler {
    /**
     * The order of an epoch.
     *
     * @param labels of the data set's samples
     * @param random the epoch's own
     * @return places of samples, of any number
     */
    int[] order(int[] labels, RandomGenerator random);

    /** As the data set has them. */
    static Sampler sequential() {
        return named("sequential", (labels, random) -> identity(labels.length));
    }

    /** Each sample once, in an order of the epoch's own. */
    static Sampler shuffled() {
        return named("shuffled", (labels, random) -> shuffle(identity(labels.length), random));
    }

    /**
     * As many samples as the data set has, each identity as often as every other: those with few images come again and again,
     * those with many are met in part, another part each epoch.
     */
    static Sampler balanced() {
        return named("balanced", (labels, random) -> {
            List<int[]> people = byIdentity(labels, 1, random);
            int[] order = new int[labels.length];
            int[] turn = new int[0];
            for (int i = 0; i < order.length; i++) {
                int place = i % people.size();
                if (place == 0) {
                    turn = shuffle(identity(people.size()), random);
                }
                int[] images = people.get(turn[place]);
                order[i] = images[(i / people.size()) % images.length];
            }
            return order;
        });
    }

    /**
     * Batches of P identities with K images each, for losses that compare within a batch; give a batch size of P x K.
     * Identities with fewer than K images show some twice.
     *
     * @param identities P, at least 1
     * @param images K, at least 1
     */
    static Sampler identities(int identities, int images) {
        if (identities < 1 || images < 1) {
            throw new IllegalArgumentException(
                    "identities and images must be at least 1, but were " + identities + " and " + images);
        }
        return named(identities + " identities x " + images + " images", (labels, random) -> {
            List<int[]> people = byIdentity(labels, images, random);
            if (people.size() < identities) {
                throw new DataException("a batch of " + identities
                        + " identities must be drawn from as many, but the data" + " set has " + people.size());
            }
            int batches = Math.max(1, labels.length / (identities * images));
            int[] order = new int[batches * identities * images];
            int[] met = new int[people.size()];
            int[] turn = shuffle(identity(people.size()), random);
            int next = 0;
            for (int at = 0; at < order.length; at += images) {
                boolean newBatch = at % (identities * images) == 0;
                if (newBatch && next + identities > turn.length) { // nobody twice in one batch
                    shuffle(turn, random);
                    next = 0;
                }
                int person = turn[next++];
                int[] own = people.get(person);
                for (int k = 0; k < images; k++) {
                    order[at + k] = own[met[person]++ % own.length];
                }
            }
            return order;
        });
    }

    /**
     * The part of another sampler's order that is one process's, when several share a training: every {@code of}-th, all parts
     * as long.
     *
     * @param rank which part, from 0
     * @param of how many parts
     */
    static Sampler sharded(Sampler whole, int rank, int of) {
        if (of < 1 || rank < 0 || rank >= of) {
            throw new IllegalArgumentException("rank must be in [0, " + of + "), but was " + rank);
        }
        return named(whole + ", part " + rank + " of " + of, (labels, random) -> {
            int[] order = whole.order(labels, random);
            int[] part = new int[order.length / of];
            Arrays.setAll(part, i -> order[i * of + rank]);
            return part;
        });
    }

    private static Sampler named(String name, Sampler sampler) {
        return new Sampler() {
            @Override
            public int[] order(int[] labels, RandomGenerator random) {
                return sampler.order(labels, random);
            }

            @Override
            public String toString() {
                return name;
            }
        };
    }

    /** The samples of each identity that has any, shuffled; repeated to at least {@code least}. */
    private static List<int[]> byIdentity(int[] labels, int least, RandomGenerator random) {
        int classes = Arrays.stream(labels).max().orElse(-1) + 1;
        int[] counts = new int[classes];
        for (int label : labels) {
            counts[label]++;
        }
        int[][] places = new int[classes][];
        for (int c = 0; c < classes; c++) {
            places[c] = new int[counts[c]];
        }
        int[] filled = new int[classes];
        for (int i = 0; i < labels.length; i++) {
            places[labels[i]][filled[labels[i]]++] = i;
        }
        List<int[]> people = new ArrayList<>();
        for (int[] own : places) {
            if (own.length > 0) {
                shuffle(own, random);
                int[] enough = new int[Math.max(own.length, least)];
                Arrays.setAll(enough, i -> own[i % own.length]);
                people.add(enough);
            }
        }
        return people;
    }

    private static int[] identity(int size) {
        int[] order = new int[size];
        Arrays.setAll(order, i -> i);
        return order;
    }

    /** In place. */
    private static int[] shuffle(int[] order, RandomGenerator random) {
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }
}
