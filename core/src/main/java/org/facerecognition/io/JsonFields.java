package org.facerecognition.io;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object, each read as the type that it must have, without Jackson's {@code ObjectMapper}; {@link
 * JsonTree} says why.
 *
 * <p>A field that is absent or null is 0, false or empty, except where a method says otherwise. Numbers may be in
 * quotation marks, as Jackson writes NaN and the infinities. Methods throw an IllegalArgumentException that names the
 * field when its value is of another type.
 */
public final class JsonFields {
    private final JsonNode object;

    private JsonFields(JsonNode object) {
        this.object = object;
    }

    /** @throws IllegalArgumentException when the value is not an object */
    public static JsonFields of(JsonNode value) {
        check(value.isObject(), "a description", "a JSON object", value);
        return new JsonFields(value);
    }

    /**
     * Returns the texts of an array.
     *
     * @throws IllegalArgumentException when the value is not an array of texts
     */
    public static List<String> texts(JsonNode value) {
        return list("a list of names", value, name -> {
            check(name.isTextual(), "a name", "a text", name);
            return name.textValue();
        });
    }

    /**
     * Returns the fields of each object of an array.
     *
     * @throws IllegalArgumentException when the value is not an array of objects
     */
    public static List<JsonFields> all(JsonNode value) {
        return list("a list of settings", value, JsonFields::of);
    }

    /** Returns whether there is a field of this name whose value is not null. */
    public boolean has(String name) {
        return object.hasNonNull(name);
    }

    /** Returns the fields of the object in a field, which must be there. */
    public JsonFields object(String name) {
        check(object.path(name).isObject(), name, "an object", object.path(name));
        return new JsonFields(object.path(name));
    }

    /** Returns the fields of all objects in this one, by their names. */
    public Map<String, JsonFields> objects() {
        Map<String, JsonFields> all = new LinkedHashMap<>();
        object.properties().forEach(field -> all.put(field.getKey(), object(field.getKey())));
        return all;
    }

    /** Returns the numbers in this object by their names, each of which is a number too. */
    public Map<Double, Double> numbersByNumber() {
        Map<Double, Double> all = new LinkedHashMap<>();
        object.properties()
                .forEach(field -> all.put(Double.valueOf(field.getKey()), number(field.getKey(), field.getValue())));
        return all;
    }

    public String text(String name) {
        check(!has(name) || object.path(name).isTextual(), name, "a text", object.path(name));
        return object.path(name).asText("");
    }

    /** Returns a text that must be there. */
    public String requiredText(String name) {
        check(object.path(name).isTextual(), name, "a text", object.path(name));
        return object.path(name).textValue();
    }

    /** Returns the constant whose name is in a field, which must be there. */
    public <E extends Enum<E>> E constant(Class<E> type, String name) {
        return Enum.valueOf(type, requiredText(name));
    }

    public boolean flag(String name) {
        check(!has(name) || object.path(name).isBoolean(), name, "true or false", object.path(name));
        return object.path(name).booleanValue();
    }

    public double number(String name) {
        return has(name) ? number(name, object.path(name)) : 0;
    }

    /** Returns the float whose shortest decimal is in a field: not the double nearest to it, rounded again. */
    public float floatNumber(String name) {
        return has(name) ? Float.parseFloat(object.path(name).asText()) : 0;
    }

    /** Returns a number; null if there is none. */
    public @Nullable Double numberOrNull(String name) {
        return has(name) ? (Double) number(name) : null;
    }

    public int integer(String name) {
        return has(name) ? integer(name, object.path(name)) : 0;
    }

    public long longInteger(String name) {
        JsonNode value = object.path(name);
        boolean fits = value.isIntegralNumber() && value.canConvertToLong();
        check(!has(name) || fits, name, "a 64-bit integer", value);
        return value.longValue();
    }

    /** Returns the numbers of an array, which must be there. */
    public List<Double> numbers(String name) {
        return list(name, object.path(name), value -> number(name, value));
    }

    /** Returns the integers of an array, which must be there. */
    public List<Integer> integers(String name) {
        return list(name, object.path(name), value -> integer(name, value));
    }

    private static double number(String name, JsonNode value) {
        check(value.isNumber() || value.isTextual(), name, "a number", value);
        return value.isNumber() ? value.doubleValue() : Double.parseDouble(value.textValue());
    }

    private static int integer(String name, JsonNode value) {
        check(value.isIntegralNumber() && value.canConvertToInt(), name, "an integer", value);
        return value.intValue();
    }

    private static <T> List<T> list(String name, JsonNode value, Function<JsonNode, T> element) {
        check(value.isArray(), name, "an array", value);
        return StreamSupport.stream(value.spliterator(), false).map(element).toList();
    }

    private static void check(boolean fits, String name, String expected, JsonNode value) {
        if (!fits) {
            throw new IllegalArgumentException(
                    name + " must be " + expected + ", but was " + (value.isMissingNode() ? "absent" : value));
        }
    }
}
