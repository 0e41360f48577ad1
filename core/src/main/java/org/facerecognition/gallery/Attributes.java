package org.facerecognition.gallery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import java.util.TreeMap;

/** Attributes of entries as JSON. */
final class Attributes {
    private static final ObjectMapper JSON = JsonMapper.builder() // numbers stay as they are written
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();
    private static final int MAX_ATTRIBUTES = 64;
    private static final int MAX_NAME_BYTES = 256;
    private static final int MAX_VALUE_BYTES = 4096;

    private Attributes() {}

    /**
     * Returns attributes as a JSON object, in composed form (NFC).
     *
     * @throws IllegalArgumentException if they are too many or too long, contain characters that cannot be stored, or
     *     if two names are the same in composed form
     */
    static String json(Map<String, String> attributes) {
        if (attributes.size() > MAX_ATTRIBUTES) {
            throw new IllegalArgumentException(
                    "an entry must have at most " + MAX_ATTRIBUTES + " attributes, but has " + attributes.size());
        }
        Map<String, String> checked = new TreeMap<>();
        attributes.forEach((name, value) -> {
            String former = checked.put(
                    PostgresGallery.storable(Texts.checked(name, "name of an attribute", MAX_NAME_BYTES)),
                    value.isEmpty()
                            ? value
                            : PostgresGallery.storable(Texts.checked(value, "attribute " + name, MAX_VALUE_BYTES)));
            if (former != null) {
                throw new IllegalArgumentException(
                        "names of attributes must differ in their composed form (NFC), but " + name + " occurs twice");
            }
        });
        try {
            return JSON.writeValueAsString(checked);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts must be writable as JSON", e);
        }
    }

    /** Returns the attributes in a JSON object; values that an application wrote, and that are not text, as JSON. */
    static Map<String, String> of(String json) {
        try {
            return parse(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a database must return jsonb as JSON", e);
        }
    }

    /**
     * Returns the attributes in a JSON object that a file contains, like {@link #of}.
     *
     * @throws IllegalArgumentException if it is not one, or the attributes cannot be stored
     */
    static Map<String, String> checked(String json) {
        try {
            Map<String, String> attributes = parse(json);
            json(attributes);
            return attributes;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("attributes must be a JSON object, but are not JSON", e);
        }
    }

    private static Map<String, String> parse(String json) throws JsonProcessingException {
        JsonNode object = JSON.readTree(json);
        if (!object.isObject()) {
            throw new IllegalArgumentException("attributes must be a JSON object, but are another value");
        }
        Map<String, String> attributes = new TreeMap<>();
        for (Map.Entry<String, JsonNode> one : object.properties()) {
            JsonNode value = one.getValue();
            attributes.put(one.getKey(), value.isTextual() ? value.textValue() : value.toString());
        }
        return attributes;
    }
}
