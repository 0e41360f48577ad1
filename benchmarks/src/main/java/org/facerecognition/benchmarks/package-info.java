/**
 * Benchmarks of training, inference, losses, loading and galleries. Each measures a baseline in the same run, with the
 * rounds of all contestants interleaved; {@link org.facerecognition.benchmarks.Main} lists them. Results are printed as
 * Markdown tables.
 */
@NullMarked
package org.facerecognition.benchmarks;

import org.jspecify.annotations.NullMarked;
