package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.distributed.GroupEnding;
import org.facerecognition.distributed.LocalRanks;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tells apart how ranks end. The ranks are shells, which start fast; {@link RankRestartTest} trains. */
@DisabledOnOs(OS.WINDOWS)
class LocalRanksTest {
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

    private GroupEnding shells(String script) throws InterruptedException {
        try (LocalRanks ranks = LocalRanks.start(2, List.of("sh", "-c", script), lines::add)) {
            return ranks.await();
        }
    }

    @Test
    void allRanksFinish() throws InterruptedException {
        assertThat(shells("echo $RANK of $WORLD_SIZE")).isEqualTo(GroupEnding.FINISHED);
        assertThat(lines).containsExactly("[rank 1] 1 of 2");
    }

    @Test
    void theOutputOfTheFirstRankCanBeRead() throws InterruptedException {
        List<String> output = Collections.synchronizedList(new ArrayList<>());
        List<String> command = List.of("sh", "-c", "echo $RANK; echo $RANK");
        try (LocalRanks ranks = LocalRanks.start(2, command, lines::add, output::add)) {
            assertThat(ranks.await()).isEqualTo(GroupEnding.FINISHED);
        }
        assertThat(output).containsExactly("0", "0");
        assertThat(lines).containsExactly("[rank 1] 1", "[rank 1] 1");
    }

    /** Stopping closed what they write to, so that their last words, and the result, were lost. */
    @Test
    void whatRanksWriteWhenTheyAreStoppedIsRead() throws InterruptedException {
        List<String> output = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch begun = new CountDownLatch(1);
        String script = "trap 'kill $!; echo stopped; sleep 0.1; echo saved; exit 1' TERM;"
                + " echo begun; sleep 60 > /dev/null & wait";
        Consumer<String> first = line -> {
            output.add(line);
            begun.countDown();
        };
        LocalRanks ranks = LocalRanks.start(1, List.of("sh", "-c", script), lines::add, first);
        assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
        ranks.close();
        assertThat(output).containsExactly("begun", "stopped", "saved");
    }

    @Test
    void thePortOfTheStoreIsFreeAfterwards() throws InterruptedException {
        shells("echo $MASTER_PORT");
        int port = Integer.parseInt(lines.get(0).substring("[rank 1] ".length()));
        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void aKilledRankIsLost() throws InterruptedException {
        GroupEnding ending = shells("if [ $RANK = 1 ]; then kill -9 $$; fi; sleep 0.2; exit 1");
        assertThat(ending.reason()).matches("rank 1 \\(process \\d+\\) was killed by signal 9");
        assertThat(ending.exitCode()).isEqualTo(137);
        assertThat(ending.lost()).isTrue();
    }

    @Test
    void aRankThatWasAskedToStopIsNotLost() throws InterruptedException {
        GroupEnding ending = shells("if [ $RANK = 1 ]; then kill -15 $$; fi; sleep 0.2");
        assertThat(ending.reason()).endsWith("was asked to stop");
        assertThat(ending.exitCode()).isEqualTo(143);
        assertThat(ending.lost()).isFalse();
    }

    /** They were killed in the middle of it. */
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "waits for 17 seconds; run it with -Dtests.long=true")
    @Test
    void theOthersFinishTheirCheckpointWhenARankWasAskedToStop(@TempDir Path folder) throws InterruptedException {
        Path checkpoint = folder.resolve("checkpoint");
        shells("if [ $RANK = 1 ]; then kill -15 $$; fi; sleep 17; touch " + checkpoint);
        assertThat(checkpoint).exists();
    }

    @Test
    void aRankThatCannotBeginIsNotLost() throws InterruptedException {
        GroupEnding ending = shells("if [ $RANK = 1 ]; then exit 3; fi; sleep 0.2");
        assertThat(ending.reason()).matches("rank 1 \\(process \\d+\\) ended with exit code 3");
        assertThat(ending.exitCode()).isEqualTo(3);
        assertThat(ending.lost()).isFalse();
    }

    /** The only process of a group, as {@code --processes 1 --max-restarts 3} starts it. */
    static final class Lone {
        private Lone() {}

        public static void main(String[] args) {
            try (Distributed group = Distributed.fromEnvironment()) {
                group.failed(args[0].equals("memory") ? new OutOfMemoryError("Java heap space") : new Error(args[0]));
            }
            System.exit(1);
        }
    }

    /** It is in no group that would know, and was not started again. */
    @ParameterizedTest
    @CsvSource({"memory, true", "the disk is full, false"})
    void aLoneProcessIsLostIfMemoryIsShort(String why, boolean lost) throws InterruptedException {
        try (LocalRanks ranks = LocalRanks.start(1, java(Lone.class, why), lines::add)) {
            GroupEnding ending = ranks.await();
            assertThat(ending.exitCode()).isEqualTo(1);
            assertThat(ending.lost()).isEqualTo(lost);
            assertThat(ending.reason()).contains(lost ? "failed: Java heap space" : "ended with exit code 1");
        }
    }

    /** Trains twice, so to say; and then dies or ends with an error where it is asked to, or works on for a while. */
    static final class Twice {
        private Twice() {}

        public static void main(String[] args) throws InterruptedException {
            String said = "";
            for (String word : List.of("first", "second")) {
                try (Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(60))) {
                    said += group.onFirst(() -> word) + " ";
                    group.requireSame(Map.of("word", word));
                }
            }
            System.out.println(said);
            if (System.getenv("RANK").equals("1") && args.length > 0) {
                Runtime.getRuntime().halt(Integer.parseInt(args[0]));
            }
            Thread.sleep(args.length < 2 ? 0 : Long.parseLong(args[1]));
        }
    }

    private static List<String> java(Class<?> main, String... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName()));
        command.addAll(List.of(args));
        return command;
    }

    /** The second group met the keys of the first one in the launcher's store. */
    @Test
    void aProcessMayFormAGroupAfterAnother() throws InterruptedException {
        try (LocalRanks ranks = LocalRanks.start(2, java(Twice.class), lines::add)) {
            assertThat(ranks.await()).isEqualTo(GroupEnding.FINISHED);
        }
        assertThat(lines).contains("[rank 1] first second ");
    }

    /** It counted as lost: the group began again for nothing or, had rank 0 ended well, the error was forgotten. */
    @Test
    void aRankThatFailsAfterItHasLeftIsNotLost() throws InterruptedException {
        try (LocalRanks ranks = LocalRanks.start(2, java(Twice.class, "3"), lines::add)) {
            GroupEnding ending = ranks.await();
            assertThat(ending.exitCode()).isEqualTo(3);
            assertThat(ending.reason()).endsWith("ended with exit code 3");
            assertThat(ending.lost()).isFalse();
        }
    }

    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "waits for 20 seconds; run it with -Dtests.long=true")
    @Test
    void aRankThatIsKilledAfterItHasLeftDoesNotEndTheOthers() throws InterruptedException {
        try (LocalRanks ranks = LocalRanks.start(2, java(Twice.class, "137", "20000"), lines::add)) {
            assertThat(ranks.await()).isEqualTo(GroupEnding.FINISHED);
        }
    }

    @Test
    void aRankThatIsKilledAfterTheWorkCountsForNothing() throws InterruptedException {
        assertThat(shells("if [ $RANK = 1 ]; then kill -9 $$; fi; sleep 0.2")).isEqualTo(GroupEnding.FINISHED);
    }
}
