package org.facerecognition.train;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** The update of Adam and AdamW, which differ in the kernel alone: it decides where weight decay is applied. */
final class AdamRule implements UpdateRule {
    private final FusedKernel kernel;
    private final double beta1;
    private final double beta2;
    private final double epsilon;

    AdamRule(String kernel, double beta1, double beta2, double epsilon) {
        this.kernel = new FusedKernel(kernel);
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
    }

    static void check(double beta1, double beta2, double epsilon) {
        OptimizerSettings.checkShare("beta1", beta1);
        OptimizerSettings.checkShare("beta2", beta2);
        Bounds.notNegative("epsilon", epsilon);
    }

    @Override
    public List<String> stateNames() {
        return List.of("exp_avg", "exp_avg_sq");
    }

    @Override
    public void update(
            List<Tensor> parameters,
            List<Tensor> gradients,
            List<List<Tensor>> states,
            List<Tensor> steps,
            boolean first,
            double rate,
            double weightDecay) {
        List<Tensor> largest = List.of(); // maximum of AMSGrad, which is off
        kernel.call(
                List.of(parameters, gradients, states.get(0), states.get(1), largest, steps),
                List.of(rate, beta1, beta2, weightDecay, epsilon, false, false));
    }
}
