package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.text.Normalizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names that look alike are one name, in whatever characters they are written. */
class NamesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "anna o'neil",
                " Anna  O'Neil\t",
                "Anna\u00a0O'Neil",
                "Anna\u3000O\u2019Neil",
                "An\u200bna O'Neil\ufeff",
                "Anna\u00ad O'Neil\u200e",
                "\u200fAnna O\u02bcNeil",
                "\uff21\uff4e\uff4e\uff41 O'Neil",
                "\u0410nn\u0430 O'Neil",
                "Anna \u039f'Neil",
                "ANNA O\u00b4NEIL",
                "Anna\u202e O'Neil",
                "Anna\n O'Neil"
            })
    void namesThatLookAlikeHaveOneKey(String name) {
        assertThat(Names.key(name)).isEqualTo(Names.key("Anna O'Neil"));
    }

    @ParameterizedTest
    @CsvSource({"Anna,Hanna", "p1,p10", "p1,pl", "p0,po", "Jos\u00e9,Jose", "Anna B,AnnaB", "\u674e\u660e,\u738b\u82b3"
    })
    void namesThatLookDifferentHaveTwoKeys(String one, String other) {
        assertThat(Names.key(one)).isNotEqualTo(Names.key(other));
    }

    /** The base letter alone used to become a Latin one: such a person could not be removed by a decomposed name. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u0424\u0451\u0434\u043e\u0440",
                "\u0393\u03b9\u03ac\u03bd\u03bd\u03b7\u03c2",
                "\u0407\u0432\u0433\u0430",
                "J\u00fcrgen \u00c5s"
            })
    void aDecomposedNameHasTheKeyOfTheComposedOne(String name) {
        String decomposed = Normalizer.normalize(name, Normalizer.Form.NFD);
        assertThat(decomposed).isNotEqualTo(name);
        assertThat(Names.key(decomposed)).isEqualTo(Names.key(name));
        assertThat(Gallery.isSameName(name, decomposed)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"Stra\u00dfe,STRASSE", "\u0391\u03a3,\u03b1\u03c2", "\ufb01n,Fin", "Jean\u2011Luc,jean-luc"})
    void ignoresCaseAndCompatibilityForms(String one, String other) {
        assertThat(Names.key(one)).isEqualTo(Names.key(other));
    }

    @Test
    void asciiNamesHaveTheKeyOfTheGeneralRule() {
        for (char a = 0; a < 0x80; a++) {
            for (char b = 0; b < 0x80; b++) {
                String name = "" + b + a + b + "X" + a + a + b;
                assertThat(Names.key(name)).isEqualTo(Names.unicodeKey(name));
            }
        }
        assertThat(Names.key("")).isEqualTo(Names.unicodeKey("")).isEmpty();
    }

    @Test
    void keepsTheFormExceptForInvisibleCharactersAndSpaces() {
        assertThat(Names.checked(" A\u0301nna \u00a0 M\u200b. \ufeff")).isEqualTo("\u00c1nna M.");
        assertThat(Names.checked("\ud83d\udc69\u200d\ud83d\ude80"))
                .as("an emoji composed of two")
                .hasSize(5);
    }

    @ParameterizedTest
    @CsvSource({
        "'Anna\u0007', one line of text without control characters",
        "'Anna\u2028Bob', one line of text without control characters",
        "'Anna\u202ebob', one line of text without control characters",
        "'Anna\u2066', one line of text without control characters",
        "'\ufffd\ufffd', set LC_ALL=C.UTF-8",
        "' \u00a0\u200b', must have 1 to 1024 bytes",
        "'\u200d', must have a visible character"
    })
    void rejectsNamesThatCannotBeDisplayedOrRead(String name, String why) {
        assertThatThrownBy(() -> Names.checked(name))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    @Test
    void rejectsUnpairedSurrogates() {
        assertThatThrownBy(() -> Names.checked("A\ud800"))
                .hasMessage("identity must be Unicode text, but has an unpaired surrogate");
    }

    /** Of what earlier versions stored, which would be rejected today. */
    @ParameterizedTest
    @ValueSource(strings = {"An\u202Ana", "An\u2066na", "An\u2028na", "An\tna", "An\u0007na", "\u202eAnna"})
    void anAcceptedFormOfAFormerNameHasItsKey(String name) {
        assertThat(Names.key(Names.upgraded(name))).isEqualTo(Names.key(name));
        assertThat(Names.key(Names.checked(Names.upgraded(name)))).isEqualTo(Names.key(name));
    }
}
