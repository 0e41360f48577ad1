/**
 * The demo page and its HTTP API, served by {@link org.facerecognition.examples.web.FaceServer} on this machine. Each
 * request passes {@code SameOriginFilter} (was it sent by this page?) and {@code AdmissionControl} (is there capacity
 * for it?) before {@code DemoService} handles it. {@code DemoService} and its {@code Enroller} are the only classes of
 * this package that use the recognizer and change the gallery.
 */
@NullMarked
package org.facerecognition.examples.web;

import org.jspecify.annotations.NullMarked;
