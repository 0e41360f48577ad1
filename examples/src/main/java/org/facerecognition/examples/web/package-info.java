/**
 * The demonstration page: {@link org.facerecognition.examples.web.FaceServer} answers it, on this machine. Requests come in by
 * {@code SameOriginFilter} (of this page only?) and {@code AdmissionControl} (is there room?), and are done by {@code DemoService}, the only class
 * here that knows recognizer and gallery.
 */
@NullMarked
package org.facerecognition.examples.web;

import org.jspecify.annotations.NullMarked;
