/**
 * Files on disk: {@link org.facerecognition.io.AtomicFile} writes a file whole or not at all, and {@link
 * org.facerecognition.io.WriterLock} lets one writer at a time into a place.
 */
@NullMarked
package org.facerecognition.io;

import org.jspecify.annotations.NullMarked;
