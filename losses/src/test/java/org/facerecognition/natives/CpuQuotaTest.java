package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuQuotaTest {
    @TempDir
    private Path root;

    private void write(String file, String content) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, content + "\n");
    }

    /** 1500 milliseconds of each second are two processors to the JVM: as many as a machine of two has. */
    @ParameterizedTest
    @CsvSource({
        "0::/, cpu.max, 150000 100000, true",
        "0::/, cpu.max, max 100000, false",
        "0::/, cpu.max, 200000 100000, false",
        "0::/, cpu.max, 100000 50000, false",
        "0::/pod/app, pod/app/cpu.max, 50000 100000, true",
        "0::/pod/app, pod/cpu.max, 50000 100000, true",
        "0::/pod/app, other/cpu.max, 50000 100000, false",
        "0::/../app, cpu.max, 50000 100000, true",
        "'4:cpu,cpuacct:/docker/1f', cpu/docker/1f/cpu.cfs_quota_us, 150000, true",
        "'4:cpu,cpuacct:/docker/1f', cpu/cpu.cfs_quota_us, 150000, true",
        "'4:cpu,cpuacct:/docker/1f', cpu/docker/1f/cpu.cfs_quota_us, -1, false",
        "3:cpuset:/docker/1f, cpu/docker/1f/cpu.cfs_quota_us, 150000, false"
    })
    void readsTheQuotaOfAProcessOrOfAGroupAboveIt(String group, String file, String content, boolean isSet)
            throws IOException {
        write("proc/self/cgroup", "9:name=systemd:/\n" + group);
        write("sys/fs/cgroup/" + file, content);
        assertThat(CpuQuota.isSet(root, 2)).isEqualTo(isSet);
    }

    @Test
    void otherSystemsHaveNone() {
        assertThat(CpuQuota.isSet(root, 2)).isFalse();
    }

    @Test
    void aQuotaIsABound() throws IOException {
        write("proc/self/cgroup", "0::/");
        write("sys/fs/cgroup/cpu.max", "50000 100000");
        assertThat(Processors.areBounded(root)).isTrue();
    }
}
