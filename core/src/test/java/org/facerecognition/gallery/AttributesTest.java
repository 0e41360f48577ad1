package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Attributes of entries, which other applications may have written into the same column. */
class AttributesTest {
    /** A number used to come back as the nearest binary one. */
    @Test
    void returnsValuesThatAreNoTextAsTheyAreWritten() {
        String json =
                "{\"price\": 19.90, \"badge\": 12345678901234567890.5, \"big\": 12345678901234567890123, \"on\": true,"
                        + " \"list\": [1.50, \"x\"], \"none\": null, \"text\": \"1.50\"}";
        assertThat(Attributes.of(json))
                .isEqualTo(Map.of(
                        "price", "19.90",
                        "badge", "12345678901234567890.5",
                        "big", "12345678901234567890123",
                        "on", "true",
                        "list", "[1.50,\"x\"]",
                        "none", "null",
                        "text", "1.50"));
    }

    /** One of the two values used to be lost, and which one differed between runs. */
    @Test
    void rejectsNamesThatAreTheSameInComposedForm() {
        assertThatThrownBy(() -> Attributes.json(Map.of("\u00e9", "1", "e\u0301", "2")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must differ in their composed form (NFC), but")
                .hasMessageEndingWith("occurs twice");
        assertThat(Attributes.json(Map.of("e\u0301", "2"))).isEqualTo("{\"\u00e9\":\"2\"}");
    }
}
