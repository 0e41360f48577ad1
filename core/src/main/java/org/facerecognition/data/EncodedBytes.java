package org.facerecognition.data;

import org.bytedeco.opencv.opencv_core.Mat;

/** The bytes of an image file. */
record EncodedBytes(byte[] bytes, String name) implements ImageSource {
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
