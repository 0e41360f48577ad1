package org.facerecognition.train;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;

/**
 * Has a network evaluate until it is closed, by all threads that have it evaluate at the same time. Then each of its
 * modules is in the mode in which it was: a network that is being trained embeds images without a change to its
 * statistics, and trains on.
 */
public final class EvaluationMode implements AutoCloseable {
    private static final EvaluationMode UNCHANGED = new EvaluationMode(0); // that of a network that evaluates anyway
    private static final Map<Long, EvaluationMode> IN_USE = new HashMap<>(); // by network; guards all modes

    private final long network; // its address
    private final List<Module> training = new ArrayList<>(); // owned handles, as those below
    private final List<Module> evaluating = new ArrayList<>(); // frozen layers of a network that trains
    private int users;

    private EvaluationMode(long network) {
        this.network = network;
    }

    /**
     * Puts a network into evaluation mode.
     *
     * @param net borrowed; one that does not train is left as it is, with its modules
     * @return to be closed once
     */
    public static EvaluationMode of(Module net) {
        synchronized (IN_USE) {
            EvaluationMode mode = IN_USE.get(net.address());
            if (mode == null) {
                if (!net.is_training()) {
                    return UNCHANGED;
                }
                mode = new EvaluationMode(net.address());
                mode.record(net);
                net.eval();
                IN_USE.put(mode.network, mode);
            }
            mode.users++;
            return mode;
        }
    }

    private void record(Module net) {
        try (PointerScope scope = new PointerScope(); // the first user's may end before the last user
                SharedModuleVector modules = net.modules(true)) {
            for (long i = 0; i < modules.size(); i++) {
                Module module = modules.get(i).retainReference();
                (module.is_training() ? training : evaluating).add(module);
            }
        }
    }

    /** Restores all modes, if this is the last user. */
    @Override
    public void close() {
        if (this == UNCHANGED) {
            return;
        }
        synchronized (IN_USE) {
            users--;
            if (users == 0) {
                IN_USE.remove(network);
                restore();
            }
        }
    }

    private void restore() {
        training.get(0).train(true); // the network, and with it all modules
        evaluating.forEach(Module::eval);
        training.forEach(Module::close);
        evaluating.forEach(Module::close);
    }
}
