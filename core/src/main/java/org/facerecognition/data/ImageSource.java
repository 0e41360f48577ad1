package org.facerecognition.data;

import org.bytedeco.opencv.opencv_core.Mat;

/** A picture that can be read again and again, from any thread. */
public interface ImageSource {
    /** What the picture is called in messages: its file, mostly. */
    String name();

    /**
     * Reads it.
     *
     * @return RGB, CV_8UC3; the caller closes it
     * @throws DataException when it cannot be read
     */
    Mat read();
}
