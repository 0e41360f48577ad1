package org.facerecognition.gallery;

import java.text.Normalizer;
import java.util.Locale;

/**
 * Normalizes names of people. Names that people cannot tell apart are one name: the gallery stores the form that was
 * enrolled first, and finds it by every other form.
 */
/*
 * Two names are one if their keys are equal. The key is the name in compatibility form (NFKC), without invisible
 * characters, case-folded, with one space for each run of spaces, one hyphen and one apostrophe for all characters that
 * look like them, and one letter for letters of the Latin, Greek and Cyrillic scripts that look alike in upper or lower
 * case. There are two rounds, because case folding can produce new compatibility forms.
 *
 * Unicode's table of confusable characters (UTS 39) is larger, and is part of ICU, which is several times the size of
 * this library. Two kinds are deliberately not covered: digits that look like letters (O and 0, l and 1), because
 * numbered names would become one, and look-alikes of other scripts.
 */
final class Names {
    private static final char REPLACEMENT = '\uFFFD';

    /** Pairs of a lower-case letter and the Latin letter that it looks like in upper or lower case. */
    private static final String LOOK_ALIKES = "\u0430a\u0432b\u0435e\u043ak\u043cm\u043dh\u043eo\u0440p\u0441c\u0442t"
            + "\u0443y\u0445x\u0456i\u0458j\u0455s\u0501d\u051bq\u051dw\u04bbh" // Cyrillic
            + "\u03b1a\u03b2b\u03b5e\u03b6z\u03b7h\u03b9i\u03bak\u03bcm\u03bdn\u03bfo\u03c1p\u03c4t\u03c5y\u03c7x"
            + "\u03f2c\u03f3j" // Greek
            + "\u0131i\u0251a\u0261g"; // Latin: dotless i, script a and g

    private static final String HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u00af\u02d7";
    private static final String APOSTROPHES = "\u2018\u2019\u201b\u02bc\u02b9\u02bb\u2032\u0060\u00b4\uff07";

    private Names() {}

