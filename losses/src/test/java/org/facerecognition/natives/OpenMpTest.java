package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class OpenMpTest {
    @BeforeEach
    void load() {
        Libtorch.load();
    }

    /** libtorch returns OpenMP's number of the current thread. */
    @Test
    void thisThreadIsAloneUntilTheScopeIsClosed() {
        int former = torch.get_num_threads();
        torch.set_num_threads(3);
        try {
            try (OpenMp.Scope alone = OpenMp.alone()) {
                assertThat(torch.get_num_threads()).isEqualTo(1);
                try (OpenMp.Scope nested = OpenMp.alone()) {
                    assertThat(torch.get_num_threads()).isEqualTo(1);
                }
                assertThat(torch.get_num_threads()).isEqualTo(1);
            }
            assertThat(torch.get_num_threads()).isEqualTo(3);
        } finally {
            torch.set_num_threads(former);
        }
    }

    @Test
    void otherThreadsKeepTheirNumber() {
        int former = torch.get_num_threads();
        torch.set_num_threads(3);
        try (OpenMp.Scope alone = OpenMp.alone()) {
            assertThat(CompletableFuture.supplyAsync(torch::get_num_threads, task -> new Thread(task).start())
                            .join())
                    .isEqualTo(3);
        } finally {
            torch.set_num_threads(former);
        }
    }
}
