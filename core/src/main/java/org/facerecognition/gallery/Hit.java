package org.facerecognition.gallery;

/** A row that a search has found, the best of its identity. */
record Hit(int row, double cosine) {}
