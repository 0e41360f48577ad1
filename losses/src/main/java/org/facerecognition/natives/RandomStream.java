package org.facerecognition.natives;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The random numbers of one training. Dropout, stochastic depth, elastic margins and Partial FC draw from it, and
 * nothing else does. A training with a stream does not depend on what the rest of the process draws from libtorch's
 * default generators or how it seeds them, and the rest of the process does not depend on the training.
 *
 * <p>There is one exception: layers from elsewhere, such as {@code torch.dropout}, draw from libtorch's default
 * generator, which has the state of the stream during a forward pass. For that, trainings and constructions of this
 * library exclude each other. Threads that directly call libtorch's random functions, {@code manual_seed} or the
 * constructors of its layers are not excluded, and must wait until a training with such layers is done; otherwise the
 * training still learns, but not the same as it would alone.
 *
 * <p>A stream is for one thread at a time, and owned by its creator. A layer of your own draws from it by passing
 * {@link #generatorFor} to libtorch's random functions; outside a training that is libtorch's default generator.
 */
/*
 * libtorch has one default generator per device and process. The layers of this library use a generator of their own,
 * which {@link #during} binds to the thread. Layers from elsewhere (torch.dropout) cannot be given one: for them {@link
 * #lendDuring} puts the state of the stream into the default generators for the time of a forward pass, under a lock
 * that all such passes and all constructions of networks share, and then restores the previous state.
 */
public final class RandomStream implements AutoCloseable {
    private static final ThreadLocal<@Nullable RandomStream> CURRENT = new ThreadLocal<>();
    private static final ReentrantLock DEFAULT_GENERATORS = new ReentrantLock();

    private final Device device;
    private final Generator cpu;
    private final @Nullable Generator accelerator; // null on a CPU

    /**
     * Creates a stream.
     *
     * @param device the device that the training computes on; borrowed and copied
     * @param seed the seed of all generators
     */
    public RandomStream(Device device, long seed) {
        Libtorch.load();
        this.device = new Device(device.type(), device.index()).retainReference();
        this.cpu = torch.createCPUGenerator(seed).retainReference();
        this.accelerator =
                device.is_cpu() ? null : defaultGenerator(this.device).clone().retainReference();
        if (accelerator != null) {
            accelerator.set_current_seed(seed);
        }
    }

    private static Generator defaultGenerator(Device device) {
        return torch.globalContext().defaultGenerator(device);
    }

    // ---- drawing ----

    /**
     * Returns the generator for random values on a tensor's device: that of the stream bound to this thread, or
     * libtorch's default one.
     *
     * @param like a tensor on the device; borrowed
     * @return scoped
     */
    public static GeneratorOptional generatorFor(Tensor like) {
        RandomStream stream = CURRENT.get();
        if (stream == null) {
            return new GeneratorOptional();
        }
        return new GeneratorOptional(like.is_cpu() || stream.accelerator == null ? stream.cpu : stream.accelerator);
    }

    /**
     * Runs work in which the layers that this thread calls draw from this stream.
     *
     * @return the result of the work
     */
    public <T> T during(Supplier<T> work) {
        RandomStream former = CURRENT.get();
        CURRENT.set(this);
        try {
            return work.get();
        } finally {
            if (former == null) {
                CURRENT.remove(); // the thread may outlive the training
            } else {
                CURRENT.set(former);
            }
        }
    }

    /**
     * Runs work in which layers from elsewhere draw from this stream too: libtorch's default generators have its state
     * meanwhile. Only one thread at a time can do this.
     *
     * @return the result of the work
     */
    public <T> T lendDuring(Supplier<T> work) {
        DEFAULT_GENERATORS.lock();
        try (Lent cpuLent = new Lent(torch.getDefaultCPUGenerator(), cpu);
                Lent acceleratorLent = accelerator == null ? null : new Lent(defaultGenerator(device), accelerator)) {
            return during(work);
        } finally {
            DEFAULT_GENERATORS.unlock();
        }
    }

    /** Gives a default generator the state of another generator while open. */
    private static final class Lent implements AutoCloseable {
        private final Generator shared;
        private final Generator source;
        private final Tensor former;

        Lent(Generator shared, Generator source) {
            this.shared = shared;
            this.source = source;
            this.former = owned(shared.get_state());
            copyState(source, shared);
        }

        private static void copyState(Generator from, Generator to) {
            try (Tensor state = owned(from.get_state())) {
                to.set_state(state);
            }
        }

        @Override
        public void close() {
            copyState(shared, source);
            shared.set_state(former);
            former.close();
        }
    }

    private static Tensor owned(Tensor tensor) {
        return tensor.retainReference();
    }

    // ---- constructions ----

    /**
     * Creates something with random weights from libtorch's default CPU generator, which is seeded for that purpose and
     * then restored.
     *
     * @param seed the seed of the weights
     * @param construction creates it
     * @return the result of the construction
     */
    public static <T> T seeded(long seed, Supplier<T> construction) {
        Libtorch.load();
        DEFAULT_GENERATORS.lock();
        Generator generator = torch.getDefaultCPUGenerator();
        try (Tensor former = owned(generator.get_state())) {
            generator.set_current_seed(seed);
            try {
                return construction.get();
            } finally {
                generator.set_state(former);
            }
        } finally {
            DEFAULT_GENERATORS.unlock();
        }
    }

    // ---- for checkpoints ----

    /** Returns the state of the CPU's generator, [N], uint8; owned. */
    public Tensor cpuState() {
        return cpu.get_state();
    }

    /** Returns the state of the GPU's generator, [N], uint8, on the CPU; owned. Null if the training is on a CPU. */
    public @Nullable Tensor acceleratorState() {
        return accelerator == null ? null : accelerator.get_state();
    }

    /**
     * Continues where another stream was.
     *
     * @param cpuState the other stream's {@link #cpuState}; borrowed
     * @param acceleratorState the other stream's {@link #acceleratorState}; borrowed. Null leaves the GPU's generator
     *     unchanged, for a stream that was on a CPU
     */
    public void restore(Tensor cpuState, @Nullable Tensor acceleratorState) {
        cpu.set_state(cpuState);
        if (accelerator != null && acceleratorState != null) {
            accelerator.set_state(acceleratorState);
        }
    }

    @Override
    public void close() {
        cpu.close();
        if (accelerator != null) {
            accelerator.close();
        }
        device.close();
    }
}
