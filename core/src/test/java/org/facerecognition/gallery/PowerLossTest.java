package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The machine loses power at any operation on the gallery's file. Afterwards everything acknowledged is there,
 * everything whose erasure was acknowledged is nowhere, and a change that was under way is there whole or not at all.
 */
class PowerLossTest {
    private static final int D = 24;
    private static final int LIVES_IN_A_BUILD = 60;
    private static final int CHANGES = 12;

    @TempDir
    Path folder;

    private Path file;
    private final Map<Integer, Long> there = new HashMap<>(); // person to entry, acknowledged
    private final Set<Integer> erased = new HashSet<>(); // acknowledged
    private final List<Integer> underWay = new ArrayList<>();
    private int nextPerson;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    @Test
    void whatWasAcknowledgedIsThereAndWhatWasErasedIsNowhere() throws IOException {
        int lives = Integer.getInteger("drill.lives", Boolean.getBoolean("tests.long") ? 1_000 : LIVES_IN_A_BUILD);
        Random random = new Random(Long.getLong("tests.seed", 7));
        for (int life = 0; life < lives; life++) {
            live(random);
            check("life " + life);
            if (there.size() > 60) {
                startAnew();
            }
        }
    }

    private void startAnew() throws IOException {
        Files.delete(file);
        there.clear();
        erased.clear();
    }

    private void live(Random random) {
        underWay.clear();
        LosingPower.Countdown countdown = new LosingPower.Countdown(random.nextInt(60));
        try (Gallery gallery =
                Gallery.open(file, "model", D, SearchMethod.EXACT, LosingPower.after(countdown, random))) {
            for (int change = 0; change < CHANGES; change++) {
                underWay.clear();
                if (random.nextInt(3) == 0 && !there.isEmpty()) {
                    remove(gallery, random);
                } else {
                    enroll(gallery, random.nextInt(4) == 0 ? 1 + random.nextInt(20) : 1);
                }
            }
            underWay.clear();
        } catch (LosingPower.PowerLoss e) {
            // as it should be
        }
    }

    private void enroll(Gallery gallery, int count) {
        List<Enrollment> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            underWay.add(nextPerson);
            batch.add(Traces.enrollment(nextPerson++, D));
        }
        long[] ids = gallery.enroll(batch);
        for (int i = 0; i < count; i++) {
            there.put(underWay.get(i), ids[i]);
        }
    }

    private void remove(Gallery gallery, Random random) {
        int person = new ArrayList<>(there.keySet()).get(random.nextInt(there.size()));
        underWay.add(person);
        boolean byName = random.nextBoolean();
        assertThat(byName ? gallery.remove(Traces.name(person)) == 1 : gallery.remove(there.get(person)))
                .isTrue();
        there.remove(person);
        erased.add(person);
    }

    private void check(String life) throws IOException {
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            Set<Integer> found = new HashSet<>();
            for (Entry entry : gallery.entries()) {
                int person = Traces.person(entry);
                assertThat(found.add(person)).isTrue();
                assertThat(Traces.isWhole(entry, gallery, D)).as(life).isTrue();
            }
            assertThat(found.containsAll(underWay) || Collections.disjoint(found, underWay))
                    .as("all of a change or nothing, %s", life)
                    .isTrue();
            assertThat(without(underWay, found)).as(life).isEqualTo(without(underWay, there.keySet()));
            settle(gallery);
        }
        Traces.assertNowhere(folder, erased, D);
        List<Integer> never =
                underWay.stream().filter(person -> !there.containsKey(person)).toList();
        Traces.assertNowhere(folder, never, D);
    }

    private static Set<Integer> without(Collection<Integer> some, Set<Integer> all) {
        Set<Integer> left = new HashSet<>(all);
        left.removeAll(some);
        return left;
    }

    /** What was under way is there or not from now on. */
    private void settle(Gallery gallery) {
        for (int person : underWay) {
            there.remove(person);
        }
        for (Entry entry : gallery.entries()) {
            there.put(Traces.person(entry), entry.id());
        }
    }
}
