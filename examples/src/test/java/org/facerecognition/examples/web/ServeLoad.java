package org.facerecognition.examples.web;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;

/**
 * A load test of {@code serve}, which runs in a separate process on this machine: do requests fail under many
 * simultaneous clients, does memory grow, and how long does a client wait?
 *
 * <pre>{@code
 * ServeLoad CLIENTS SECONDS                                                   synthetic faces, random weights
 * ServeLoad CLIENTS SECONDS MODEL ENCODER DETECTOR FOLDER-OF-PHOTOGRAPHS
 * }</pre>
 */
final class ServeLoad {
    private static final int SERVICE_UNAVAILABLE = 503;
    private static final int SYNTHETIC_IMAGES = 24;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, ConcurrentLinkedQueue<Long>> nanoseconds = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<String> errors = new ConcurrentLinkedQueue<>();
    private final AtomicLong rejected = new AtomicLong();
    private final AtomicLong nextRequest = new AtomicLong();
    private final String url;
    private final List<byte[]> photographs;

    private ServeLoad(String url, List<byte[]> photographs) {
        this.url = url;
        this.photographs = photographs;
    }

    /**
     * The server's options and the images that clients send.
     *
     * @param options options of {@code serve}
     * @param photographs encoded images
     */
    record Load(List<Object> options, List<byte[]> photographs) {
        /** Synthetic faces, and a model with random weights that is written to the folder. */
        static Load synthetic(Path folder) {
            Path model = folder.resolve("random.model");
            RecognizerArgs args = RecognizerArgs.builder()
                    .encoder(Encoder.MOBILEFACENET)
                    .embeddingSize(128)
                    .classes(2)
                    .build();
            try (Recognizer recognizer = Recognizer.arcFace(args)) {
                recognizer.save(model);
            }
            List<byte[]> photographs = new ArrayList<>();
            for (int i = 0; i < SYNTHETIC_IMAGES; i++) {
                photographs.add(Photos.of(
                        i, List.of(Photos.ANN, Photos.BOB, Photos.CLEO).get(i % 3)));
            }
            return new Load(List.of("--model", model, "--detector", Photos.DETECTOR), photographs);
        }

