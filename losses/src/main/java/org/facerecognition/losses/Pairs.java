package org.facerecognition.losses;

import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * All pairs of samples of a batch. Row i is seen from sample i.
 *
 * @param cosines [B, B], between the embeddings; with gradient
 * @param same [B, B], bool: both show one identity; a sample is no pair with itself
 * @param different [B, B], bool: they show two
 */
public record Pairs(Tensor cosines, Tensor same, Tensor different) {
    /**
     * @param unit [B, D], embeddings of length 1
     * @param labels [B], int64
     */
    static Pairs of(Tensor unit, Tensor labels) {
        Tensor equal = labels.unsqueeze(1).eq(labels.unsqueeze(0)); // [B, B]
        Tensor itself = torch.eye(
                labels.size(0), new TensorOptions(ScalarType.Bool).device(new DeviceOptional(labels.device())));
        return new Pairs(torch.mm(unit, unit.t()), equal.logical_and(itself.logical_not()), equal.logical_not());
    }

    /** The highest of each row among the chosen, [B, B] to [B]; {@code none} where none is chosen. */
    static Tensor highest(Tensor values, Tensor chosen, double none) {
        return kept(values, chosen, none).amax(new long[] {1}, false);
    }

    /** The lowest of each row among the chosen, [B, B] to [B]; {@code none} where none is chosen. */
    static Tensor lowest(Tensor values, Tensor chosen, double none) {
        return kept(values, chosen, none).amin(new long[] {1}, false);
    }

    /** The chosen values, the others being replaced. */
    static Tensor kept(Tensor values, Tensor chosen, double otherwise) {
        try (Scalar scalar = new Scalar(otherwise)) {
            return values.masked_fill(chosen.logical_not(), scalar);
        }
    }

    /** The mean of the chosen values, a scalar; 0 with gradient 0 where none is chosen. */
    static Tensor mean(Tensor values, Tensor chosen) {
        Tensor count = Elementwise.atLeast(chosen.sum().to(values.scalar_type()), 1);
        return kept(values, chosen, 0).sum().div(count);
    }

    /** Samples that have a pair of both kinds: [B], bool. */
    Tensor withBoth() {
        return same.any(1).logical_and(different.any(1));
    }
}
