/**
 * The command line, {@link org.facerecognition.examples.Main}, and nine small example programs, {@code Step1_...} to
 * {@code Step9_...}, each of which shows one idea.
 *
 * <p>Each command is a class {@code ...Command}; options that several commands share, or that belong together, are
 * classes {@code ...Options}, which the commands mix in.
 */
@NullMarked
package org.facerecognition.examples;

import org.jspecify.annotations.NullMarked;
