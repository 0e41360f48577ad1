/**
 * Painted faces for tests and the demo: {@link org.facerecognition.synthetic.SyntheticFaces} draws any number of images
 * of any number of identities from a seed. They show no real person, and how well a model tells them apart says nothing
 * about real faces.
 */
@NullMarked
package org.facerecognition.synthetic;

import org.jspecify.annotations.NullMarked;
