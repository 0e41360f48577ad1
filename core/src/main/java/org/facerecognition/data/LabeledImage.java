package org.facerecognition.data;

/**
 * An image of a known identity.
 *
 * @param image where the image comes from
 * @param label number of the identity, from 0
 */
record LabeledImage(ImageSource image, int label) {}
