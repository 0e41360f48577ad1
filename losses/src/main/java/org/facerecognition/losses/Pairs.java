package org.facerecognition.losses;

import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * All pairs of samples of a batch: element [i, j] is the pair of sample i, the anchor, with sample j. All tensors are
 * scoped.
 *
 * @param cosines [B, B], the cosines between the embeddings; with gradient
 * @param same [B, B], bool, whether both samples show the same identity; false for a sample with itself
 * @param different [B, B], bool, whether the samples show different identities
 */
public record Pairs(Tensor cosines, Tensor same, Tensor different) {
    /**
     * Returns the pairs of a batch.
     *
     * @param unit [B, D], unit-norm embeddings
     * @param labels [B], int64
     */
    static Pairs of(Tensor unit, Tensor labels) {
        Tensor equal = labels.unsqueeze(1).eq(labels.unsqueeze(0)); // [B, B]
        Tensor itself = torch.eye(
                labels.size(0), new TensorOptions(ScalarType.Bool).device(new DeviceOptional(labels.device())));
        return new Pairs(torch.mm(unit, unit.t()), equal.logical_and(itself.logical_not()), equal.logical_not());
    }

    /**
     * Returns the highest selected value of each row, [B, B] to [B]; {@code none} for rows without a selected value.
     */
    static Tensor highest(Tensor values, Tensor selected, double none) {
        return masked(values, selected, none).amax(new long[] {1}, false);
    }

    /** Returns the lowest selected value of each row, [B, B] to [B]; {@code none} for rows without a selected value. */
    static Tensor lowest(Tensor values, Tensor selected, double none) {
        return masked(values, selected, none).amin(new long[] {1}, false);
    }

    /** Returns the values with those that are not selected replaced. */
    static Tensor masked(Tensor values, Tensor selected, double replacement) {
        try (Scalar scalar = new Scalar(replacement)) {
            return values.masked_fill(selected.logical_not(), scalar);
        }
    }

    /** Returns the mean of the selected values, a scalar; 0 with gradient 0 if no value is selected. */
    static Tensor mean(Tensor values, Tensor selected) {
        Tensor count = Elementwise.atLeast(selected.sum().to(values.scalar_type()), 1);
        return masked(values, selected, 0).sum().div(count);
    }

    /** Returns which samples have pairs of both kinds: [B], bool. */
    Tensor withBoth() {
        return same.any(1).logical_and(different.any(1));
    }
}
