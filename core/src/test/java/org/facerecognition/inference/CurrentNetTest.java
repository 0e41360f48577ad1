package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120) // a deadlock, not a slow machine, takes this long
class CurrentNetTest {
    private static final int PX = 8;

    private final AtomicInteger layers = new AtomicInteger();
    private final AtomicInteger made = new AtomicInteger();

    @BeforeAll
    static void load() {
        Libtorch.load();
    }

    private CurrentNet net() {
        return new CurrentNet(
                () -> {
                    made.incrementAndGet();
                    return Graph.of((g, x) -> g.flatten(g.relu(x)));
                },
                List::of,
                layers::get,
                PX);
    }

    /** Virtual threads of a server may be as many; a read lock has 65,535 holds at most before Java 25. */
    @Test
    void isUsedByMoreThanAReadLockAdmits() throws Exception {
        try (CurrentNet net = net()) {
            FutureTask<Integer> uses = new FutureTask<>(() -> nested(net, 70_000));
            new Thread(null, uses, "uses", 1L << 29).start();
            assertThat(uses.get()).isEqualTo(70_000);
            assertThat(made).hasValue(1);
        }
    }

    private static int nested(CurrentNet net, int uses) {
        return uses == 0 ? 0 : 1 + net.use(prepared -> nested(net, uses - 1)).orElseThrow();
    }

    @Test
    void isMadeAgainAfterAChangeAndAfterItWasDropped() {
        try (CurrentNet net = net()) {
            for (int i = 0; i < 2; i++) {
                assertThat(net.use(PreparedNet::embeddingSize)).contains(3 * PX * PX);
            }
            assertThat(made).hasValue(1);
            layers.incrementAndGet();
            net.use(PreparedNet::embeddingSize);
            assertThat(made).hasValue(2);
            net.drop();
            net.use(PreparedNet::embeddingSize);
            assertThat(made).hasValue(3);
        }
    }
}
