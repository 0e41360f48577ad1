package org.facerecognition.examples;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The heading under which {@code --help} lists an option, or all options of a class; on both, the option's counts.
 * {@link HelpOptions} reads it. An option without one belongs to {@link Heading#OUTPUT}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.FIELD})
@interface HelpSection {
    Heading value();

    /** The options of a command that are listed first, most important one first; belongs on the command's class. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface First {
        String[] value();
    }

    /** The options of a command's mixins that it refuses, and does not list; belongs on the command's class. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.TYPE)
    @interface Refused {
        String[] value();
    }

    /** All headings, in the order in which help lists them. */
    enum Heading {
        COMMON("Common options"),
        MEASUREMENT("Measurement"),
        GALLERY("Gallery"),
        DATA("Data"),
        MODEL("Model"),
        LOSS("Loss"),
        OPTIMIZATION("Optimization"),
        LOADING("Loading"),
        PROCESSES("Several processes"),
        CHECKPOINTS("Checkpoints"),
        DETECTION("Face detection"),
        DECISION("Decision"),
        NETWORK("Network"),
        OUTPUT("Output"),
        HELP("Help");

        private final String text;

        Heading(String text) {
            this.text = text;
        }

        String text() {
            return text;
        }
    }
}
