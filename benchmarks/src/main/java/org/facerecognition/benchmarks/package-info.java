/**
 * Speed, always beside a baseline measured in the same run: {@link org.facerecognition.benchmarks.TrainingBenchmark}.
 */
@NullMarked
package org.facerecognition.benchmarks;

import org.jspecify.annotations.NullMarked;
