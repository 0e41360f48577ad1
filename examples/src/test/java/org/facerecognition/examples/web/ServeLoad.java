package org.facerecognition.examples.web;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Many clients at a time against {@code serve}, in a process of its own on this machine: does anything fail, does memory grow,
 * how long does a client wait?
 *
 * <pre>{@code ServeLoad MODEL ENCODER DETECTOR FOLDER-OF-PHOTOGRAPHS SECONDS}</pre>
 */
final class ServeLoad {
    private static final int CLIENTS = 32;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, ConcurrentLinkedQueue<Long>> nanoseconds = new TreeMap<>(Map.of(
            "identify", new ConcurrentLinkedQueue<>(),
            "compare", new ConcurrentLinkedQueue<>(),
            "enrol", new ConcurrentLinkedQueue<>(),
            "remove", new ConcurrentLinkedQueue<>()));
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final AtomicLong turn = new AtomicLong();
    private final String url;
    private final List<byte[]> photographs;

    private ServeLoad(String url, List<byte[]> photographs) {
        this.url = url;
        this.photographs = photographs;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        List<byte[]> photographs;
        try (Stream<Path> files = Files.list(Path.of(args[3]))) {
            photographs = files.filter(file -> file.toString().endsWith(".jpg"))
                    .sorted()
                    .map(ServeLoad::bytes)
                    .toList();
        }
        long seconds = Long.parseLong(args[4]);
        try (ServeProcess serve = new ServeProcess(
                List.of("-Xmx512m"),
                "--model",
                args[0],
                "--encoder",
                args[1],
                "--detector",
                args[2],
                "--threshold",
                0.4)) {
            new ServeLoad(serve.url(), photographs).run(serve.pid(), seconds, System.out);
        }
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run(long pid, long seconds, PrintStream out) throws IOException, InterruptedException {
        out.printf(
                Locale.ROOT,
                "%d photographs, %d clients; resident %d MiB at start%n",
                photographs.size(),
                CLIENTS,
                rss(pid));
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            clients.execute(() -> {
                while (System.nanoTime() < end) {
                    oneRound();
                }
            });
        }
        clients.shutdown();
        for (long at = 10; !clients.awaitTermination(10, TimeUnit.SECONDS); at += 10) {
            out.printf(Locale.ROOT, "after %d s: resident %d MiB%n", at, rss(pid));
        }
        out.printf(Locale.ROOT, "at the end: resident %d MiB%n", rss(pid));
        nanoseconds.forEach((what, times) -> {
            long[] sorted = times.stream().mapToLong(Long::longValue).sorted().toArray();
            out.printf(
                    Locale.ROOT,
                    "%-8s %6d requests, p50 %.0f ms, p99 %.0f ms, longest %.0f ms%n",
                    what,
                    sorted.length,
                    at(sorted, 0.5),
                    at(sorted, 0.99),
                    at(sorted, 1));
        });
        out.println(failures.size() + " failures "
                + failures.stream().distinct().limit(5).toList());
    }

    private static double at(long[] sorted, double part) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(part * (sorted.length - 1))] / 1e6;
    }

    /** Six identify, three compare, one enrol and remove. */
    private void oneRound() {
        long number = turn.getAndIncrement();
        byte[] a = photographs.get((int) (number % photographs.size()));
        byte[] b = photographs.get((int) ((number / 2) % photographs.size()));
        int kind = (int) (number % 10);
        try {
            if (kind < 6) {
                send("identify", "/api/identify", "POST", a);
            } else if (kind < 9) {
                byte[] both = Arrays.copyOf(a, a.length + b.length);
                System.arraycopy(b, 0, both, a.length, b.length);
                send("compare", "/api/compare?first=" + a.length, "POST", both);
            } else {
                String enrolled = send("enrol", "/api/enrol?name=Person" + number % 7, "POST", a);
                String entry = enrolled.replaceFirst(".*\"entry\":(\\d+).*", "$1");
                send("remove", "/api/gallery/" + entry, "DELETE", new byte[0]);
            }
        } catch (IOException e) {
            failures.add(e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String send(String what, String path, String method, byte[] body) throws IOException, InterruptedException {
        long start = System.nanoTime();
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(url + path))
                        .header(Guard.PAGE_HEADER, "1")
                        .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        nanoseconds.get(what).add(System.nanoTime() - start);
        if (response.statusCode() != 200) {
            failures.add(what + " " + response.statusCode() + " " + response.body());
        }
        return response.body();
    }

    /** Resident memory in MiB. Linux. */
    private static long rss(long pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .findFirst()
                    .orElseThrow();
        }
    }
}
