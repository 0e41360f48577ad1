package org.facerecognition.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.graph.Constant;

/**
 * Builds and writes a Protocol Buffers message field by field. Constants are borrowed and copied only while the message
 * is written, so that a model is never in memory twice.
 */
final class Message {
    private static final long MAX_BYTES = Integer.MAX_VALUE; // the limit of Protocol Buffers

    private interface Field {
        void write(CodedOutputStream out) throws IOException;
    }

    private final List<Field> fields = new ArrayList<>();
    private long bytes;

    private Message add(long size, Field field) {
        bytes += size;
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "a model in this format must be smaller than 2 GiB, but was at least " + bytes + " bytes");
        }
        fields.add(field);
        return this;
    }

    Message number(int tag, long value) {
        return add(CodedOutputStream.computeInt64Size(tag, value), out -> out.writeInt64(tag, value));
    }

    Message numbers(int tag, long... values) {
        for (long value : values) {
            number(tag, value);
        }
        return this;
    }

    Message real(int tag, float value) {
        return add(CodedOutputStream.computeFloatSize(tag, value), out -> out.writeFloat(tag, value));
    }

    Message text(int tag, String value) {
        ByteString utf8 = ByteString.copyFromUtf8(value);
        return add(CodedOutputStream.computeBytesSize(tag, utf8), out -> out.writeBytes(tag, utf8));
    }

    Message message(int tag, Message value) {
        return add(sizeWithLength(tag, value.bytes), out -> {
            writeLength(out, tag, value.bytes);
            value.writeTo(out);
        });
    }

    /**
     * Adds the raw bytes of float32 values.
     *
     * @param values borrowed until the message is written
     */
    Message constant(int tag, Constant values) {
        long size = values.count() * Float.BYTES;
        return add(sizeWithLength(tag, size), out -> {
            writeLength(out, tag, size);
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN);
            values.copyTo(bytes.asFloatBuffer());
            out.writeRawBytes(bytes);
        });
    }

    private static long sizeWithLength(int tag, long size) {
        return CodedOutputStream.computeTagSize(tag) + (long) CodedOutputStream.computeUInt64SizeNoTag(size) + size;
    }

    private static void writeLength(CodedOutputStream out, int tag, long size) throws IOException {
        out.writeTag(tag, 2); // length-delimited
        out.writeUInt64NoTag(size);
    }

    void writeTo(CodedOutputStream out) throws IOException {
        for (Field field : fields) {
            field.write(out);
        }
    }
}
