package org.facerecognition.natives;

import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The environment variables that limit oneDNN to the instructions of older processors. */
public final class OneDnnInstructions {
    private static final String VARIABLE = "ONEDNN_MAX_CPU_ISA";

    private OneDnnInstructions() {}

    /** Returns whether the user limits oneDNN, or lifts a limit of this library; an empty variable does neither. */
    public static boolean areGiven() {
        return Stream.of(VARIABLE, "DNNL_MAX_CPU_ISA")
                .map(System::getenv)
                .anyMatch(value -> value != null && !value.isEmpty());
    }

    /**
     * Limits libtorch's oneDNN to AVX. It reads the variable when it is first used, which is here: programs that this
     * process starts would inherit the variable, and most of them do without the limit. Without JNA, which removes it,
     * it stays with an empty value, which limits nothing.
     */
    static void keepToAvx() {
        torch.set_env(VARIABLE, "AVX", true);
        try {
            use();
        } finally {
            torch.set_env(VARIABLE, "", true);
            LibC.call("unsetenv", VARIABLE);
        }
    }

    /** Uses oneDNN for the first time, when it reads the environment and asks for the processor's properties. */
    static void use() {
        try (PointerScope scope = new PointerScope()) {
            Tensor.create(new float[1]).to_mkldnn();
        }
    }
}
