package org.facerecognition.weights;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Tensors by name in a file: names and shapes at once, values when they are asked for. */
interface TensorFile {
    /** Which file this is. */
    Path file();

    /** Names of the tensors, in the file's order. */
    List<String> names();

    /** Free text by name; empty where the format has none. */
    Map<String, String> metadata();

    /**
     * The shape of a tensor.
     *
     * @throws WeightsException when there is none of that name
     */
    long[] shape(String name);

    /**
     * Reads a tensor.
     *
     * @return a new contiguous tensor on the CPU; the caller, or a PointerScope around, closes it
     * @throws WeightsException when there is none of that name or the file cannot be read
     */
    Tensor read(String name);
}
