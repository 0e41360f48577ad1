package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class ServeBenchmarkTest {
    private static final int ANSWER_MS = 300;

    @Test
    void countsTheTimeUntilTheLastAnswer() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/api/identify", ServeBenchmarkTest::answer);
        server.start();
        String address = "http://127.0.0.1:" + server.getAddress().getPort();
        try (var load = new ServeBenchmark.Load(address, List.of(new byte[1]), 1, 0.05)) {
            assertThat(load.imagesPerSecond(1)).isBetween(0.1, 1000.0 / ANSWER_MS); // 20, if 0.05 seconds counted
        } finally {
            server.stop(0);
        }
    }

    private static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Thread.sleep(ANSWER_MS);
            exchange.sendResponseHeaders(200, -1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
