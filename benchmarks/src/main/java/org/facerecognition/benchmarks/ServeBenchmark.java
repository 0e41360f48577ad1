package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;

/**
 * Measures {@code face-recognition serve}: how many identifications it answers a second to clients that send one
 * photograph after the other, how long they wait, and its resident memory. What it is compared with is the library
 * without a server: {@code embedAll} of the same photographs. The clients are on the same machine and take their part
 * of its processors.
 *
 * <p>Run in the root of a clone, after {@code mvn -q -DskipTests -pl benchmarks,examples -am package}, with {@code java
 * -jar benchmarks/target/benchmarks.jar serve MOBILEFACENET YUNET LFW [CLIENTS [ROUNDS [SECONDS]]]}: the network's
 * weights, the detector's file, and a folder with {@code lfw-deepfunneled}; by default 32 clients and 5 rounds of 10
 * seconds.
 */
final class ServeBenchmark {
    private static final int PHOTOGRAPHS = 256;
    private static final int ENROLLED = 100;
    private static final double WARM_UP_SECONDS = 5;
    private static final int NO_FACE = 422;
    private static final int QUOTED_LINES = 5; // of a server that did not start
    private static final Pattern ADDRESS = Pattern.compile("open (http://\\S+)/ in a browser.*");

    private ServeBenchmark() {}

    /** Runs the benchmark and prints a table and figures for embeddings with and without mirror images. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length < 3) {
            throw new ArgumentException("arguments must be MOBILEFACENET YUNET LFW [CLIENTS [ROUNDS"
                    + " [SECONDS]]], but were " + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        Path weights = Path.of(args[0]);
        Path yunet = Path.of(args[1]);
        Arguments arguments = new Arguments(args);
        int clients = arguments.number(3, "CLIENTS", 1, 32);
        int rounds = arguments.number(4, "ROUNDS", 1, 5);
        int seconds = arguments.number(5, "SECONDS", 1, 10);
        List<Path> files = PhotographsBenchmark.photographs(Path.of(args[2]));
        List<byte[]> photographs = new ArrayList<>();
        for (Path file : files.subList(0, Math.min(PHOTOGRAPHS, files.size()))) {
            photographs.add(Files.readAllBytes(file));
        }
        try (Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(weights));
                FaceDetector detector = FaceDetector.open(yunet)) {
            recognizer.useDetector(detector);
            for (boolean flip : new boolean[] {true, false}) {
                recognizer.useFlip(flip);
                try (PreparedRecognizer prepared =
                                recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                        Server server = Server.start(weights, yunet, flip);
                        Load load = new Load(server.address, photographs, clients, seconds)) {
                    load.enroll(ENROLLED);
                    load.run(WARM_UP_SECONDS);
                    load.failed.set(0);
                    measure(prepared, server, load, rounds, flip, System.out);
                }
            }
        }
    }

    private static void measure(
            PreparedRecognizer prepared, Server server, Load load, int rounds, boolean flip, PrintStream out)
            throws IOException {
        List<ImageSource> sources = new ArrayList<>();
        for (byte[] photograph : load.photographs) {
            sources.add(ImageSource.of(photograph));
        }
        Contestant alone = new Contestant() {
            @Override
            public String name() {
                return "embedAll, without a server";
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                for (int i = 0; i < steps; i++) {
                    prepared.embedAll(sources);
                }
                return steps * sources.size() / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {}
        };
        double before = server.residentMib();
        List<Contestant> contestants = List.of(alone, load);
        Rounds.run(contestants, rounds, 1, out)
                .print(
                        out,
                        "photographs of 250 x 250 px to identifications, MobileFaceNet, " + (flip ? "with" : "without")
                                + " mirror images",
                        alone.name());
        double[] millis =
                load.millis.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        out.printf(
                "%n- serve, %s mirror images, %,d requests: half answered within %.0f ms, 99 %% within %.0f ms, %d"
                        + " refused or failed; resident memory %.0f MiB before and %.0f MiB after%n%n",
                flip ? "with" : "without",
                millis.length,
                millis[(millis.length - 1) / 2],
                millis[(int) ((millis.length - 1) * 0.99)],
                load.failed.get(),
                before,
                server.residentMib());
    }

    /** A process with the server. */
    private record Server(Process process, String address) implements AutoCloseable {
        static Server start(Path weights, Path yunet, boolean flip) throws IOException, InterruptedException {
            Program.requireJar();
            List<String> command = new ArrayList<>(Program.command());
            command.addAll(List.of("serve", "--port", "0", "--model", weights.toString(), "--encoder"));
            command.addAll(List.of("mobilefacenet", "--detector", yunet.toString(), "--threshold", "0.4"));
            if (!flip) {
                command.add("--no-flip");
            }
            Process process = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            BufferedReader messages = process.errorReader(StandardCharsets.UTF_8);
            Deque<String> last = new ArrayDeque<>();
            String line;
            while ((line = messages.readLine()) != null) {
                last.add(line);
                if (last.size() > QUOTED_LINES) {
                    last.remove();
                }
                Matcher address = ADDRESS.matcher(line);
                if (address.matches()) {
                    Thread rest = new Thread(() -> print(messages), "messages of serve");
                    rest.setDaemon(true);
                    rest.start();
                    return new Server(process, address.group(1));
                }
            }
            int status = process.waitFor();
            throw new IOException(
                    "face-recognition serve ended with status " + status + ": " + String.join(" | ", last));
        }

