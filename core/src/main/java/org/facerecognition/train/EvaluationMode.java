package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;

/**
 * Has a network evaluate until it is closed. Then each of its modules is in the mode in which it was: a network that is
 * being trained embeds images without a change to its statistics, and trains on. For one thread.
 */
public final class EvaluationMode implements AutoCloseable {
    private static final EvaluationMode UNCHANGED = new EvaluationMode(); // that of a network that evaluates anyway

    private final List<Module> training = new ArrayList<>();
    private final List<Module> evaluating = new ArrayList<>(); // frozen layers of a network that trains

    private EvaluationMode() {}

    /**
     * Puts a network into evaluation mode.
     *
     * @param net borrowed; one that does not train is left as it is, with its modules
     */
    public static EvaluationMode of(Module net) {
        if (!net.is_training()) {
            return UNCHANGED;
        }
        EvaluationMode mode = new EvaluationMode();
        try (SharedModuleVector modules = net.modules(true)) {
            for (long i = 0; i < modules.size(); i++) {
                Module module = modules.get(i);
                (module.is_training() ? mode.training : mode.evaluating).add(module);
            }
        }
        net.eval();
        return mode;
    }

    /** Restores all modes. */
    @Override
    public void close() {
        if (!training.isEmpty()) {
            training.get(0).train(true); // the network, and with it all modules
            evaluating.forEach(Module::eval);
        }
    }
}
