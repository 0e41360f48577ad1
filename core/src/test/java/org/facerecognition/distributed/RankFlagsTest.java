package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which JVM flags ranks take over from the process that starts them. */
class RankFlagsTest {
    /** Ranks that inherit an agent of the launcher cannot open its port again, and do not start. */
    @ParameterizedTest
    @CsvSource({
        "-Xmx2g, true",
        "-Dfacerecognition.threads=1, true",
        "'-agentlib:jdwp=transport=dt_socket,address=5005', false",
        "-Xrunjdwp:transport=dt_socket, false",
        "-javaagent:jmx.jar=9404:config.yaml, false",
        "-Dcom.sun.management.jmxremote.port=9010, false",
        "-XX:StartFlightRecording=filename=one.jfr, false"
    })
    void ranksHaveTheFlagsThatAllCanShare(String flag, boolean shared) {
        assertThat(LocalRanks.isForRanks(flag)).isEqualTo(shared);
    }

    /** Of JAVA_TOOL_OPTIONS and the like, which ranks inherit. */
    @ParameterizedTest
    @CsvSource({
        "-Xmx2g  -Xss4m, -Xmx2g  -Xss4m",
        "-javaagent:jmx.jar=9404:config.yaml -Xmx2g -agentlib:jdwp=address=5005, -Xmx2g",
        "-javaagent:jmx.jar, ''"
    })
    void soHaveVariables(String flags, String shared) {
        assertThat(LocalRanks.forRanks(flags)).isEqualTo(shared);
    }
}
