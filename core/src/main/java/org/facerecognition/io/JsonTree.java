package org.facerecognition.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
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
 * <p>Objects that repeat a name are rejected. After the first value, the text is not read.
 */
public final class JsonTree {
    private static final int MAX_STRING_CHARACTERS =
            100 << 20; // names of millions of people, in the header of a safetensors file
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(MAX_STRING_CHARACTERS)
                    .build())
            .build();

    private JsonTree() {}

    /**
     * Reads the first value of a text.
     *
     * @return a missing node if the text is blank
     * @throws JsonProcessingException when the text is not JSON
     */
    public static JsonNode read(String text) throws JsonProcessingException {
        try (JsonParser parser = JSON.createParser(text)) {
            return first(parser);
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
     * @throws JsonProcessingException when the text is not JSON
     */
    public static JsonNode read(byte[] text) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            return first(parser);
        }
    }

    private static JsonNode first(JsonParser parser) throws IOException {
        return parser.nextToken() == null ? NODES.missingNode() : value(parser);
    }

    private static JsonNode value(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> NODES.textNode(parser.getText());
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

    private static ObjectNode object(JsonParser parser) throws IOException {
        ObjectNode object = NODES.objectNode();
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            parser.nextToken();
            object.set(name, value(parser));
        }
        return object;
    }

    private static ArrayNode array(JsonParser parser) throws IOException {
        ArrayNode array = NODES.arrayNode();
        while (!parser.nextToken().isStructEnd()) { // a text that ends within an array is an exception
            array.add(value(parser));
        }
        return array;
    }
}
