package org.facerecognition.train;

/**
 * Adam with weight decay added to the gradient, as {@code torch.optim.Adam}: Kingma and Ba, "Adam: A Method for
 * Stochastic Optimization", ICLR 2015, arXiv 1412.6980, algorithm 1.
 *
 * @param learningRate the base learning rate, positive
 * @param weightDecay at least 0
 * @param beta1 decay rate of the mean gradient, in [0, 1)
 * @param beta2 decay rate of the mean squared gradient, in [0, 1)
 * @param epsilon keeps the division finite, at least 0
 */
public record Adam(double learningRate, double weightDecay, double beta1, double beta2, double epsilon)
        implements OptimizerSettings {
    public Adam {
        OptimizerSettings.check(learningRate, weightDecay);
        AdamRule.check(beta1, beta2, epsilon);
    }

    /** Uses no weight decay and torch's defaults. */
    public Adam(double learningRate) {
        this(learningRate, 0);
    }

    /** Uses betas of 0.9 and 0.999 and an epsilon of 1e-8, as torch does. */
    public Adam(double learningRate, double weightDecay) {
        this(learningRate, weightDecay, 0.9, 0.999, 1e-8);
    }

    UpdateRule rule() {
        return new AdamRule("aten::_fused_adam_", beta1, beta2, epsilon);
    }
}
