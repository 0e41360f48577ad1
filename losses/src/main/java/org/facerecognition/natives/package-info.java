/**
 * {@link org.facerecognition.natives.Libtorch} gets the native libraries ready. Every package may use it; it uses none.
 */
@NullMarked
package org.facerecognition.natives;

import org.jspecify.annotations.NullMarked;