        private static void print(BufferedReader messages) {
            try {
                messages.lines().forEach(System.err::println);
            } catch (UncheckedIOException e) {
                // the process has been ended
            }
        }

        double residentMib() throws IOException {
            return ProcessMemory.residentMib(process.pid());
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    /** Clients that send requests at the same time. */
    static final class Load implements Contestant {
        private final String address;
        private final List<byte[]> photographs;
        private final int clients;
        private final double seconds;
        private final HttpClient http = HttpClient.newHttpClient();
        private final ExecutorService threads;
        private final List<Double> millis = new ArrayList<>(); // of all requests after the warm-up
        private final AtomicInteger failed = new AtomicInteger();

        Load(String address, List<byte[]> photographs, int clients, double seconds) {
            this.address = address;
            this.photographs = photographs;
            this.clients = clients;
            this.seconds = seconds;
            this.threads = Executors.newFixedThreadPool(clients);
        }

        private HttpResponse<String> send(String path, int photograph) throws IOException, InterruptedException {
            byte[] body = photographs.get(photograph % photographs.size());
            return http.send(
                    HttpRequest.newBuilder(URI.create(address + path))
                            .header("X-Face-Page", "1") // as the page's own requests
                            .POST(BodyPublishers.ofByteArray(body))
                            .build(),
                    BodyHandlers.ofString());
        }

        void enroll(int people) throws IOException, InterruptedException {
            for (int i = 0; i < Math.min(people, photographs.size()); i++) {
                HttpResponse<String> answer = send("/api/enroll?name=person" + i, i);
                if (answer.statusCode() != 200 && answer.statusCode() != NO_FACE) {
                    throw new IOException("serve answered " + answer.body());
                }
            }
        }

        @Override
        public String name() {
            return "serve, " + clients + " clients";
        }

        @Override
        public double imagesPerSecond(int steps) {
            long start = System.nanoTime();
            List<Double> answered = run(steps * seconds);
            double elapsed = (System.nanoTime() - start) / 1e9; // the last answers come after the time to send is over
            millis.addAll(answered);
            if (answered.isEmpty()) {
                throw new IllegalStateException("serve has answered no request");
            }
            return answered.size() / elapsed;
        }

        /** Returns the time of each request that was answered, in milliseconds. */
        private List<Double> run(double duration) {
            long end = System.nanoTime() + (long) (duration * 1e9);
            List<Callable<List<Double>>> work = new ArrayList<>();
            for (int client = 0; client < clients; client++) {
                int first = client * photographs.size() / clients;
                work.add(() -> requests(first, end));
            }
            List<Double> all = new ArrayList<>();
            try {
                for (Future<List<Double>> times : threads.invokeAll(work)) {
                    all.addAll(times.get());
                }
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException("a client failed", e);
            }
            return all;
        }

        private List<Double> requests(int first, long end) throws IOException, InterruptedException {
            List<Double> times = new ArrayList<>();
            for (int i = first; System.nanoTime() < end; i++) {
                long start = System.nanoTime();
                if (send("/api/identify", i).statusCode() == 200) {
                    times.add((System.nanoTime() - start) / 1e6);
                } else {
                    failed.incrementAndGet();
                }
            }
            return times;
        }

        @Override
        public void close() {
            threads.shutdownNow();
        }
    }
}
