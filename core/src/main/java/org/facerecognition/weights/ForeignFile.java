package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.facerecognition.io.ForeignText;

/**
 * Says what a file is that people take for weights and that is none, with the way out. It is recognized by its first
 * bytes, whatever its name.
 */
final class ForeignFile {
    /** The number of bytes that show whether {@code torch.save} wrote a file. */
    static final int MAX_PYTORCH_START = 32;

    private static final String DCP_METADATA = ".metadata";
    private static final String MAGIC_NUMBER = "\u006c\u00fc\u009c\u0046\u00f9\u0020\u006a\u00a8\u0050\u0019";
    private static final int START_BYTES = 4096;
    private static final String UNPACK = "; unpack it and give the file of weights in it";
    private static final String DISTRIBUTED = " of a checkpoint of torch.distributed.checkpoint; join its files first:"
            + " python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE";
    private static final String PYTORCH_INSTEAD = "; use a PyTorch checkpoint or a safetensors file of the network";

    /** The first bytes of formats, in hexadecimal digits, and what to say of them. */
    private static final Map<String, String> SIGNATURES = Map.ofEntries(
            Map.entry(
                    "894844460d0a1a0a",
                    "is an HDF5 file, as Keras writes it, not weights of PyTorch" + PYTORCH_INSTEAD),
            Map.entry("934e554d5059", "is a NumPy array (.npy), not weights by name" + PYTORCH_INSTEAD),
            Map.entry("47475546", "is a GGUF model, not weights of PyTorch" + PYTORCH_INSTEAD),
            Map.entry("1201000000000000", "is a file of MXNet's parameters, not weights of PyTorch" + PYTORCH_INSTEAD),
            Map.entry("4641434547414c00", "is a gallery of this library, not weights; use the model it was made with"),
            Map.entry("ffd8ff", "is a JPEG image, not weights; name the file of weights"),
            Map.entry("89504e470d0a1a0a", "is a PNG image, not weights; name the file of weights"),
            Map.entry("080112", "is a TensorFlow model, not weights of PyTorch" + PYTORCH_INSTEAD));

    private static final List<String> WEIGHTS_EXTENSIONS =
            List.of(".pt", ".pth", ".ckpt", ".th", ".tar", ".bin", ".safetensors", ".model");

    private ForeignFile() {}

    /**
     * Returns whether a file begins like those of {@code torch.save}: as a zip archive, or as a pickle of torch's magic
     * number, which any protocol may frame.
     *
     * @param start the first {@value #MAX_PYTORCH_START} bytes, or all of a shorter file
     */
    static boolean isPyTorch(byte[] start) {
        String text = new String(start, 0, Math.min(start.length, MAX_PYTORCH_START), StandardCharsets.ISO_8859_1);
        return text.startsWith("PK\3\4") || isPickle(start) && text.contains(MAGIC_NUMBER);
    }

    private static boolean isPickle(byte[] start) {
        return start.length > 2 && (start[0] & 0xff) == 0x80 && start[1] >= 2 && start[1] <= 5;
    }

