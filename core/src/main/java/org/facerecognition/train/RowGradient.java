package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The gradient of some rows of a table, accumulated over several backward passes. */
final class RowGradient {
    private final List<Tensor> indices = new ArrayList<>(); // [R] each
    private final List<Tensor> gradients = new ArrayList<>(); // [R, ...] each

    /** Adds the gradient of a backward pass; the arguments are borrowed. */
    void add(Tensor rows, Tensor gradient) {
        indices.add(new Tensor(rows).retainReference());
        gradients.add(new Tensor(gradient).retainReference());
    }

    boolean isEmpty() {
        return indices.isEmpty();
    }

    /** The rows, [R], each once; borrowed. */
    Tensor indices() {
        merge();
        return indices.get(0);
    }

    /** Their gradients, [R, ...], in the order of the indices; borrowed, may be changed in place. */
    Tensor gradient() {
        merge();
        return gradients.get(0);
    }

    /** Merges passes that sampled different rows: the union of the rows, and the sums of their gradients. */
    private void merge() {
        if (indices.size() == 1) {
            return;
        }
        Tensor union;
        Tensor sum;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor all = torch.cat(new TensorVector(indices.toArray(Tensor[]::new)));
            Tensor sorted = all.sort(0, false).get0();
            union = new Tensor(torch.unique_consecutive(sorted).get0()).retainReference(); // [U], ascending
            long[] shape = gradients.get(0).shape();
            shape[0] = union.size(0);
            sum = gradients.get(0).new_zeros(shape).retainReference();
            for (int i = 0; i < indices.size(); i++) {
                sum.index_add_(0, torch.searchsorted(union, indices.get(i)), gradients.get(i));
            }
        }
        clear();
        indices.add(union);
        gradients.add(sum);
    }

    void clear() {
        indices.forEach(Tensor::close);
        gradients.forEach(Tensor::close);
        indices.clear();
        gradients.clear();
    }
}
