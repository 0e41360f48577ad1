package org.facerecognition.distributed;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Brings the ranks together that a launcher has started at the same time, in a store that may still have the keys of
 * ranks that it started before. Each rank calls with a word of its own, and rank 0 answers with the name of the group:
 * what a former rank 0 has answered, it has answered to other words. torchrun's TORCHELASTIC_RESTART_COUNT does not
 * name a group, because each machine counts its own failures.
 *
 * <p>For one thread.
 */
final class Meeting {
    private static final String CALL = "call/"; // and the rank
    private static final String ANSWER = "answer/"; // and the word

    private final RankStore store;
    private final Launch launch;
    private final String group;
    private final Map<Integer, String> answered = new HashMap<>();

    private Meeting(RankStore store, Launch launch, String group) {
        this.store = store;
        this.launch = launch;
        this.group = group;
    }

    /**
     * Finds the group; ranks other than 0 wait for rank 0.
     *
     * @param store keys in it are not of one group; borrowed
     * @param timeout how long to wait
     * @throws GroupFailureException when rank 0 does not come
     */
    static Meeting of(RankStore store, Launch launch, Duration timeout) {
        String word = UUID.randomUUID().toString();
        if (launch.rank() == 0) {
            return new Meeting(store, launch, word);
        }
        long start = System.nanoTime();
        store.set(CALL + launch.rank(), word);
        while (true) {
            Optional<String> group = store.get(ANSWER + word);
            if (group.isPresent()) {
                return new Meeting(store, launch, group.get());
            }
            if (System.nanoTime() - start > timeout.toNanos()) {
                String sentence = "rank 0 must come within " + timeout.toSeconds()
                        + " s, but nothing was heard of it; look at its output";
                throw new GroupFailureException(sentence, null); // a new group may well come together
            }
            Failures.sleep(20);
        }
    }

    /** Returns a store for the keys of the group alone; closing it closes the one of the meeting. */
    RankStore store() {
        return store.of(group);
    }

    /** Answers those who have called since the last time, on rank 0; until all ranks have come. */
    void answer() {
        for (int rank = 1; launch.rank() == 0 && rank < launch.worldSize(); rank++) {
            int caller = rank;
            store.get(CALL + caller)
                    .filter(word -> !word.equals(answered.put(caller, word)))
                    .ifPresent(word -> store.set(ANSWER + word, group));
        }
    }
}
