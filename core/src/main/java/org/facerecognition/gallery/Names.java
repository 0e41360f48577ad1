package org.facerecognition.gallery;

import java.text.Normalizer;
import java.util.Locale;

/**
 * Names of people. Names that a person cannot tell apart are one name: the gallery keeps the form that was enrolled
 * first, and finds it by all the others.
 */
/*
 * Two names are one when their keys are the same. The key is the name in its compatibility form (NFKC), without signs
 * that are not shown, with one space for any run of spaces, one hyphen and one apostrophe for all that look like them,
 * one letter for letters of the Latin, Greek and Cyrillic scripts that look the same in capital or in small letters,
 * and without the difference of capital and small letters. It goes two rounds, as folding can make new compatibility
 * forms.
 *
 * Unicode's own table of look-alikes (UTS 39) is larger and belongs to ICU, which is several times the size of this
 * library. What is left out: digits that look like letters (O and 0, l and 1), as numbered names would become one, and
 * look-alikes of other scripts.
 */
final class Names {
    private static final char REPLACEMENT = '\uFFFD';

    /** Small letters after folding, each with the Latin letter that it looks like as a capital or as a small letter. */
    private static final String LOOK_ALIKES = "\u0430a\u0432b\u0435e\u043ak\u043cm\u043dh\u043eo\u0440p\u0441c\u0442t"
            + "\u0443y\u0445x\u0456i\u0458j\u0455s\u0501d\u051bq\u051dw\u04bbh" // Cyrillic
            + "\u03b1a\u03b2b\u03b5e\u03b6z\u03b7h\u03b9i\u03bak\u03bcm\u03bdn\u03bfo\u03c1p\u03c4t\u03c5y\u03c7x"
            + "\u03f2c\u03f3j" // Greek
            + "\u0131i\u0251a\u0261g"; // Latin: i without a dot, script a and g

    private static final String HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u00af\u02d7";
    private static final String APOSTROPHES = "\u2018\u2019\u201b\u02bc\u02b9\u02bb\u2032\u0060\u00b4\uff07";

    private Names() {}

    /**
     * A name as it is kept: composed (NFC), with single spaces, and without signs that are not shown.
     *
     * @throws IllegalArgumentException when it is empty or too long, or holds characters that cannot be shown or could
     *     not be read
     */
    static String checked(String name) {
        checkReadable(name);
        name.codePoints().filter(Names::isForbidden).findFirst().ifPresent(sign -> {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT, "identity must be one line of text without control characters, but has U+%04X", sign));
        });
        StringBuilder shown = new StringBuilder();
        name.codePoints().filter(sign -> !isInvisible(sign)).forEach(shown::appendCodePoint);
        String checked = Texts.checked(singleSpaced(shown.toString()), "identity", Texts.MAX_NAME_BYTES);
        if (key(checked).isEmpty()) {
            throw new IllegalArgumentException("identity must have a visible character, but has none");
        }
        return checked;
    }

    /**
     * What all forms of a name that a person cannot tell apart have in common, and no others. For any text: galleries
     * of earlier versions hold names that would be refused today.
     */
    static String key(String name) {
        String key =
                likeLatin(name); // a lone accent that stands for an apostrophe has a compatibility form of two signs
        for (int round = 0; round < 2; round++) {
            StringBuilder folded = new StringBuilder();
            Normalizer.normalize(key, Normalizer.Form.NFKC)
                    .codePoints()
                    .filter(sign -> !isInvisible(sign) && !isJoinerOrVariant(sign))
                    .forEach(folded::appendCodePoint);
            key = likeLatin(
                    singleSpaced(folded.toString()).toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
        }
        return key;
    }

    /**
     * Refuses names that this process could not read, each letter of which may be the same sign.
     *
     * @throws IllegalArgumentException with the reason and the way out
     */
    static void checkReadable(String name) {
        if (name.indexOf(REPLACEMENT) >= 0) {
            throw new IllegalArgumentException(
                    "identity must be readable text, but has U+FFFD in the place of characters"
                            + " that could not be read; if this process has no UTF-8 locale, set LC_ALL=C.UTF-8. An entry that"
                            + " was enrolled so is removed by its number");
        }
        if (name.codePoints().anyMatch(sign -> Character.getType(sign) == Character.SURROGATE)) {
            throw new IllegalArgumentException("identity must be Unicode text, but has half a surrogate pair");
        }
    }

    /** Control characters, ends of lines, and signs that turn the direction of what follows. */
    private static boolean isForbidden(int sign) {
        return Character.isISOControl(sign)
                || sign == 0x2028
                || sign == 0x2029
                || sign >= 0x202a && sign <= 0x202e
                || sign >= 0x2066 && sign <= 0x2069;
    }

    /** Signs that show nothing by themselves and change nothing in what is beside them. */
    private static boolean isInvisible(int sign) {
        return sign == 0x00ad
                || sign == 0x034f
                || sign == 0x061c
                || sign == 0x115f
                || sign == 0x1160
                || sign == 0x17b4
                || sign == 0x17b5
                || sign == 0x180e
                || sign == 0x200b
                || sign == 0x200e
                || sign == 0x200f
                || sign >= 0x202a && sign <= 0x202e
                || sign >= 0x2060 && sign <= 0x206f
                || sign == 0x3164
                || sign == 0xfeff
                || sign == 0xffa0
                || sign >= 0xfff0 && sign <= 0xfff8;
    }

    /** Signs that choose the form of a letter or of an emoji. */
    private static boolean isJoinerOrVariant(int sign) {
        return sign == 0x200c
                || sign == 0x200d
                || sign >= 0x180b && sign <= 0x180f
                || sign >= 0xfe00 && sign <= 0xfe0f
                || sign >= 0xe0000 && sign <= 0xe0fff;
    }

    private static String singleSpaced(String text) {
        StringBuilder all = new StringBuilder();
        boolean space = false;
        for (int sign : text.codePoints().toArray()) {
            boolean isSpace = Character.isSpaceChar(sign)
                    || Character.isWhitespace(sign)
                    || Character.isISOControl(sign)
                    || sign == 0x2800; // Braille without dots
            if (!isSpace) {
                if (space && !all.isEmpty()) {
                    all.append(' ');
                }
                all.appendCodePoint(sign);
            }
            space = isSpace;
        }
        return all.toString();
    }

    private static String likeLatin(String folded) {
        StringBuilder all = new StringBuilder(folded.length());
        for (char sign : folded.toCharArray()) {
            int at = LOOK_ALIKES.indexOf(sign);
            if (at >= 0 && at % 2 == 0) {
                all.append(LOOK_ALIKES.charAt(at + 1));
            } else if (HYPHENS.indexOf(sign) >= 0) {
                all.append('-');
            } else {
                all.append(APOSTROPHES.indexOf(sign) >= 0 ? '\'' : sign);
            }
        }
        return all.toString();
    }
}
