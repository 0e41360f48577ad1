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

    /**
     * Reads it where a smaller one will do: decoders of JPEG leave detail out at a fraction of the cost.
     *
     * @param leastPx neither side becomes smaller than this, unless it is
     * @return RGB, CV_8UC3; the caller closes it
     * @throws DataException when it cannot be read
     */
    default Mat read(int leastPx) {
        return read();
    }

    /**
     * Its bytes as they are kept: an encoded image, to be packed as it is.
     *
     * @throws DataException when they cannot be read
     */
    default byte[] encoded() {
        try (Mat image = read()) {
            return ImageReader.png(image);
        }
    }

    /** Side in pixels of a picture that is framed already, and only needs to be read; 0 for one that is not. */
    default int framedPx() {
        return 0;
    }
}
