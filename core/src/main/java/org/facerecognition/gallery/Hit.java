package org.facerecognition.gallery;

/** The best row of an identity that a search found, and its cosine to the probe. */
record Hit(int row, double cosine) {}
