package org.facerecognition.onnx;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileState;
import org.facerecognition.weights.WeightsException;

/**
 * The files of a model: its own, and those with its weights. Their values are read later, by their places, so they must
 * still be the files that were opened.
 */
final class OpenedFiles {
    private final Path model;
    private final SortedMap<Path, FileState> weights = new TreeMap<>();
    private final FileState before;

    private OpenedFiles(Path model, FileState before) {
        this.model = model;
        this.before = before;
    }

    /** @param before the state of the model's file before it was read */
    static OpenedFiles of(Path model, FileState before, ModelProto proto) {
        OpenedFiles files = new OpenedFiles(model, before);
        Stream.concat(
                        proto.initializers().values().stream(),
                        proto.nodes().stream()
                                .flatMap(node -> node.attributes().values().stream()
                                        .map(NodeProto.Attribute::tensor)
                                        .filter(Objects::nonNull)))
                .forEach(tensor -> {
                    if (tensor.values() instanceof TensorProto.InFile part
                            && !part.file().equals(model)) {
                        files.weights.computeIfAbsent(part.file(), FileState::of);
                    }
                });
        return files;
    }

    /** @throws WeightsException when one was changed or replaced */
    void requireUnchanged() {
        requireUnchanged(model, before);
        weights.forEach(OpenedFiles::requireUnchanged);
    }

    private static void requireUnchanged(Path file, FileState before) {
        if (!before.equals(FileState.of(file))) {
            throw new WeightsException(file + " was changed or replaced after it had been opened; open it again");
        }
    }

    /**
     * Adds the contents of all files to a digest.
     *
     * @throws WeightsException when one cannot be read, or was changed
     */
    void digest(MessageDigest digest) {
        digest(model, digest);
        weights.keySet().forEach(file -> digest(file, digest));
        requireUnchanged();
    }

    private static void digest(Path file, MessageDigest digest) {
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            byte[] chunk = new byte[1 << 16];
            while (in.read(chunk) >= 0) {
                // the stream updates the digest
            }
        } catch (IOException e) {
            throw new WeightsException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
    }
}
