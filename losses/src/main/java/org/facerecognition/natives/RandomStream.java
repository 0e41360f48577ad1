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
 * The random numbers of one training: dropout, stochastic depth, elastic margins and Partial FC draw from it, and
 * nobody else does. What the rest of the process draws from libtorch's default generators, or seeds, makes no
 * difference to a training that has a stream, and the training makes none to the rest of the process.
 *
 * <p>There is one exception: layers that others wrote, such as {@code torch.dropout}, draw from libtorch's default
 * generator, which has the stream's state during a forward pass. Trainings and constructions of this library take turns
 * there. Threads that call libtorch's random functions, {@code manual_seed} or constructors of its layers directly do
 * not, and must wait until a training with such layers is done; otherwise it still learns, but not what it would learn
 * alone.
 *
 * <p>A stream is for one thread at a time. A layer of your own draws from it by passing {@link #generatorFor} to
 * libtorch's random functions; outside a training that is libtorch's default generator.
 */
/*
 * libtorch has one default generator for each device and process. Layers of this library take a generator of their own,
 * which {@link #during} binds to the thread. Layers that others wrote (torch.dropout) cannot be told: for them {@link
 * #lendDuring} puts the stream's state into the default generators for the time of a forward pass, under a lock that
 * all such passes and all constructions of networks share, and puts back what was there.
 */
public final class RandomStream implements AutoCloseable {
    private static final ThreadLocal<@Nullable RandomStream> CURRENT = new ThreadLocal<>();
    private static final ReentrantLock DEFAULT_GENERATORS = new ReentrantLock();

    private final Device device;
    private final Generator cpu;
    private final @Nullable Generator accelerator; // null on a CPU

    /**
     * @param device that the training computes on; copied
     * @param seed of all generators
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
     * The generator to draw values of a tensor's device from: that of the stream that is bound to this thread, or
     * libtorch's default one. Inside a PointerScope, which closes it.
     */
    public static GeneratorOptional generatorFor(Tensor like) {
        RandomStream stream = CURRENT.get();
        if (stream == null) {
            return new GeneratorOptional();
        }
        return new GeneratorOptional(like.is_cpu() || stream.accelerator == null ? stream.cpu : stream.accelerator);
    }

    /** Does some work in which this thread's layers draw from this stream. */
    public <T> T during(Supplier<T> work) {
        RandomStream former = CURRENT.get();
        CURRENT.set(this);
        try {
            return work.get();
        } finally {
            if (former == null) {
                CURRENT.remove(); // a server's thread lives on
            } else {
                CURRENT.set(former);
            }
        }
    }

    /**
     * Does some work in which layers that know nothing of streams draw from this one too: libtorch's default generators
     * have its state meanwhile. Threads take turns here.
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

    /** A default generator while it has another's state. */
    private static final class Lent implements AutoCloseable {
        private final Generator shared;
        private final Generator target;
        private final Tensor former;

        Lent(Generator shared, Generator target) {
            this.shared = shared;
            this.target = target;
            this.former = owned(shared.get_state());
            move(target, shared);
        }

        private static void move(Generator from, Generator to) {
            try (Tensor state = owned(from.get_state())) {
                to.set_state(state);
            }
        }

        @Override
        public void close() {
            move(shared, target);
            shared.set_state(former);
            former.close();
        }
    }

    private static Tensor owned(Tensor tensor) {
        return tensor.retainReference();
    }

    // ---- constructions ----

    /**
     * Makes something with weights drawn from libtorch's default CPU generator, seeded for it, and leaves that
     * generator as it was.
     *
     * @param seed of the weights
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

    /** State of the CPU's generator, [N] uint8; the caller closes it. */
    public Tensor cpuState() {
        return cpu.get_state();
    }

    /** State of the accelerator's generator, [N] uint8 on the CPU; the caller closes it. Null on a CPU. */
    public @Nullable Tensor acceleratorState() {
        return accelerator == null ? null : accelerator.get_state();
    }

    /**
     * Continues where another stream was.
     *
     * @param cpuState as {@link #cpuState} gave it
     * @param acceleratorState as {@link #acceleratorState} gave it; null to leave the accelerator's generator as it is,
     *     as when the other stream was on a CPU
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
