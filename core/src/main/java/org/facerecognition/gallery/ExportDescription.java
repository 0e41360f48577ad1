package org.facerecognition.gallery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code gallery.json} of an exported gallery, which is written last: an export without one is not complete.
 *
 * @param entries their number; negative if unknown, in a file that another program wrote
 * @param embeddingsCheck CRC32C of the embeddings in hexadecimal; null if unknown
 * @param entriesCheck CRC32C of the file of entries in hexadecimal; null if unknown
 */
record ExportDescription(
        GalleryInfo info,
        long entries,
        @Nullable String embeddingsCheck,
        @Nullable String entriesCheck) {
    static final String FILE = "gallery.json";
    static final String EMBEDDINGS = "embeddings.npy";
    static final String ENTRIES = "entries.csv";

    private static final String FORMAT = "face-recognition gallery export";
    private static final int VERSION = 1;
    private static final long MAX_BYTES = 1 << 16;
    private static final ObjectMapper JSON = new ObjectMapper();

    static String hex(long check) {
        return HexFormat.of().toHexDigits((int) check);
    }

    void write(Path file) throws IOException {
        ObjectNode object = JSON.createObjectNode();
        object.put("format", FORMAT).put("version", VERSION);
        object.put("fingerprint", info.fingerprint()).put("dimension", info.dimension());
        object.put("embedding_mode", info.embeddingMode());
        object.put("entries", entries);
        object.put("embeddings_crc32c", embeddingsCheck).put("entries_crc32c", entriesCheck);
        String text = object.toPrettyString() + "\n";
        Files.writeString(file, text);
    }

    /** @throws GalleryException if the folder has no description, or one that cannot be used */
    static ExportDescription read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new GalleryException("folder " + folder + " must be that of an exported gallery, but has no " + FILE
                    + "; if an export into it was interrupted, export again");
        }
        JsonNode object;
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new GalleryException(
                        file + " must describe an exported gallery in at most 64 KiB, but is larger");
            }
            object = JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            throw new GalleryException(file + " must be JSON, but is not; export the gallery again", e);
        } catch (IOException e) {
            throw new GalleryException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
        int version = object.path("version").asInt(0);
        if (!object.path("format").asText().equals(FORMAT) || version != VERSION) {
            throw new GalleryException(file + " must have the format \"" + FORMAT + "\" and the version " + VERSION
                    + (version > VERSION
                            ? ", but has version " + version + "; use the version of this library that wrote it"
                            : ", but has others"));
        }
        @Nullable String fingerprint = text(object, "fingerprint");
        int dimension = object.path("dimension").asInt(0);
        if (fingerprint == null
                || dimension < GalleryArguments.MIN_DIMENSION
                || dimension > GalleryArguments.MAX_DIMENSION) {
            throw new GalleryException(file + " must have the model's fingerprint and a dimension of "
                    + GalleryArguments.MIN_DIMENSION + " to " + GalleryArguments.MAX_DIMENSION
                    + ", but has not; export the gallery again");
        }
        return new ExportDescription(
                new GalleryInfo(fingerprint, dimension, text(object, "embedding_mode")),
                object.path("entries").asLong(-1),
                text(object, "embeddings_crc32c"),
                text(object, "entries_crc32c"));
    }

    private static @Nullable String text(JsonNode object, String name) {
        JsonNode value = object.path(name);
        return value.isTextual() ? value.textValue() : null;
    }
}
