package org.facerecognition.data;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Mutations;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;

/**
 * Passes damaged files to the library: each must be read or rejected with one sentence, and nothing else may happen. A
 * case depends on its number and the seed alone, so that a failure can be reproduced.
 */
final class DamagedFilesDrill {
    private static final int CHECKPOINT_EVERY = 20; // whole models are slower to load than weights
    private static final int MAX_FAILURES = 20;

    /** The kind of files that are damaged. */
    enum Kind {
        IMAGES,
        CHECKPOINTS,
        VERIFICATION_SETS
    }

    /**
     * The result of a drill.
     *
     * @param failures unexpected outcomes, with the number of the case
     * @param maxMs longest CPU time of one case
     */
    record Result(int read, int rejected, List<String> failures, long maxMs, String slowest) {}

    private final Kind kind;
    private final long seed;
    private final Path folder;
    private final Map<String, byte[]> files;
    private final List<String> names;

    DamagedFilesDrill(Kind kind, long seed, Path folder) throws IOException {
        this.kind = kind;
        this.seed = seed;
        this.folder = folder;
        this.files = switch (kind) {
            case IMAGES -> images();
            case CHECKPOINTS -> checkpoints(folder);
            case VERIFICATION_SETS -> verificationSets(folder);
        };
        this.names = List.copyOf(files.keySet());
    }

