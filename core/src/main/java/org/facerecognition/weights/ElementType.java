package org.facerecognition.weights;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

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
    F64(ScalarType.Double, 8),
    // their tensors are not read, but may lie beside those that are
    U16(null, 2),
    U32(null, 4),
    U64(null, 8),
    F8_E4M3(null, 1),
    F8_E5M2(null, 1),
    F8_E4M3FNUZ(null, 1),
    F8_E5M2FNUZ(null, 1),
    F8_E8M0(null, 1),
    C64(null, 8);

    private final @Nullable ScalarType scalarType;
    private final int bytes;

    ElementType(@Nullable ScalarType scalarType, int bytes) {
        this.scalarType = scalarType;
        this.bytes = bytes;
    }

    /** Returns whether this library reads tensors of this type. */
    boolean isRead() {
        return scalarType != null;
    }

    /** Returns the type of a tensor; there is one if {@link #isRead} says so. */
    ScalarType scalarType() {
        return Objects.requireNonNull(scalarType, name());
    }

    /** Returns the number of bytes per element. */
    int bytes() {
        return bytes;
    }

    /** @throws IllegalArgumentException when the format has no such type */
    static ElementType of(ScalarType type) {
        return Arrays.stream(values())
                .filter(t -> t.scalarType != null && t.scalarType.value == type.value)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("tensor must be of a type of safetensors, but was " + type));
    }

    /** Returns the type of this name, or empty when the format has none. */
    static Optional<ElementType> of(String name) {
        return Arrays.stream(values()).filter(t -> t.name().equals(name)).findFirst();
    }
}
