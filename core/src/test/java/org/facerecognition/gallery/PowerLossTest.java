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
 * The power fails at any operation on the gallery's file. Afterwards every acknowledged entry exists, every entry whose
 * removal was acknowledged is erased, and a pending change was applied entirely or not at all.
 */
class PowerLossTest {
    private static final int D = 24;
    private static final int FAILURES_PER_BUILD = 60;
    private static final int CHANGES = 12;

    @TempDir
    Path folder;

    private Path file;
    private final Map<Integer, Long> enrolled = new HashMap<>(); // person to entry, acknowledged
    private final Set<Integer> erased = new HashSet<>(); // acknowledged
    private final List<Integer> pending = new ArrayList<>();
    private int nextPerson;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    @Test
    void keepsAcknowledgedAndErasesRemovedPeople() throws IOException {
        int failures = Integer.getInteger("drill.lives", Boolean.getBoolean("tests.long") ? 1_000 : FAILURES_PER_BUILD);
        Random random = new Random(Long.getLong("tests.seed", 7));
        int lost = 0;
        for (int failure = 0; failure < failures; failure++) {
            lost += changeUntilPowerFails(random) ? 1 : 0;
            check("failure " + failure, method(random));
            if (enrolled.size() > 60) {
                reset();
            }
        }
        assertThat(lost).isGreaterThanOrEqualTo(failures / 2);
    }

    private void reset() throws IOException {
        Files.delete(file);
        enrolled.clear();
        erased.clear();
    }

    /** Returns whether the power failed before the last change was made. */
    private boolean changeUntilPowerFails(Random random) {
        pending.clear();
        PowerLossFile.Countdown countdown = new PowerLossFile.Countdown(random.nextInt(60));
        try (Gallery gallery =
                FileGallery.open(file, "model", D, method(random), PowerLossFile.after(countdown, random))) {
            for (int change = 0; change < CHANGES; change++) {
                pending.clear();
                if (random.nextInt(3) == 0 && !enrolled.isEmpty()) {
                    remove(gallery, random);
                } else {
                    enroll(gallery, random.nextInt(4) == 0 ? 1 + random.nextInt(20) : 1);
                }
            }
            pending.clear();
            return false;
        } catch (PowerLossFile.PowerLoss e) {
            return true;
        }
    }

    private void enroll(Gallery gallery, int count) {
        List<Enrollment> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pending.add(nextPerson);
            batch.add(Traces.enrollment(nextPerson++, D));
        }
        long[] ids = gallery.enroll(batch);
        for (int i = 0; i < count; i++) {
            enrolled.put(pending.get(i), ids[i]);
        }
    }

    private void remove(Gallery gallery, Random random) {
        int person = new ArrayList<>(enrolled.keySet()).get(random.nextInt(enrolled.size()));
        pending.add(person);
        boolean byName = random.nextBoolean();
        assertThat(byName ? gallery.remove(Traces.name(person)) == 1 : gallery.remove(enrolled.get(person)))
                .isTrue();
        enrolled.remove(person);
        erased.add(person);
    }

    private static SearchMethod method(Random random) {
        return random.nextBoolean() ? SearchMethod.EXACT : SearchMethod.ON_DISK;
    }

    private void check(String when, SearchMethod method) throws IOException {
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            Set<Integer> found = new HashSet<>();
            for (Entry entry : gallery.entries()) {
                int person = Traces.person(entry);
                assertThat(found.add(person)).isTrue();
                assertThat(Traces.isIntact(entry, gallery, D)).as(when).isTrue();
            }
            assertThat(found.containsAll(pending) || Collections.disjoint(found, pending))
                    .as("all of a change or nothing of it, %s", when)
                    .isTrue();
            assertThat(without(pending, found)).as(when).isEqualTo(without(pending, enrolled.keySet()));
            recordPending(gallery);
        }
        Traces.assertErased(folder, erased, D);
        List<Integer> absent =
                pending.stream().filter(person -> !enrolled.containsKey(person)).toList();
        Traces.assertErased(folder, absent, D);
    }

    private static Set<Integer> without(Collection<Integer> excluded, Set<Integer> all) {
        Set<Integer> rest = new HashSet<>(all);
        rest.removeAll(excluded);
        return rest;
    }

    /** Records whether the pending change was applied. */
    private void recordPending(Gallery gallery) {
        for (int person : pending) {
            enrolled.remove(person);
        }
        for (Entry entry : gallery.entries()) {
            enrolled.put(Traces.person(entry), entry.id());
        }
    }
}
