package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.facerecognition.distributed.GroupEnding;
import org.facerecognition.distributed.LocalRanks;
import org.facerecognition.distributed.RestartPolicy;
import org.facerecognition.distributed.RestartingRanks;
import org.facerecognition.train.Checkpoints;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Kills a rank in the middle of a training, once; and lets it fail by itself in the next one. */
@DisabledOnOs(OS.WINDOWS)
class RankRestartTest {
    @TempDir
    Path folder;

    private final List<String> messages = Collections.synchronizedList(new ArrayList<>());
    private final List<Long> pids = new ArrayList<>();

    /**
     * Each group begins three trainings with the same settings. The first one is whole. In the second one a rank is
     * killed, and the restarted group continues it. In the third one a rank fails, and there is no further restart.
     */
    @Test
    void aKilledRankChangesNothingButTheTimeAndOneThatFailsEndsTheTraining() throws IOException, InterruptedException {
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        List<String> command = new ArrayList<>(RankProcesses.command());
        command.addAll(List.of("classes=8", "images=4", "batch=9", "steps=8", "every=3", "resume=true"));
        command.addAll(List.of("then", "out=" + whole));
        command.addAll(List.of("then", "out=" + killed, "kill1=5", "mark=" + folder.resolve("mark")));
        command.addAll(List.of("then", "out=" + folder.resolve("failed"), "fail1=2"));
        GroupEnding ending;
        try (RestartingRanks ranks = new RestartingRanks(
                new RestartPolicy(2, 2, Duration.ofMillis(5)),
                2,
                (count, restart) -> {
                    LocalRanks group = LocalRanks.start(count, command, line -> {});
                    pids.addAll(group.pids());
                    return group;
                },
                () -> Checkpoints.lastIn(killed),
                messages::add)) {
            ending = ranks.run();
        }
        assertThat(messages)
                .singleElement()
                .asString()
                .matches("rank 1 \\(process " + pids.get(1) + "\\) was killed by signal 9; restart 1 of 2 in 0 s, with"
                        + " 2 processes, from the checkpoint after step 3, in epoch 1");
        assertThat(ending.reason()).startsWith("rank 1 (").endsWith("failed: the disk of this rank is full");
        assertThat(ending.lost()).isFalse();
        CheckpointContents.assertSame(killed.resolve("last.ckpt"), whole.resolve("last.ckpt"));
        assertThat(files(killed)).isEqualTo(files(whole));
        assertThat(pids).hasSize(4).noneMatch(pid -> ProcessHandle.of(pid).isPresent());
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
