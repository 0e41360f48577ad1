package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills processes that train together with {@code --max-restarts}. A long drill, of random ranks at random moments:
 *
 * <pre>{@code
 * mvn test -pl examples -am -Dtest=RestartDrillTest -Dsurefire.failIfNoSpecifiedTests=false -Dtests.long=true
 *     -Ddrill.kills=30 [-Ddrill.seed=7]
 * }</pre>
 */
@EnabledIfSystemProperty(
        named = "tests.long",
        matches = "true",
        disabledReason = "starts many processes; run it with -Dtests.long=true")
@DisabledOnOs(OS.WINDOWS)
class RestartDrillTest {
    @TempDir
    Path folder;

    private Path faces;

    @BeforeEach
    void paint() {
        faces = Cli.faces(folder.resolve("faces"), 6, 6); // 4 steps an epoch
    }

    /** What a training leaves behind. */
    private record Finished(List<String> files, String tensors) {
        static Finished of(TrainingLauncher training) throws IOException {
            return new Finished(training.files(), training.tensors());
        }
    }

    private Finished uninterrupted() throws IOException, InterruptedException {
        try (TrainingLauncher training = TrainingLauncher.start(faces, folder.resolve("uninterrupted"))) {
            assertThat(training.await()).as(training.err().toString()).isZero();
            return Finished.of(training);
        }
    }

    /** Waits for the end, which must be as that of a training that nobody has killed. */
    private static void assertFinished(TrainingLauncher training, Finished expected)
            throws IOException, InterruptedException {
        assertThat(training.await()).as(training.err().toString()).isZero();
        assertThat(training.orphans()).isEmpty();
        assertThat(Finished.of(training)).as(training.err().toString()).isEqualTo(expected);
        assertThat(training.out()).as("standard output").hasSize(1);
        assertThat(new ObjectMapper()
                        .readTree(training.out().get(0))
                        .path("epochs")
                        .asInt())
                .isEqualTo(TrainingLauncher.EPOCHS);
    }

    @Test
    void withoutRoomForTwoOneProcessTrains() throws IOException, InterruptedException {
        Path out = folder.resolve("smaller");
        Object[] options = {"--max-restarts", 3, "--min-processes", 1};
        try (TrainingLauncher training = TrainingLauncher.start(faces, out, options)) {
            for (int attempt = 0; attempt < 2; attempt++) {
                int restarts = attempt;
                training.awaitUnlessEnded(() -> training.restarts().size() == restarts
                        && training.ranks().size() == TrainingLauncher.RANKS);
                assertThat(training.isRunning()).as(training.err().toString()).isTrue();
                training.ranks().get(1).destroyForcibly(); // while Java starts, long before a checkpoint
                training.awaitUnlessEnded(() -> training.restarts().size() > restarts);
            }
            assertThat(training.await()).as(training.err().toString()).isZero();
            assertThat(training.restarts())
                    .satisfiesExactly(
                            first -> assertThat(first).contains("in 1 s, with 2 processes, from the beginning"),
                            second -> assertThat(second).contains("in 2 s, with 1 process, from the beginning"));
            assertThat(training.lastCheckpoint()).exists();
        }
    }

    @Test
    void ranksEndWithTheirLauncher() throws IOException, InterruptedException {
        Path out = folder.resolve("orphans");
        Finished expected = uninterrupted();
        try (TrainingLauncher training = TrainingLauncher.startWithEpochs(400, faces, out, "--max-restarts", 2)) {
            training.awaitUnlessEnded(() -> Files.exists(training.lastCheckpoint()));
            assertThat(training.ranks()).hasSize(TrainingLauncher.RANKS);
            training.kill();
            training.awaitRanks();
            assertThat(training.orphans()).isEmpty();
            assertThat(training.files()).isSubsetOf(expected.files());
        }
        try (TrainingLauncher training = TrainingLauncher.start(faces, out, "--resume")) {
            assertThat(training.await()).as(training.err().toString()).isZero();
        }
    }

    @Test
    void manyKillsOfRandomRanksAtRandomMomentsChangeNothing() throws IOException, InterruptedException {
        int kills = Integer.getInteger("drill.kills", 3);
        long seed = Long.getLong("drill.seed", System.nanoTime());
        System.out.println("drill.seed=" + seed);
        Random random = new Random(seed);
        long begin = System.nanoTime();
        Finished expected = uninterrupted();
        long longestLife = (System.nanoTime() - begin) / 1_000_000; // in ms: a kill may come at any moment of it
        int done = 0;
        for (int i = 0; done < kills; i++) {
            Path out = folder.resolve("drill" + i);
            try (TrainingLauncher training = TrainingLauncher.start(faces, out, "--max-restarts", kills)) {
                done += killAgainAndAgain(training, kills - done, longestLife, random);
                assertFinished(training, expected);
                System.out.println("training " + (i + 1) + " equals the uninterrupted one, after " + done + " of "
                        + kills + " kills and " + training.restarts().size() + " restarts of its own");
            }
        }
    }

    /** Returns how often a rank was killed before the training ended. */
    private static int killAgainAndAgain(TrainingLauncher training, int most, long longestLifeMs, Random random)
            throws IOException, InterruptedException {
        int kills = 0;
        while (kills < most) {
            training.awaitUnlessEnded(() -> training.ranks().size() == TrainingLauncher.RANKS);
            Thread.sleep(random.nextLong(longestLifeMs));
            List<ProcessHandle> ranks = training.ranks();
            if (ranks.isEmpty()) {
                return kills;
            }
            int restarts = training.restarts().size();
            kills += ranks.get(random.nextInt(ranks.size())).destroyForcibly() ? 1 : 0;
            training.awaitUnlessEnded(() -> training.restarts().size() > restarts);
        }
        return kills;
    }
}
