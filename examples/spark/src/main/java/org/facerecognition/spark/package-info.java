/**
 * Face recognition on Apache Spark. {@link org.facerecognition.spark.FaceEmbedding} embeds the images of a data set,
 * {@link org.facerecognition.spark.ImageRows} makes such data sets of files, {@link
 * org.facerecognition.spark.GalleryRows} enrolls embeddings in a gallery, and {@link
 * org.facerecognition.spark.BarrierTraining} starts a training in several processes. {@link
 * org.facerecognition.spark.EmbedJob} and {@link org.facerecognition.spark.EnrollJob} are programs for spark-submit.
 */
@NullMarked
package org.facerecognition.spark;

import org.jspecify.annotations.NullMarked;