    /** @param progress receives each case's number before it begins, since native code may crash the process in it */
    Result run(int from, int count, IntConsumer progress) throws IOException {
        int read = 0;
        int rejected = 0;
        List<String> failures = new ArrayList<>();
        long max = 0;
        String slowest = "";
        for (int i = from; i < from + count && failures.size() < MAX_FAILURES; i++) {
            progress.accept(i);
            Random random = new Random(seed + i);
            String name = name(i, random);
            long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            try {
                open(name, mutated(name, random));
                read++;
            } catch (DataException | WeightsException e) {
                rejected++;
                String message = e.getMessage();
                if (message.length() > 2000 || message.isBlank() || message.contains("\n\t")) {
                    failures.add("case " + i + ", " + name + ": not a sentence: " + message);
                }
            } catch (RuntimeException | Error e) {
                failures.add("case " + i + ", " + name + ": " + e + " at " + Arrays.toString(e.getStackTrace()));
            }
            long ms = (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / 1_000_000;
            if (ms > max) {
                max = ms;
                slowest = "case " + i + ", " + name;
            }
        }
        return new Result(read, rejected, failures, max, slowest);
    }

    private String name(int number, Random random) {
        String name = names.get(random.nextInt(names.size()));
        return name.endsWith(".ckpt") && number % CHECKPOINT_EVERY != 0 ? names.get(0) : name;
    }

    private byte[] mutated(String name, Random random) {
        byte[] whole = files.get(name);
        return name.endsWith(".pack") && random.nextBoolean()
                ? withMutatedIndex(whole, random)
                : Mutations.of(whole, random);
    }

    private void open(String name, byte[] bytes) throws IOException {
        switch (kind) {
            case IMAGES -> ImageReader.decode(bytes, name).close();
            case CHECKPOINTS -> openCheckpoint(Files.write(folder.resolve("mutated-" + name), bytes));
            case VERIFICATION_SETS -> openSet(name, bytes);
        }
    }

    private static Map<String, byte[]> images() {
        Map<String, byte[]> files = ImageVariants.images();
        files.put("tiled.tiff", ImageVariants.tiledTiff());
        return files;
    }

    // ---- checkpoints ----

    private static Map<String, byte[]> checkpoints(Path folder) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String name : new String[] {"zip", "odd", "old", "odd-old", "nested", "evil", "compressed"}) {
            files.put(name + ".pth", ImageVariants.resource("/weights/" + name + ".pth"));
        }
        Path file = folder.resolve("seed");
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("conv.weight", torch.ones(4, 3, 3, 3));
            tensors.put("conv.bias", torch.ones(4));
            tensors.put("fc.weight", torch.ones(2, 4));
            SafeTensors.write(file, tensors, Map.of("made by", "a test"));
        }
        files.put("small.safetensors", Files.readAllBytes(file));
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .classes(2)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(file);
        }
        files.put("model.ckpt", Files.readAllBytes(file));
        return files;
    }

    private static void openCheckpoint(Path file) {
        if (file.toString().endsWith(".ckpt")) {
            Recognizer.load(file).close();
            return;
        }
        try (PointerScope scope = new PointerScope()) {
            Weights weights = Weights.read(file);
            weights.names().forEach(weights::read);
        }
    }

    // ---- verification sets ----

    private static Map<String, byte[]> verificationSets(Path folder) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String name : new String[] {"pairs", "pairs-2", "pairs-numpy", "pairs-numpy-2", "pairs-python2", "evil"}) {
            files.put(name + ".bin", ImageVariants.resource("/images/" + name + ".bin"));
        }
        StringBuilder list = new StringBuilder("# pairs\n");
        StringBuilder lfw = new StringBuilder("2\t3\n");
        for (int person = 0; person < 3; person++) {
            for (int i = 1; i < 5; i++) {
                String name = "p" + person + "/p" + person + "_000" + i + ".jpg";
                TestImages.write(folder.resolve("faces/" + name), 20, 20, 10L * person + i);
            }
            list.append("p0/p0_0001.jpg\tp" + person + "/p" + person + "_0002.jpg\t" + (person == 0 ? 1 : 0) + "\n");
        }
        for (int fold = 0; fold < 2; fold++) {
            lfw.append("p0 1 2\np1 1 2\np2 3 4\np0 1 p1 1\np1 2 p2 2\np0 3 p2 1\n");
        }
        files.put("pairs.tsv", list.toString().getBytes(StandardCharsets.UTF_8));
        files.put("pairs.txt", lfw.toString().getBytes(StandardCharsets.UTF_8));
        for (int decodedPx : new int[] {0, 16}) {
            Path pack = folder.resolve("seed.pack");
            PackedFaces.write(
                    pack, List.of(FaceDataset.folders(folder.resolve("faces"), Split.TRAIN)), decodedPx, packed -> {});
            files.put(decodedPx + ".pack", Files.readAllBytes(pack));
        }
        files.put("train.rec", ImageVariants.resource("/images/recordio/train.rec"));
        files.put("train.idx", ImageVariants.resource("/images/recordio/train.idx"));
        return files;
    }

    private void openSet(String name, byte[] bytes) throws IOException {
        Path file = Files.write(Files.createDirectories(folder.resolve("set")).resolve(name), bytes);
        if (name.endsWith(".bin")) {
            readPairs(FacePairs.insightfaceBin(file));
        } else if (name.endsWith(".tsv")) {
            readPairs(FacePairs.list(file, folder.resolve("faces")));
        } else if (name.endsWith(".txt")) {
            readPairs(FacePairs.lfw(file, folder.resolve("faces")));
        } else if (name.endsWith(".pack")) {
            readImages(FaceDataset.packed(file, Split.TRAIN));
        } else {
            String other = name.equals("train.rec") ? "train.idx" : "train.rec";
            Files.write(folder.resolve("set").resolve(other), files.get(other));
            readImages(FaceDataset.recordIo(folder.resolve("set"), Split.TRAIN, 0.2, 0, 1));
        }
    }

    /** Reads the first pairs only; the others are similar. */
    private static void readPairs(FacePairs pairs) {
        for (FacePairs.Pair pair :
                pairs.pairs().subList(0, Math.min(2, pairs.pairs().size()))) {
            pair.first().read().close();
            pair.second().read().close();
        }
    }

    private static void readImages(FaceDataset data) {
        for (LabeledImage image :
                data.images().subList(0, Math.min(4, data.images().size()))) {
            try (Mat read = image.image().read()) {
                data.crop().apply(read, 16, image.image().name()).close();
            }
        }
    }

    /** Damages the index as an attacker would who knows the format: with a matching checksum. */
    private static byte[] withMutatedIndex(byte[] pack, Random random) {
        ByteBuffer whole = ByteBuffer.wrap(pack).order(ByteOrder.LITTLE_ENDIAN);
        int begin = (int) whole.getLong(pack.length - 24);
        byte[] index = Mutations.of(Arrays.copyOfRange(pack, begin, pack.length - 24), random);
        ByteBuffer made = ByteBuffer.allocate(begin + index.length + 24).order(ByteOrder.LITTLE_ENDIAN);
        made.put(pack, 0, begin).put(index).putLong(begin).putInt(index.length);
        made.putInt((int) Checksum.of(index)).put(pack, pack.length - 8, 8);
        return made.array();
    }

    // ---- in a separate process ----

    /** Arguments: kind, seed, first case, number of cases, folder, maximum resident bytes. Prints the result. */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[4]);
        long maxResidentBytes = Long.parseLong(args[5]);
        Thread watch = new Thread(() -> watch(maxResidentBytes));
        watch.setDaemon(true);
        watch.start();
        DamagedFilesDrill drill = new DamagedFilesDrill(Kind.valueOf(args[0]), Long.parseLong(args[1]), folder);
        Path progress = folder.resolve("case");
        try (FileChannel file = FileChannel.open(
                progress, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer number = file.map(FileChannel.MapMode.READ_WRITE, 0, Integer.BYTES);
            Result result = drill.run(Integer.parseInt(args[2]), Integer.parseInt(args[3]), i -> number.putInt(0, i));
            PrintStream out = System.out;
            result.failures().forEach(failure -> out.println("failure: " + failure));
            out.println("read " + result.read() + ", rejected " + result.rejected() + ", failures "
                    + result.failures().size() + ", slowest " + result.maxMs() + " ms (" + result.slowest()
                    + "), resident at most " + (resident("VmHWM:") >> 20) + " MiB");
        }
    }

    private static void watch(long maxResidentBytes) {
        while (true) {
            if (resident("VmRSS:") > maxResidentBytes) {
                System.out.println("failure: more than " + maxResidentBytes + " bytes resident");
                Runtime.getRuntime().halt(77);
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Returns a number of bytes from Linux's status file; 0 on other systems. */
    private static long resident(String line) {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(text -> text.startsWith(line))
                    .mapToLong(text -> Long.parseLong(text.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
