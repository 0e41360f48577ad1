package org.facerecognition.weights;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** A file of named tensors. Names and shapes are known once the file is open; values are read on request. */
interface TensorFile {
    /** Returns the path of the file. */
    Path file();

    /** Returns the names of the tensors, in the order of the file. */
    List<String> names();

    /** Returns text entries by name; empty where the format has none. */
    Map<String, String> metadata();

    /**
     * Returns the shape of a tensor.
     *
     * @throws WeightsException when there is no tensor of that name
     */
    long[] shape(String name);

    /**
     * Reads a tensor.
     *
     * @return a new contiguous tensor on the CPU; scoped, or owned where there is no scope
     * @throws WeightsException when there is no tensor of that name or the file cannot be read
     */
    Tensor read(String name);
}
