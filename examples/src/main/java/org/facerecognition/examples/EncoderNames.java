package org.facerecognition.examples;

import java.util.ArrayList;
import java.util.Arrays;
import org.facerecognition.backbone.Encoder;

/** The names of all encoders, for help and completion; loads no native library. */
final class EncoderNames extends ArrayList<String> {
    private static final long serialVersionUID = 1L;

    EncoderNames() {
        super(Arrays.stream(Encoder.values()).map(Encoder::id).toList());
    }
}