    /**
     * Returns a name as it is stored: composed (NFC), with single spaces, and without invisible characters.
     *
     * @throws IllegalArgumentException if it is empty or too long, or contains characters that cannot be displayed or
     *     could not be read
     */
    static String checked(String name) {
        checkReadable(name);
        StringBuilder visible = new StringBuilder(name.length());
        for (int i = 0, c; i < name.length(); i += Character.charCount(c)) {
            c = name.codePointAt(i);
            if (isForbidden(c)) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "identity must be one line of text without control characters, but has U+%04X",
                        c));
            }
            if (!isInvisible(c)) {
                visible.appendCodePoint(c);
            }
        }
        String checked = Texts.checked(singleSpaced(visible.toString()), "identity", Texts.MAX_NAME_BYTES);
        if (!isAscii(checked) && key(checked).isEmpty()) { // ASCII that is not empty after singleSpaced is visible
            throw new IllegalArgumentException("identity must have a visible character, but has none");
        }
        return checked;
    }

    /**
     * Returns a name that an earlier version stored in the form in which it is accepted today: with spaces in place of
     * control characters, and without bidirectional controls. Its key stays the same.
     */
    static String upgraded(String name) {
        StringBuilder accepted = new StringBuilder(name.length());
        name.codePoints()
                .filter(c -> !(isForbidden(c) && isInvisible(c)))
                .forEach(c -> accepted.appendCodePoint(isForbidden(c) ? ' ' : c));
        return accepted.toString();
    }

    /**
     * Returns a key that is equal for exactly those names that people cannot tell apart. Accepts any text, because
     * galleries of earlier versions contain names that would be rejected today.
     */
    static String key(String name) {
        return isAscii(name) ? asciiKey(name) : unicodeKey(name);
    }

    private static boolean isAscii(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }

    /** What {@link #unicodeKey} returns for ASCII, which has no compatibility forms and no invisible characters. */
    private static String asciiKey(String name) {
        StringBuilder key = new StringBuilder(name.length());
        boolean space = false;
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c <= ' ' || c == 0x7f) {
                space = true;
                continue;
            }
            if (space && !key.isEmpty()) {
                key.append(' ');
            }
            space = false;
            key.append(c == '`' ? '\'' : c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : c);
        }
        return key.toString();
    }

    static String unicodeKey(String name) {
        // composed, or a base letter alone would become Latin; and likeLatin before NFKC, which turns an accent that is
        // used as an apostrophe into two characters
        String key = likeLatin(Normalizer.normalize(name, Normalizer.Form.NFC));
        for (int round = 0; round < 2; round++) {
            StringBuilder folded = new StringBuilder();
            Normalizer.normalize(key, Normalizer.Form.NFKC)
                    .codePoints()
                    .filter(c -> !isInvisible(c) && !isJoinerOrVariant(c))
                    .forEach(folded::appendCodePoint);
            key = likeLatin(
                    singleSpaced(folded.toString()).toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
        }
        return key;
    }

    /**
     * Rejects names that this process could not decode: different letters may have become the same replacement
     * character.
     *
     * @throws IllegalArgumentException if there are such characters; the message says what to do
     */
    static void checkReadable(String name) {
        if (name.indexOf(REPLACEMENT) >= 0) {
            throw new IllegalArgumentException(
                    "identity must be readable text, but has U+FFFD in place of characters that could not be read;"
                            + " if this process has no UTF-8 locale, set LC_ALL=C.UTF-8. An entry that was enrolled"
                            + " under such a name can be removed by its id");
        }
        for (int i = 0, c; i < name.length(); i += Character.charCount(c)) {
            c = name.codePointAt(i);
            if (Character.MIN_SURROGATE <= c && c <= Character.MAX_SURROGATE) {
                throw new IllegalArgumentException("identity must be Unicode text, but has an unpaired surrogate");
            }
        }
    }

    /** Returns whether it is a control character, a line break or a bidirectional control. */
    private static boolean isForbidden(int c) {
        return Character.isISOControl(c)
                || c == 0x2028
                || c == 0x2029
                || c >= 0x202a && c <= 0x202e
                || c >= 0x2066 && c <= 0x2069;
    }

    /** Returns whether a character is not displayed and does not change its neighbors. */
    private static boolean isInvisible(int c) {
        return c == 0x00ad
                || c == 0x034f
                || c == 0x061c
                || c == 0x115f
                || c == 0x1160
                || c == 0x17b4
                || c == 0x17b5
                || c == 0x180e
                || c == 0x200b
                || c == 0x200e
                || c == 0x200f
                || c >= 0x202a && c <= 0x202e
                || c >= 0x2060 && c <= 0x206f
                || c == 0x3164
                || c == 0xfeff
                || c == 0xffa0
                || c >= 0xfff0 && c <= 0xfff8;
    }

    /** Returns whether a character selects the form of a letter or an emoji. */
    private static boolean isJoinerOrVariant(int c) {
        return c == 0x200c
                || c == 0x200d
                || c >= 0x180b && c <= 0x180f
                || c >= 0xfe00 && c <= 0xfe0f
                || c >= 0xe0000 && c <= 0xe0fff;
    }

    private static String singleSpaced(String text) {
        StringBuilder all = new StringBuilder(text.length());
        boolean space = false;
        for (int i = 0, c; i < text.length(); i += Character.charCount(c)) {
            c = text.codePointAt(i);
            boolean isSpace = Character.isSpaceChar(c)
                    || Character.isWhitespace(c)
                    || Character.isISOControl(c)
                    || c == 0x2800; // Braille without dots
            if (!isSpace) {
                if (space && !all.isEmpty()) {
                    all.append(' ');
                }
                all.appendCodePoint(c);
            }
            space = isSpace;
        }
        return all.toString();
    }

    private static String likeLatin(String folded) {
        StringBuilder all = new StringBuilder(folded.length());
        for (char c : folded.toCharArray()) {
            int at = LOOK_ALIKES.indexOf(c);
            if (at >= 0 && at % 2 == 0) {
                all.append(LOOK_ALIKES.charAt(at + 1));
            } else if (HYPHENS.indexOf(c) >= 0) {
                all.append('-');
            } else {
                all.append(APOSTROPHES.indexOf(c) >= 0 ? '\'' : c);
            }
        }
        return all.toString();
    }
}
