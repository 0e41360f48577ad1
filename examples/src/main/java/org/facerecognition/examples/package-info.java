/**
 * The command line, {@link org.facerecognition.examples.Main}, and small programs to read: {@code Step1_...} to {@code
 * Step5_...}, one idea each.
 */
@NullMarked
package org.facerecognition.examples;

import org.jspecify.annotations.NullMarked;
