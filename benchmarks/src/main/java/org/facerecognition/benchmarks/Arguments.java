package org.facerecognition.benchmarks;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Reads the arguments of a benchmark before any work; what is wrong is an {@link ArgumentException}. */
final class Arguments {
    private final String[] args;

    Arguments(String[] args) {
        this.args = args.clone();
    }

    /** Returns a whole number, or the default if there are fewer arguments. */
    int number(int index, String name, int least, int byDefault) {
        return index < args.length ? atLeast(least, name, args[index]) : byDefault;
    }

    static int atLeast(int least, String name, String word) {
        try {
            int number = Integer.parseInt(word);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ArgumentException(name + " must be a whole number of at least " + least + ", but was " + word);
    }

    /** Returns the word. */
    static String oneOf(Collection<String> known, String name, String word) {
        if (!known.contains(word)) {
            throw new ArgumentException(name + " must be one of " + String.join(", ", known) + ", but was " + word);
        }
        return word;
    }

    /** Returns the constant of an enumeration whose text, in lower case, is a word. */
    static <E extends Enum<E>> E oneOf(E[] known, Function<E, String> text, String name, String word) {
        List<String> words = Arrays.stream(known)
                .map(text)
                .map(one -> one.toLowerCase(Locale.ROOT))
                .toList();
        return known[words.indexOf(oneOf(words, name, word.toLowerCase(Locale.ROOT)))];
    }
}
