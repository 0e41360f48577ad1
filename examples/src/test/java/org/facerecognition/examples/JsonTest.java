package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class JsonTest {
    /** Without a UTF-8 locale, standard output has question marks for other characters, and two names became one. */
    @Test
    void namesAreWrittenInAscii() {
        Map<String, Integer> entries = new LinkedHashMap<>();
        entries.put("\u674e\u96f7", 1);
        entries.put("\u738b\u82b3", 3);
        String line = Json.line(entries);
        assertThat(line).isEqualTo("{\"\\u674E\\u96F7\":1,\"\\u738B\\u82B3\":3}");
        assertThat(Json.read(line, new TypeReference<Map<String, Integer>>() {}))
                .isEqualTo(entries);
    }

    private record Unwritable(String name) {
        @Override
        public String name() {
            throw new IllegalStateException("has none");
        }

        @Override
        public String toString() {
            return "a gigabyte of text";
        }
    }

    @Test
    void printsTheSameLineWithoutHoldingIt() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("\u674e\u96f7", List.of(1, 0.5f, Double.NaN));
        value.put("text", "x".repeat(10_000));
        StringWriter out = new StringWriter();
        PrintWriter writer = new PrintWriter(out);
        Json.print(writer, value);
        writer.flush();
        assertThat(out.toString()).isEqualToNormalizingNewlines(Json.line(value) + "\n");
    }

    /** The message had the value itself, which may be the largest part of the memory. */
    @Test
    void saysWhyAValueCannotBeWrittenWithoutRepeatingIt() {
        for (ThrowingCallable write : List.<ThrowingCallable>of(
                () -> Json.line(new Unwritable("")),
                () -> Json.pretty(new Unwritable("")),
                () -> Json.print(new PrintWriter(new StringWriter()), new Unwritable("")))) {
            assertThatThrownBy(write)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot write a result as JSON: has none")
                    .hasMessageNotContaining("gigabyte");
        }
    }
}
