package org.facerecognition.export;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.facerecognition.graph.Constant;

/** Writes small ONNX models for tests, node by node. */
public final class OnnxModelWriter {
    /** A size of any number. */
    public static final long FREE = -1;

    private static final int FLOAT = 1;
    private static final int INT64 = 7;

    private final long opset;
    private final List<Message> nodes = new ArrayList<>();
    private final List<Message> initializers = new ArrayList<>();
    private final List<Message> inputs = new ArrayList<>();
    private final List<Message> outputs = new ArrayList<>();
    private final Map<String, String> metadata = new TreeMap<>();

    public OnnxModelWriter(long opset) {
        this.opset = opset;
    }

    public OnnxModelWriter input(String name, long... shape) {
        return input(name, FLOAT, shape);
    }

    public OnnxModelWriter input(String name, int type, long... shape) {
        inputs.add(value(name, type, shape));
        return this;
    }

    public OnnxModelWriter output(String name, long... shape) {
        return outputOf(FLOAT, name, shape);
    }

    public OnnxModelWriter outputOf(int type, String name, long... shape) {
        outputs.add(value(name, type, shape));
        return this;
    }

    private static Message value(String name, int type, long... shape) {
        Message dimensions = new Message();
        for (long size : shape) {
            dimensions.message(1, size == FREE ? new Message().text(2, "any") : new Message().number(1, size));
        }
        return new Message()
                .text(1, name)
                .message(
                        2,
                        new Message().message(1, new Message().number(1, type).message(2, dimensions)));
    }

    /** Adds a constant as raw bytes. */
    public OnnxModelWriter floats(String name, float[] values, long... shape) {
        initializers.add(
                new Message().numbers(1, shape).number(2, FLOAT).text(8, name).constant(9, Constant.of(values, shape)));
        return this;
    }

    /** Adds a constant whose values are written one by one. */
    public OnnxModelWriter written(String name, int type, long[] bits, long... shape) {
        initializers.add(
                new Message().numbers(1, shape).number(2, type).text(8, name).numbers(type == INT64 ? 7 : 5, bits));
        return this;
    }

    public OnnxModelWriter integers(String name, long... values) {
        return written(name, INT64, values, values.length);
    }

    /** Adds a constant whose values are in another file. */
    public OnnxModelWriter external(String name, String location, long offset, long length, long... shape) {
        initializers.add(outside(location, offset, length, shape).text(8, name));
        return this;
    }

    private static Message outside(String location, long offset, long length, long... shape) {
        return new Message()
                .numbers(1, shape)
                .number(2, FLOAT)
                .message(13, new Message().text(1, "location").text(2, location))
                .message(13, new Message().text(1, "offset").text(2, Long.toString(offset)))
                .message(13, new Message().text(1, "length").text(2, Long.toString(length)))
                .number(14, 1);
    }

    /** An attribute, made by {@link #attribute}. */
    public static final class Attribute {
        private final Message message;

        private Attribute(Message message) {
            this.message = message;
        }
    }

    public static Attribute attribute(String name, long value) {
        return new Attribute(new Message().text(1, name).number(3, value).number(20, 2));
    }

    public static Attribute attribute(String name, double value) {
        return new Attribute(new Message().text(1, name).real(2, (float) value).number(20, 1));
    }

    public static Attribute attribute(String name, String value) {
        return new Attribute(new Message().text(1, name).text(4, value).number(20, 3));
    }

    /** An attribute whose values are in another file. */
    public static Attribute inFile(String name, String location, long length, long... shape) {
        return new Attribute(new Message()
                .text(1, name)
                .message(5, outside(location, 0, length, shape))
                .number(20, 4));
    }

    public static Attribute attribute(String name, long[] values) {
        return new Attribute(new Message().text(1, name).numbers(8, values).number(20, 7));
    }

    public static Attribute attribute(String name, float[] values) {
        Message attribute = new Message().text(1, name).number(20, 6);
        for (float value : values) {
            attribute.real(7, value);
        }
        return new Attribute(attribute);
    }

    /** @param words names of inputs, separated by spaces, {@code ->} and names of outputs; _ is an absent one */
    public OnnxModelWriter node(String type, String words, Attribute... attributes) {
        Message node = new Message();
        String[] sides = words.split(" *-> *");
        for (String input : sides[0].isEmpty() ? new String[0] : sides[0].split(" ")) {
            node.text(1, name(input));
        }
        for (String output : sides[1].split(" ")) {
            node.text(2, name(output));
        }
        node.text(3, type.toLowerCase(java.util.Locale.ROOT) + nodes.size()).text(4, type);
        for (Attribute attribute : attributes) {
            node.message(5, attribute.message);
        }
        nodes.add(node);
        return this;
    }

    private static String name(String word) {
        return word.equals("_") ? "" : word;
    }

    public OnnxModelWriter metadata(String key, String text) {
        metadata.put(key, text);
        return this;
    }

    public byte[] bytes() {
        Message graph = new Message();
        nodes.forEach(node -> graph.message(1, node));
        graph.text(2, "test");
        initializers.forEach(tensor -> graph.message(5, tensor));
        inputs.forEach(input -> graph.message(11, input));
        outputs.forEach(output -> graph.message(12, output));
        Message model = new Message()
                .number(1, opset >= 21 ? 10 : opset >= 15 ? 8 : 4)
                .message(7, graph)
                .message(8, new Message().text(1, "").number(2, opset));
        metadata.forEach(
                (key, text) -> model.message(14, new Message().text(1, key).text(2, text)));
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            model.writeTo(out);
            out.flush();
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path write(Path file) {
        try {
            return Files.write(file, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
