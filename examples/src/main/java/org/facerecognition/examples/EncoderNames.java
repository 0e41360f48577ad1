package org.facerecognition.examples;

import java.util.ArrayList;
import java.util.Arrays;
import org.facerecognition.backbone.Encoder;

/** The registry's names, for help; no native library is loaded for them. */
final class EncoderNames extends ArrayList<String> {
    private static final long serialVersionUID = 1L;

    EncoderNames() {
        super(Arrays.stream(Encoder.values()).map(Encoder::id).toList());
    }
}
