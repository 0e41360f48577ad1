/**
 * {@link org.facerecognition.natives.Libtorch} gets the native libraries ready; {@link
 * org.facerecognition.natives.RandomStream} keeps the random numbers of one training apart from the rest of the
 * process. Every package may use these; they use none.
 */
@NullMarked
package org.facerecognition.natives;

import org.jspecify.annotations.NullMarked;
