package org.facerecognition.export;

import java.util.Locale;
import org.facerecognition.Recognizer;

/** File formats that {@link Recognizer#export} writes. */
public enum ExportFormat {
    /** TorchScript, for PyTorch in Python and C++, and for DJL. */
    TORCHSCRIPT,
    /** ONNX, operator set 17, for ONNX Runtime and other runtimes that read ONNX. */
    ONNX,
    /** The encoder's weights without its architecture, under the names that the original implementation uses. */
    SAFETENSORS;

    /** Returns the name on the command line: {@code onnx}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
