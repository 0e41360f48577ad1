/**
 * The command line, {@link org.facerecognition.examples.Main}, nine small example programs, {@code Step1_...} to {@code
 * Step9_...}, each of which shows one idea, and two whole ones, {@link
 * org.facerecognition.examples.VerifyTwoPhotographs} and {@link org.facerecognition.examples.TrainOnPhotographs}.
 *
 * <p>Each command is a class {@code ...Command}; options that several commands share, or that belong together, are
 * classes {@code ...Options}, which the commands mix in.
 */
@NullMarked
package org.facerecognition.examples;

import org.jspecify.annotations.NullMarked;
