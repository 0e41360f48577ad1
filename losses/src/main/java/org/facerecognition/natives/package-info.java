/**
 * {@link org.facerecognition.natives.Libtorch} and {@link org.facerecognition.natives.NativeLibraries} load the native
 * libraries, or say in a sentence why not; {@link org.facerecognition.natives.Lifetime} lets many threads use an object
 * that one closes; {@link org.facerecognition.natives.RandomStream} keeps the random numbers of one training apart from
 * the rest of the process. Every package may use these; they use none.
 */
@NullMarked
package org.facerecognition.natives;

import org.jspecify.annotations.NullMarked;
