package org.facerecognition.export;

import java.util.Locale;
import org.facerecognition.Recognizer;

/** Files that {@link Recognizer#export} writes. */
public enum ExportFormat {
    /** For PyTorch in Python and C++, and DJL. */
    TORCHSCRIPT,
    /** For ONNX Runtime and all that read ONNX, operator set 17. */
    ONNX,
    /** The encoder's weights by their origin's names, for those who have the architecture. */
    SAFETENSORS;

    /** The name on the command line: {@code onnx}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
