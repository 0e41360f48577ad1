package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.benchmarks.Latency.Times;
import org.junit.jupiter.api.Test;

class LatencyTest {
    @Test
    void countsTheRequestsOfAllCallers() throws InterruptedException {
        Times times = new Times();
        Latency.measure(() -> Thread.sleep(10), 4, 0.1, times);
        assertThat(times.requestSeconds()).hasSizeBetween(4, 40).allMatch(seconds -> seconds >= 0.009);
        assertThat(times.requestsPerSecond()).hasSize(1);
    }

    @Test
    void comparesWithTheFasterPeer() {
        Map<String, Times> times = Map.of(
                "ours", new Times(List.of(), List.of(9.0, 9.0)),
                "slow", new Times(List.of(), List.of(1.0, 5.0)),
                "fast", new Times(List.of(), List.of(4.0, 4.0)));
        assertThat(Latency.fasterOf(times, Set.of("slow", "fast"))).containsExactly(4.0, 4.0);
    }

    @Test
    void failsIfOneRequestFails() {
        AtomicInteger requests = new AtomicInteger();
        Latency.Call call = () -> {
            Thread.sleep(10);
            if (requests.incrementAndGet() == 3) {
                throw new UnsupportedOperationException("no such network");
            }
        };
        assertThatThrownBy(() -> Latency.measure(call, 2, 0.1, new Times()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no such network")
                .hasCauseInstanceOf(UnsupportedOperationException.class);
    }
}
