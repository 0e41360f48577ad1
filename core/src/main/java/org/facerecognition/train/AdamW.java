package org.facerecognition.train;

/**
 * Adam with decoupled weight decay, as {@code torch.optim.AdamW}: Loshchilov and Hutter, "Decoupled Weight Decay
 * Regularization", ICLR 2019, arXiv 1711.05101, algorithm 2.
 *
 * @param learningRate the base learning rate, positive
 * @param weightDecay at least 0; each step subtracts learningRate * weightDecay of each weight
 * @param beta1 decay rate of the mean gradient, in [0, 1)
 * @param beta2 decay rate of the mean squared gradient, in [0, 1)
 * @param epsilon keeps the division finite, at least 0
 */
public record AdamW(double learningRate, double weightDecay, double beta1, double beta2, double epsilon)
        implements OptimizerSettings {
    public AdamW {
        OptimizerSettings.check(learningRate, weightDecay);
        AdamRule.check(beta1, beta2, epsilon);
    }

    /** Uses betas of 0.9 and 0.999 and an epsilon of 1e-8, as torch does. */
    public AdamW(double learningRate, double weightDecay) {
        this(learningRate, weightDecay, 0.9, 0.999, 1e-8);
    }

    UpdateRule rule() {
        return new AdamRule("aten::_fused_adamw_", beta1, beta2, epsilon);
    }
}
