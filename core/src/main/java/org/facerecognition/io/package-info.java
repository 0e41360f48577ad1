/**
 * Safe access to files: {@link org.facerecognition.io.AtomicFile} writes files atomically, {@link
 * org.facerecognition.io.ConfidentialFile} protects and erases personal data, {@link org.facerecognition.io.WriterLock}
 * admits one writer at a time, and {@link org.facerecognition.io.DataUnpickler} reads untrusted pickles.
 */
@NullMarked
package org.facerecognition.io;

import org.jspecify.annotations.NullMarked;
