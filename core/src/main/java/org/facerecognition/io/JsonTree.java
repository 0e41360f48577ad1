package org.facerecognition.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Reads JSON as a tree, as Jackson's {@code ObjectMapper.readTree} does, but without the {@code ObjectMapper}: loading
 * its classes takes about a third of a second, for which every program that only embeds would wait at its start.
 *
 * <p>Objects that repeat a name are rejected. After the first value, the text is not read. Trees that would take more
 * than a half of the Java heap are rejected while they are read: a few bytes of text can stand for many of the tree.
 */
public final class JsonTree {
    private static final int MAX_STRING_CHARACTERS =
            100 << 20; // names of millions of people, in the header of a safetensors file
    private static final int VALUE_BYTES = 64; // of a node, and of its place in what holds it
    private static final int OBJECT_BYTES = 256; // with its table and what Jackson keeps to find names again
    private static final int NAME_BYTES = 128;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(MAX_STRING_CHARACTERS)
                    .build())
            .build();

    private final JsonParser parser;
    private long freeBytes;

    private JsonTree(JsonParser parser, long freeBytes) {
        this.parser = parser;
        this.freeBytes = freeBytes;
    }

    /** Thrown when a tree is larger than its part of the Java heap. */
    public static final class TooLargeException extends StreamConstraintsException {
        private static final long serialVersionUID = 1L;

        TooLargeException() {
            super("it has more values than fit into this Java heap; give Java more memory (-Xmx)");
        }
    }

    /**
     * Reads the first value of a text.
     *
     * @return a missing node if the text is blank
     * @throws TooLargeException when there are more values than fit into the Java heap
     * @throws JsonProcessingException when the text is not JSON
     */
    public static JsonNode read(String text) throws JsonProcessingException {
        try (JsonParser parser = JSON.createParser(text)) {
            return new JsonTree(parser, halfOfTheHeap()).first();
        } catch (JsonProcessingException e) {
            throw e;
        } catch (IOException e) {
            throw new UncheckedIOException("a text in memory must be readable", e);
        }
    }

    /**
     * Reads the first value of a text in UTF-8, UTF-16 or UTF-32.
     *
     * @return a missing node if the text is blank
     * @throws TooLargeException when there are more values than fit into the Java heap
     * @throws JsonProcessingException when the text is not JSON
     */
    public static JsonNode read(byte[] text) throws IOException {
        return read(text, halfOfTheHeap());
    }

    static JsonNode read(byte[] text, long bytes) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            return new JsonTree(parser, bytes).first();
        }
    }

    private static long halfOfTheHeap() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    private void take(long bytes) throws TooLargeException {
        freeBytes -= bytes;
        if (freeBytes < 0) {
            throw new TooLargeException();
        }
    }

    private JsonNode first() throws IOException {
        return parser.nextToken() == null ? NODES.missingNode() : value();
    }

    private JsonNode value() throws IOException {
        take(VALUE_BYTES);
        return switch (parser.currentToken()) {
            case START_OBJECT -> object();
            case START_ARRAY -> array();
            case VALUE_STRING -> {
                take(2L * parser.getTextLength());
                yield NODES.textNode(parser.getText());
            }
            case VALUE_NUMBER_INT ->
                switch (parser.getNumberType()) {
                    case INT -> NODES.numberNode(parser.getIntValue());
                    case LONG -> NODES.numberNode(parser.getLongValue());
                    default -> NODES.numberNode(parser.getBigIntegerValue());
                };
            case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
            case VALUE_TRUE -> NODES.booleanNode(true);
            case VALUE_FALSE -> NODES.booleanNode(false);
            case VALUE_NULL -> NODES.nullNode();
            default -> throw new IllegalStateException("no value begins with " + parser.currentToken());
        };
    }

    private ObjectNode object() throws IOException {
        take(OBJECT_BYTES);
        ObjectNode object = NODES.objectNode();
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            take(NAME_BYTES + 2L * name.length());
            parser.nextToken();
            object.set(name, value());
        }
        return object;
    }

    private ArrayNode array() throws IOException {
        ArrayNode array = NODES.arrayNode();
        while (!parser.nextToken().isStructEnd()) { // a text that ends within an array is an exception
            array.add(value());
        }
        return array;
    }
}
