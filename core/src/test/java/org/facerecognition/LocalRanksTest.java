package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.facerecognition.distributed.GroupEnding;
import org.facerecognition.distributed.LocalRanks;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

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

    @Test
    void aRankThatCannotBeginIsNotLost() throws InterruptedException {
        GroupEnding ending = shells("if [ $RANK = 1 ]; then exit 3; fi; sleep 0.2");
        assertThat(ending.reason()).matches("rank 1 \\(process \\d+\\) ended with exit code 3");
        assertThat(ending.exitCode()).isEqualTo(3);
        assertThat(ending.lost()).isFalse();
    }

    @Test
    void aRankThatIsKilledAfterTheWorkCountsForNothing() throws InterruptedException {
        assertThat(shells("if [ $RANK = 1 ]; then kill -9 $$; fi; sleep 0.2")).isEqualTo(GroupEnding.FINISHED);
    }
}
