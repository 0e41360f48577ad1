package org.facerecognition.train;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Stochastic gradient descent with momentum, as {@code torch.optim.SGD}: Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", ICML 2013, in torch's form, where the learning rate multiplies the
 * momentum too.
 *
 * @param learningRate the base learning rate, positive
 * @param momentum in [0, 1)
 * @param weightDecay added to the gradient, at least 0
 * @param nesterov whether to use Nesterov momentum; requires a momentum
 */
public record Sgd(double learningRate, double momentum, double weightDecay, boolean nesterov)
        implements OptimizerSettings {
    public Sgd {
        OptimizerSettings.check(learningRate, weightDecay);
        OptimizerSettings.checkShare("momentum", momentum);
        if (nesterov && momentum == 0) {
            throw new IllegalArgumentException("nesterov must go with a momentum above 0, but momentum was 0");
        }
    }

    /** Uses no Nesterov momentum. */
    public Sgd(double learningRate, double momentum, double weightDecay) {
        this(learningRate, momentum, weightDecay, false);
    }

    UpdateRule rule() {
        return new SgdRule(new FusedKernel("aten::_fused_sgd_"), momentum, nesterov);
    }

    private record SgdRule(FusedKernel kernel, double momentum, boolean nesterov) implements UpdateRule {
        @Override
        public List<String> stateNames() {
            return momentum == 0 ? List.of() : List.of("momentum_buffer");
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
            double dampening = 0;
            kernel.call(
                    List.of(parameters, gradients, states.isEmpty() ? List.of() : states.get(0)),
                    List.of(weightDecay, momentum, rate, dampening, nesterov, false, first));
        }
    }
}
