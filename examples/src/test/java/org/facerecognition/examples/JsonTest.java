package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import java.util.LinkedHashMap;
import java.util.Map;
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
}
