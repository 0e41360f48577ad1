/**
 * The door: {@link org.facerecognition.Recognizer} is a face recognizer, {@link org.facerecognition.Trainer} teaches it.
 * The only package that reads settings records; everything below takes plain values.
 */
@NullMarked
package org.facerecognition;

import org.jspecify.annotations.NullMarked;
