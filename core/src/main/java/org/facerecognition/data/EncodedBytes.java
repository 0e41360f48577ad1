package org.facerecognition.data;

import java.util.Objects;
import org.bytedeco.opencv.opencv_core.Mat;

/** The bytes of an image file. */
record EncodedBytes(byte[] bytes, String name) implements ImageSource {
    EncodedBytes {
        Objects.requireNonNull(bytes, "bytes");
        Objects.requireNonNull(name, "name");
    }

    @Override
    public Mat read() {
        return ImageReader.decode(bytes, name);
    }

    @Override
    public Reduced readReduced(int minPx) {
        return ImageReader.decodeReduced(bytes, minPx, name);
    }

    @Override
    public long contentBytes() {
        return bytes.length;
    }

    @Override
    public byte[] encoded() {
        return bytes;
    }
}
