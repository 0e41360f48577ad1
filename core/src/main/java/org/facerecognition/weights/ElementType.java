package org.facerecognition.weights;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The element types of the safetensors format, under its names. */
enum ElementType {
    BOOL(ScalarType.Bool, 1),
    U8(ScalarType.Byte, 1),
    I8(ScalarType.Char, 1),
    I16(ScalarType.Short, 2),
    I32(ScalarType.Int, 4),
    I64(ScalarType.Long, 8),
    F16(ScalarType.Half, 2),
    BF16(ScalarType.BFloat16, 2),
    F32(ScalarType.Float, 4),
    F64(ScalarType.Double, 8);

    private final ScalarType scalarType;
    private final int bytes;

    ElementType(ScalarType scalarType, int bytes) {
        this.scalarType = scalarType;
        this.bytes = bytes;
    }

    ScalarType scalarType() {
        return scalarType;
    }

    /** Returns the number of bytes per element. */
    int bytes() {
        return bytes;
    }

    /** @throws IllegalArgumentException when the format has no such type */
    static ElementType of(ScalarType type) {
        return Arrays.stream(values())
                .filter(t -> t.scalarType.value == type.value)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("tensor must be of a type of safetensors, but was " + type));
    }

    /** Returns the type of this name, or empty when the format has none. */
    static Optional<ElementType> of(String name) {
        return Arrays.stream(values()).filter(t -> t.name().equals(name)).findFirst();
    }
}