    /**
     * Describes a file that is not in the safetensors format.
     *
     * @return a sentence without its subject, such as {@code is empty; fetch it again}; empty for safetensors files,
     *     for missing files and where the kind is not known
     */
    static Optional<String> describe(Path file) {
        if (Files.isDirectory(file)) {
            return Optional.of(
                    Files.exists(file.resolve(DCP_METADATA))
                            ? "is the folder" + DISTRIBUTED
                            : "is a folder; name the file of weights in it");
        }
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        if (isOfDistributedCheckpoint(file)) {
            return Optional.of("is a part" + DISTRIBUTED);
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] start = in.readNBytes(START_BYTES);
            return isSafeTensors(start) ? Optional.empty() : describe(start);
        } catch (IOException e) { // whoever reads the file next says why it cannot be read
            return Optional.empty();
        }
    }

    /** Returns whether a file has the name of a part, which torch.save writes, but without names of tensors. */
    static boolean isOfDistributedCheckpoint(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.endsWith(".distcp") || name.equals(DCP_METADATA);
    }

    /** Returns whether these bytes are a length of less than 4 GiB and the beginning of a JSON object. */
    private static boolean isSafeTensors(byte[] start) {
        return start.length > 8 && start[8] == '{' && start[4] == 0 && start[5] == 0 && start[6] == 0 && start[7] == 0;
    }

    private static Optional<String> describe(byte[] start) {
        String hex = HexFormat.of().formatHex(start, 0, Math.min(start.length, 16));
        Optional<String> known = SIGNATURES.entrySet().stream()
                .filter(signature -> hex.startsWith(signature.getKey()))
                .map(Map.Entry::getValue)
                .findFirst();
        return known.or(() -> describeArchive(start))
                .or(() -> describeModel(start))
                .or(() -> describeText(start));
    }

    private static Optional<String> describeArchive(byte[] start) {
        if (contains(start, 257, "ustar")) {
            return Optional.of("is a tar archive" + UNPACK + ". If it is a checkpoint of PyTorch before 0.1.10, load it"
                    + " in Python and save its state dict again");
        }
        if (isPyTorch(start)) {
            return Optional.of("has no description of its network, unlike the models that this library saves; read it"
                    + " with Weights.read and give it to Recognizer.pretrained");
        }
        return isPickle(start)
                ? Optional.of("is a Python pickle that torch.save did not write; load it in Python and save the tensors"
                        + " with torch.save(state_dict, file)")
                : Optional.empty();
    }

    private static Optional<String> describeModel(byte[] start) {
        if (contains(start, 4, "TFL3")) {
            return Optional.of("is a TensorFlow Lite model, not weights of PyTorch" + PYTORCH_INSTEAD);
        }
        // ONNX: field 1 is the version of the format, 3 or more, and another field of its model follows
        boolean onnx = start.length > 2 && start[0] == 8 && start[1] >= 3 && start[1] < 32 && isOnnxField(start[2]);
        if (onnx) {
            return Optional.of(
                    "is an ONNX model, not a checkpoint of weights; with a name that ends in .onnx, embed with it"
                            + " through PreparedRecognizer.load or --model, or start a training from it with --init;"
                            + " or use the checkpoint that it was exported from");
        }
        // TensorFlow: a frozen graph begins with a node, which begins with its name
        boolean graph = start.length > 3 && start[0] == 0x0a && start[2] == 0x0a && start[3] > 0 && start[3] < start[1];
        return graph
                ? Optional.of("is a TensorFlow graph, not weights of PyTorch" + PYTORCH_INSTEAD)
                : Optional.empty();
    }

    private static boolean isOnnxField(byte tag) {
        return List.of(0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42).contains((int) tag);
    }

    private static boolean contains(byte[] start, int at, String text) {
        return start.length >= at + text.length()
                && new String(start, at, text.length(), StandardCharsets.ISO_8859_1).equals(text);
    }

    private static Optional<String> describeText(byte[] start) {
        String text = ForeignText.of(start);
        return text.startsWith("{") && text.contains("weight_map")
                ? Optional.of(
                        "is an index of weights in several files, not weights; load all of them in Python and save"
                                + " their tensors in one file")
                : ForeignText.describe(start, "weights", "the file of weights");
    }

    /**
     * Describes a zip archive that {@code torch.save} did not write.
     *
     * @param names of its entries
     * @return a sentence without its subject; empty where {@code torch.save} may have written it
     */
    static Optional<String> describeZip(Collection<String> names) {
        if (has(names, "archive_format")) {
            return Optional.of("is an archive of torch.export, not weights; use the checkpoint that it was exported"
                    + " from, or save the state_dict of torch.export.load(file) in Python");
        }
        if (has(names, "data.pkl")) {
            return Optional.empty();
        }
        if (has(names, ".npy")) {
            return Optional.of(
                    "is an archive of NumPy arrays (.npz), not weights of PyTorch; load it in Python and save"
                            + " its arrays as tensors with torch.save(state_dict, file)");
        }
        if (has(names, "model.weights.h5")) {
            return Optional.of("is a Keras model, not weights of PyTorch" + PYTORCH_INSTEAD);
        }
        return Optional.of(
                WEIGHTS_EXTENSIONS.stream().anyMatch(extension -> has(names, extension))
                        ? "is a zip archive that contains weights" + UNPACK
                        : "must be written by torch.save, but its archive has no data.pkl; name the file of weights");
    }

    private static boolean has(Collection<String> names, String ending) {
        return names.stream().anyMatch(name -> name.endsWith(ending));
    }
}
