/**
 * Open-set identification: a {@link org.facerecognition.gallery.Gallery} stores the embeddings of named people, in
 * memory and in a file or in a database, and finds the people nearest to a probe. The package works with arrays and
 * text; it does not depend on models, images or settings.
 *
 * <p>The classes, from the top down: {@code Gallery}, the interface; {@code FileGallery}, which checks arguments;
 * {@code GalleryContents}, which applies changes to the file and to memory; {@code GalleryStore}, {@code LogReader} and
 * {@code LogWriter} for the file, and {@code Snapshots} and {@code Segment} for memory; {@code SearchIndex} and its
 * three implementations. {@code PostgresGallery} is the other implementation: {@code PostgresSchema} makes its tables,
 * {@code PostgresBinding} binds it to a model, {@code PostgresChanges} and {@code PostgresSearch} change and search the
 * tables, and {@code PostgresSession} runs their transactions.
 */
@NullMarked
package org.facerecognition.gallery;

import org.jspecify.annotations.NullMarked;
