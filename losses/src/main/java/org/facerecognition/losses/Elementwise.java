package org.facerecognition.losses;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * Arithmetic of tensors and numbers that reads like a formula. All functions are differentiable except {@link #above}.
 */
final class Elementwise {
    private Elementwise() {}

    static Tensor plus(Tensor a, double b) {
        try (Scalar scalar = new Scalar(b)) {
            return a.add(scalar);
        }
    }

    static Tensor minus(double a, Tensor b) {
        try (Tensor negative = b.neg()) {
            return plus(negative, a);
        }
    }

    static Tensor times(Tensor a, double b) {
        try (Scalar scalar = new Scalar(b)) {
            return a.mul(scalar);
        }
    }

    static Tensor atLeast(Tensor a, double low) {
        try (Scalar scalar = new Scalar(low)) {
            return a.clamp(new ScalarOptional(scalar), new ScalarOptional());
        }
    }

    static Tensor atMost(Tensor a, double high) {
        try (Scalar scalar = new Scalar(high)) {
            return a.clamp(new ScalarOptional(), new ScalarOptional(scalar));
        }
    }

    static Tensor clamp(Tensor a, double low, double high) {
        try (Scalar lowest = new Scalar(low);
                Scalar highest = new Scalar(high)) {
            return a.clamp(new ScalarOptional(lowest), new ScalarOptional(highest));
        }
    }

    static Tensor above(Tensor a, double bound) {
        try (Scalar scalar = new Scalar(bound)) {
            return a.gt(scalar);
        }
    }
}
