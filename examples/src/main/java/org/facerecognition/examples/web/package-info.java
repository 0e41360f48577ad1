/**
 * The demonstration page: {@link org.facerecognition.examples.web.FaceServer} answers it, on this machine. Requests come in by
 * {@code Guard} (of this page only?) and {@code Admission} (is there room?), and are done by {@code FrontDesk}, the only class
 * here that knows recogniser and gallery.
 */
@NullMarked
package org.facerecognition.examples.web;

import org.jspecify.annotations.NullMarked;
