package org.facerecognition.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

    /**
     * How many neighbors in the order belong together: a batch must not end between them, so its size must be a
     * multiple of this. 1 where each sample stands alone.
     */
    default int groupSize() {
        return 1;
    }

    /**
     * A sampler with a name, such as a lambda's: trainings with checkpoints tell by the name whether they are the same.
     *
     * @param name what the order follows from, with all settings
     */
    static Sampler named(String name, Sampler sampler) {
        return named(name, sampler.groupSize(), sampler);
    }

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
        return named(identities + " identities x " + images + " images", identities * images, (labels, random) -> {
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
     * Each sample once, two of one identity side by side where it has two, and the pairs of one identity far apart: in
     * batches of an even size losses that compare within a batch find something to compare. For validation: nothing is
     * random.
     */
    static Sampler paired() {
        return named("paired", (labels, random) -> {
            Map<Integer, List<Integer>> people = new TreeMap<>();
            for (int i = 0; i < labels.length; i++) {
                people.computeIfAbsent(labels[i], label -> new ArrayList<>()).add(i);
            }
            List<Integer> order = new ArrayList<>();
            List<Integer> alone = new ArrayList<>();
            people.values().stream()
                    .filter(own -> own.size() % 2 == 1)
                    .forEach(own -> alone.add(own.remove(own.size() - 1)));
            for (int round = 0; order.size() + alone.size() < labels.length; round += 2) {
                int from = round;
                people.values().stream()
                        .filter(own -> own.size() > from)
                        .forEach(own -> order.addAll(own.subList(from, from + 2)));
            }
            order.addAll(alone);
            return order.stream().mapToInt(Integer::intValue).toArray();
        });
    }

    /**
     * The part of another sampler's order that is one process's, when several share a training: every {@code of}-th
     * sample or, where samples belong together, every {@code of}-th {@linkplain #groupSize group}; all parts as long.
     *
     * @param rank which part, from 0
     * @param of how many parts
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
