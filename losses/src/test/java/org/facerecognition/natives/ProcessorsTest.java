package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessorsTest {
    private final String former = System.getProperty(Processors.PROPERTY);

    @AfterEach
    void restore() {
        if (former == null) {
            System.clearProperty(Processors.PROPERTY);
        } else {
            System.setProperty(Processors.PROPERTY, former);
        }
    }

    @Test
    void countsWhatThePropertySays() {
        System.setProperty(Processors.PROPERTY, " 3 ");
        assertThat(Processors.count()).isEqualTo(3);
        assertThat(Processors.given()).hasValue(3);
    }

    @Test
    void countsTheProcessorsOfTheJvmOtherwise() {
        System.clearProperty(Processors.PROPERTY);
        if (System.getenv("OMP_NUM_THREADS") == null) {
            assertThat(Processors.given()).isEmpty();
            assertThat(Processors.count()).isEqualTo(Runtime.getRuntime().availableProcessors());
        } else {
            assertThat(Processors.given()).hasValue(Processors.count());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "", "1.5"})
    void rejectsWhatIsNotANumberOfThreads(String value) {
        System.setProperty(Processors.PROPERTY, value);
        assertThatThrownBy(Processors::count)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("facerecognition.threads must be a whole number of at least 1, but was " + value);
    }
}
