package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that the tree is that of Jackson's ObjectMapper, and what the fields of an object may be. */
class JsonTreeTest {
    private static JsonFields fields(String json) throws JsonProcessingException {
        return JsonFields.of(JsonTree.read(json));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "null",
                "true",
                "\"text \\u00e9 \\n\"",
                "-1",
                "2147483648",
                "9223372036854775808",
                "1.5e-300",
                "1e999",
                "0.1",
                " {\"a\": [1, 2.5, null, {\"b\": false}], \"\": \"\", \"c\": {}} ",
                "[[[[]]]]",
                "",
                "  ",
                "1 2",
            })
    void theTreeIsThatOfObjectMapper(String json) throws Exception {
        assertThat(JsonTree.read(json)).isEqualTo(new ObjectMapper().readTree(json));
        assertThat(JsonTree.read(json.getBytes(StandardCharsets.UTF_8))).isEqualTo(JsonTree.read(json));
        assertThat(JsonTree.read(json.getBytes(StandardCharsets.UTF_16))).isEqualTo(JsonTree.read(json));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "[",
                "[1",
                "[1,",
                "{\"a\"",
                "{\"a\":",
                "{\"a\":1",
                "{a:1}",
                "]",
                "[1}",
                "nul",
                "\"",
                "NaN",
                "{\"a\":1,\"a\":1}"
            })
    void whatIsNotJsonIsAnException(String text) {
        assertThatThrownBy(() -> JsonTree.read(text)).isInstanceOf(JsonProcessingException.class);
        assertThatThrownBy(() -> JsonTree.read(text.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(JsonProcessingException.class);
    }

    @Test
    void deepNestingIsAnExceptionBeforeTheStackEnds() {
        assertThatThrownBy(() -> JsonTree.read("[".repeat(1_000_000))).isInstanceOf(JsonProcessingException.class);
    }

    @Test
    void fieldsHaveTheirTypes() throws Exception {
        JsonFields fields = fields("{\"t\":\"x\",\"f\":true,\"n\":2.5,\"i\":-7,\"l\":9000000000,\"nan\":\"NaN\","
                + "\"ns\":[1,2.5],\"is\":[1,2],\"o\":{\"0.25\":0.5},\"e\":\"A\",\"limit\":1.17549435E-38}");
        assertThat(fields.text("t")).isEqualTo("x");
        assertThat(fields.flag("f")).isTrue();
        assertThat(fields.number("n")).isEqualTo(2.5);
        assertThat(fields.number("i")).isEqualTo(-7);
        assertThat(fields.numberOrNull("n")).isEqualTo(2.5);
        assertThat(fields.number("nan")).isNaN();
        assertThat(fields.integer("i")).isEqualTo(-7);
        assertThat(fields.longInteger("l")).isEqualTo(9_000_000_000L);
        assertThat(fields.numbers("ns")).containsExactly(1.0, 2.5);
        assertThat(fields.integers("is")).containsExactly(1, 2);
        assertThat(fields.object("o").numbersByNumber()).containsExactly(java.util.Map.entry(0.25, 0.5));
        assertThat(fields.floatNumber("limit")).isEqualTo(Float.MIN_NORMAL);
        assertThat(JsonFields.texts(JsonTree.read("[\"a\",\"b\"]"))).isEqualTo(List.of("a", "b"));
    }

    @Test
    void absentAndNullFieldsAreEmpty() throws Exception {
        for (String json : List.of("{}", "{\"x\":null}")) {
            JsonFields fields = fields(json);
            assertThat(fields.has("x")).isFalse();
            assertThat(fields.text("x")).isEmpty();
            assertThat(fields.flag("x")).isFalse();
            assertThat(fields.number("x")).isZero();
            assertThat(fields.numberOrNull("x")).isNull();
            assertThat(fields.integer("x")).isZero();
            assertThat(fields.longInteger("x")).isZero();
            assertThat(fields.floatNumber("x")).isZero();
        }
    }

    @Test
    void fieldsOfOtherTypesAreNamed() throws Exception {
        JsonFields fields = fields("{\"x\":[],\"n\":1.5,\"big\":9000000000,\"t\":\"many\"}");
        assertThatThrownBy(() -> fields.text("x")).hasMessage("x must be a text, but was []");
        assertThatThrownBy(() -> fields.requiredText("y")).hasMessage("y must be a text, but was absent");
        assertThatThrownBy(() -> fields.flag("n")).hasMessage("n must be true or false, but was 1.5");
        assertThatThrownBy(() -> fields.number("x")).hasMessage("x must be a number, but was []");
        assertThatThrownBy(() -> fields.number("t")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> fields.integer("n")).hasMessage("n must be an integer, but was 1.5");
        assertThatThrownBy(() -> fields.integer("big")).hasMessage("big must be an integer, but was 9000000000");
        assertThatThrownBy(() -> fields.longInteger("n")).hasMessage("n must be a 64-bit integer, but was 1.5");
        assertThatThrownBy(() -> fields.floatNumber("t")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> fields.numbers("y")).hasMessage("y must be an array, but was absent");
        assertThatThrownBy(() -> fields.object("n")).hasMessage("n must be an object, but was 1.5");
        assertThatThrownBy(() -> JsonFields.texts(JsonTree.read("[1]"))).hasMessage("a name must be a text, but was 1");
        assertThatThrownBy(() -> JsonFields.all(JsonTree.read("{}")))
                .hasMessage("a list of settings must be an array, but was {}");
        assertThatThrownBy(() -> fields("[]")).hasMessage("a description must be a JSON object, but was []");
        assertThatThrownBy(() -> fields("")).hasMessage("a description must be a JSON object, but was absent");
    }

    /** Three bytes of text are an object of more than a hundred. */
    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "0", "\"\"", "{\"a\":{}}"})
    void aTreeThatIsTooLargeIsRejectedWhileItIsRead(String value) throws Exception {
        byte[] text = ("[" + (value + ",").repeat(99_999) + value + "]").getBytes(StandardCharsets.UTF_8);
        assertThat(JsonTree.read(text, 100_000_000)).hasSize(100_000);
        assertThatThrownBy(() -> JsonTree.read(text, 1_000_000))
                .isInstanceOf(JsonTree.TooLargeException.class)
                .hasMessageContaining("give Java more memory (-Xmx)");
    }
}
