package org.facerecognition.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * The order in which an epoch uses the samples of a data set, and how often it uses each. A sampler is a pure function:
 * the same data set, seed and epoch give the same order, so that a resumed training continues where it stopped.
 */
public interface Sampler {
    /**
     * Returns the order of an epoch.
     *
     * @param labels the labels of the data set's samples
     * @param random the random stream of the epoch
     * @return numbers of samples; of any length that is the same for all epochs
     */
    int[] order(int[] labels, RandomGenerator random);

    /**
     * Returns how many consecutive samples in the order belong together: the batch size must be a multiple of this, so
     * that no batch ends between them. 1 when samples are independent.
     */
    default int groupSize() {
        return 1;
    }

    /**
     * Gives a sampler, such as a lambda, a name: checkpoints compare the names of samplers on resume.
     *
     * @param name describes everything that determines the order, with all settings
     */
    static Sampler named(String name, Sampler sampler) {
        return named(name, sampler.groupSize(), sampler);
    }

    /** Returns a sampler that uses each sample once, in the order of the data set. */
    static Sampler sequential() {
        return named("sequential", (labels, random) -> identity(labels.length));
    }

    /** Returns a sampler that uses each sample once, in another random order in each epoch. */
    static Sampler shuffled() {
        return named("shuffled", (labels, random) -> shuffle(identity(labels.length), random));
    }

    /**
     * Returns a sampler that uses as many samples as the data set has, and every identity equally often: identities
     * with few images are repeated, and of those with many images each epoch uses another part.
     */
    static Sampler balanced() {
        return named("balanced", (labels, random) -> {
            List<int[]> people = byIdentity(labels, 1, random);
            int[] order = new int[labels.length];
            int[] shuffled = new int[0];
            for (int i = 0; i < order.length; i++) {
                int place = i % people.size();
                if (place == 0) {
                    shuffled = shuffle(identity(people.size()), random);
                }
                int[] images = people.get(shuffled[place]);
                order[i] = images[(i / people.size()) % images.length];
            }
            return order;
        });
    }

    /**
     * Returns a sampler for batches of P identities with K images each, for losses that compare the samples of a batch;
     * use it with a batch size of P x K. Images of identities with fewer than K are repeated, and augmented in another
     * way each time.
     *
     * @param identities P, at least 1
     * @param images K, at least 1
     */
    static Sampler identities(int identities, int images) {
        if (identities < 1 || images < 1) {
            throw new IllegalArgumentException(
                    "identities and images must be at least 1, but were " + identities + " and " + images);
        }
        if ((long) identities * images > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "identities times images must be below 2^31, but were " + identities + " and " + images);
        }
        return named(identities + " identities x " + images + " images", identities * images, (labels, random) -> {
            List<int[]> people = byIdentity(labels, images, random);
            if (people.size() < identities) {
                throw new DataException(
                        "a batch must have " + identities + " identities, but the data set has only " + people.size());
            }
            int batches = Math.max(1, labels.length / (identities * images));
            int[] order = new int[batches * identities * images];
            int[] used = new int[people.size()]; // number of samples per identity
            int[] shuffled = shuffle(identity(people.size()), random);
            int next = 0;
            for (int at = 0; at < order.length; at += images) {
                boolean newBatch = at % (identities * images) == 0;
                if (newBatch && next + identities > shuffled.length) { // no identity twice in one batch
                    shuffle(shuffled, random);
                    next = 0;
                }
                int person = shuffled[next++];
                int[] own = people.get(person);
                for (int k = 0; k < images; k++) {
                    order[at + k] = own[used[person]++ % own.length];
                }
            }
            return order;
        });
    }

    /**
     * Returns a sampler that uses each sample once, with pairs of the same identity side by side as far as possible and
     * the pairs of one identity far apart, so that losses that compare the samples of a batch find genuine pairs in
     * batches of an even size. It is not random and serves validation.
     */
    static Sampler paired() {
        return named("paired", (labels, random) -> {
            Map<Integer, List<Integer>> people = new TreeMap<>();
            for (int i = 0; i < labels.length; i++) {
                people.computeIfAbsent(labels[i], label -> new ArrayList<>()).add(i);
            }
            List<Integer> order = new ArrayList<>();
            List<Integer> unpaired = new ArrayList<>();
            people.values().stream()
                    .filter(own -> own.size() % 2 == 1)
                    .forEach(own -> unpaired.add(own.remove(own.size() - 1)));
            for (int round = 0; order.size() + unpaired.size() < labels.length; round += 2) {
                int from = round;
                people.values().stream()
                        .filter(own -> own.size() > from)
                        .forEach(own -> order.addAll(own.subList(from, from + 2)));
            }
            order.addAll(unpaired);
            return order.stream().mapToInt(Integer::intValue).toArray();
        });
    }

    /**
     * Returns a sampler for one of several processes that share a training: every {@code of}-th sample of another
     * sampler's order or, when samples belong together, every {@code of}-th {@linkplain #groupSize group}; all parts
     * have the same length.
     *
     * @param whole the sampler whose order is divided
     * @param rank number of the part, from 0
     * @param of number of parts
     */
    static Sampler sharded(Sampler whole, int rank, int of) {
        if (of < 1 || rank < 0 || rank >= of) {
            throw new IllegalArgumentException("rank must be in [0, " + of + "), but was " + rank);
        }
        int group = whole.groupSize();
        return named(whole + ", part " + rank + " of " + of, group, (labels, random) -> {
            int[] order = whole.order(labels, random);
            int[] part = new int[order.length / (group * of) * group];
            Arrays.setAll(part, i -> order[(i / group * of + rank) * group + i % group]);
            return part;
        });
    }

    private static Sampler named(String name, int groupSize, Sampler sampler) {
        return new Sampler() {
            @Override
            public int groupSize() {
                return groupSize;
            }

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

    /** Returns the samples of each identity that has any, shuffled and repeated to at least {@code min} samples. */
    private static List<int[]> byIdentity(int[] labels, int min, RandomGenerator random) {
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
                int[] enough = new int[Math.max(own.length, min)];
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

    /** Shuffles in place and returns its argument. */
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