        static Load of(String model, String encoder, String detector, Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return new Load(
                        List.of("--model", model, "--encoder", encoder, "--detector", detector),
                        files.filter(file -> file.toString().endsWith(".jpg"))
                                .sorted()
                                .map(ServeLoad::bytes)
                                .toList());
            }
        }
    }

    /**
     * The measurements.
     *
     * @param residentMib the server's resident memory before, after each tenth of the time, and at the end
     * @param nanoseconds the sorted durations of the requests that succeeded, by kind
     * @param rejected the number of requests with status 503: the server was at capacity
     * @param errors a description of every other response whose status was not 200
     */
    record Result(
            int clients, List<Long> residentMib, Map<String, long[]> nanoseconds, long rejected, List<String> errors) {
        long residentAtMiddle() {
            return residentMib.get(residentMib.size() / 2);
        }

        long residentAtEnd() {
            return residentMib.get(residentMib.size() - 1);
        }

        long requests() {
            return nanoseconds.values().stream()
                    .mapToLong(times -> times.length)
                    .sum();
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder(String.format(
                    Locale.ROOT,
                    "%d clients, %d requests succeeded, %d rejected with status 503, %d errors %s%nresident MiB %s%n",
                    clients,
                    requests(),
                    rejected,
                    errors.size(),
                    errors.stream().distinct().limit(5).toList(),
                    residentMib));
            nanoseconds.forEach((kind, sorted) -> text.append(String.format(
                    Locale.ROOT,
                    "%-8s %6d requests, p50 %.0f ms, p99 %.0f ms, maximum %.0f ms%n",
                    kind,
                    sorted.length,
                    percentile(sorted, 0.5),
                    percentile(sorted, 0.99),
                    percentile(sorted, 1))));
            return text.toString();
        }

        private static double percentile(long[] sorted, double fraction) {
            return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(fraction * (sorted.length - 1))] / 1e6;
        }
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("serve-load");
        Load load = args.length == 2 ? Load.synthetic(folder) : Load.of(args[2], args[3], args[4], Path.of(args[5]));
        System.out.print(run(load, folder, Integer.parseInt(args[0]), Integer.parseInt(args[1])));
    }

    /** Starts a server whose gallery is in the folder, runs the clients and returns the measurements. */
    static Result run(Load load, Path folder, int clients, int seconds) throws IOException, InterruptedException {
        List<Object> options = new ArrayList<>(load.options());
        options.addAll(List.of("--threshold", 0.4, "--gallery", folder.resolve("people.gallery")));
        try (ServeProcess serve = new ServeProcess(List.of("-Xmx256m"), options.toArray())) {
            return new ServeLoad(serve.url(), load.photographs()).run(serve.pid(), clients, seconds);
        }
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Result run(long pid, int clients, int seconds) throws IOException, InterruptedException {
        List<Long> resident = new ArrayList<>(List.of(residentMib(pid)));
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        ExecutorService threads = Executors.newFixedThreadPool(clients);
        for (int i = 0; i < clients; i++) {
            threads.execute(() -> {
                while (System.nanoTime() < end) {
                    sendNext();
                }
            });
        }
        threads.shutdown();
        while (!threads.awaitTermination(seconds * 100L, TimeUnit.MILLISECONDS)) {
            resident.add(residentMib(pid));
        }
        resident.add(residentMib(pid));
        Map<String, long[]> sorted = new TreeMap<>();
        nanoseconds.forEach((kind, times) -> sorted.put(
                kind, times.stream().mapToLong(Long::longValue).sorted().toArray()));
        return new Result(clients, resident, sorted, rejected.get(), List.copyOf(errors));
    }

    /** Sends the next request: of ten, five identify, two compare, two list the gallery, one enrolls and removes. */
    private void sendNext() {
        long number = nextRequest.getAndIncrement();
        byte[] a = photographs.get((int) (number % photographs.size()));
        byte[] b = photographs.get((int) ((number / 2) % photographs.size()));
        int kind = (int) (number % 10);
        try {
            if (kind < 5) {
                send("identify", "/api/identify", "POST", a);
            } else if (kind < 7) {
                byte[] both = Arrays.copyOf(a, a.length + b.length);
                System.arraycopy(b, 0, both, a.length, b.length);
                send("compare", "/api/compare?first=" + a.length, "POST", both);
            } else if (kind < 9) {
                send("list", "/api/gallery", "GET", new byte[0]);
            } else {
                String enrolled = send("enroll", "/api/enroll?name=Person" + number % 7, "POST", a);
                if (enrolled.contains("\"entry\"")) {
                    String entry = enrolled.replaceFirst(".*\"entry\":(\\d+).*", "$1");
                    send("remove", "/api/gallery/" + entry, "DELETE", new byte[0]);
                }
            }
        } catch (IOException e) {
            errors.add(e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String send(String kind, String path, String method, byte[] body) throws IOException, InterruptedException {
        long start = System.nanoTime();
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(url + path))
                        .header(SameOriginFilter.PAGE_HEADER, "1")
                        .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 200) {
            nanoseconds
                    .computeIfAbsent(kind, newKind -> new ConcurrentLinkedQueue<>())
                    .add(System.nanoTime() - start);
        } else if (response.statusCode() == SERVICE_UNAVAILABLE) {
            rejected.incrementAndGet();
        } else {
            errors.add(kind + " " + response.statusCode() + " " + response.body());
        }
        return response.body();
    }

    /** Returns the resident memory of a process in MiB; Linux only. */
    private static long residentMib(long pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .findFirst()
                    .orElseThrow();
        }
    }
}
