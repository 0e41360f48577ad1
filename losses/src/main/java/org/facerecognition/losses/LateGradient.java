package org.facerecognition.losses;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorTensorHook;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A gradient of our own writing, computed when libtorch's backward pass comes by. On a CPU only: there backward runs on
 * the thread that calls it; for a device it runs on a thread of libtorch's, where a Java exception would end the process.
 */
final class LateGradient {
    /*
     * torch.autograd.Function cannot be subclassed from Java; what there is are hooks, which see a tensor's gradient as it
     * passes and may put another in its place. A hook is a C++ function that calls a Java object, and the object must
     * outlive the graph, whose end nobody tells us. So there is one hook for all, which lives for ever, and the gradient
     * that it sees says whose turn it is:
     *
     *     joined = [x..., 0, 0]                       the hook is here
     *     result = joined . [0..., 1, ticket]         = 0, to be added to the loss
     *
     * With f the factor that arrives (1, or 1 / parts where gradients are accumulated), the gradient of joined is
     * [0..., f, f ticket]: the hook reads f and ticket, lets the source write its parameters' gradients, and hands on
     * [f dL/dx..., 0, 0]. A second backward through one graph is refused by libtorch as always, since the product's
     * saved tensors are gone.
     */
    private static final int TICKETS = 1 << 16; // exact in float32, and so is the quotient

    private static final Map<Integer, Source> WAITING = new ConcurrentHashMap<>();
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final TensorTensorHook HOOK = new Hook().retainReference();

    /** Whose gradient it is. */
    interface Source {
        /**
         * Adds to the gradients of its own parameters, and gives that of x.
         *
         * @param factor what the loss is multiplied with in what backward was called on
         * @param gradient of x, to be filled
         */
        void backward(double factor, Tensor gradient);
    }

    private LateGradient() {}

    /**
     * @param x with gradient or without
     * @return a scalar of value 0 whose backward pass calls the source, and its ticket
     */
    static Link link(Tensor x, Source source) {
        int ticket = 1 + NEXT.getAndUpdate(last -> (last + 1) % TICKETS);
        Tensor tail = x.detach().flatten().new_zeros(2);
        tail.set_requires_grad(true); // so that there is a backward pass even when x is frozen
        Tensor joined = torch.cat(new TensorVector(x.flatten(), tail)); // [n + 2]
        joined.register_hook(HOOK);
        Tensor pick = joined.detach().new_zeros(joined.numel());
        pick.narrow(0, x.numel(), 1).fill_(new Scalar(1.0));
        pick.narrow(0, x.numel() + 1, 1).fill_(new Scalar((double) ticket));
        WAITING.put(ticket, source);
        return new Link(joined.mul(pick).sum(), ticket); // dot would wake BLAS: see Products
    }

    /** See {@link #link}. */
    record Link(Tensor zero, int ticket) {}

    /** The source will not be called any more. */
    static void forget(int ticket) {
        WAITING.remove(ticket);
    }

    private static final class Hook extends TensorTensorHook {
        @Override
        public TensorBase call(TensorBase arriving) {
            try (NoGradGuard noGrad = new NoGradGuard();
                    Tensor given = new Tensor(arriving)) {
                Tensor handedOn = torch.zeros_like(given); // [n + 2]
                try (PointerScope scope = new PointerScope()) {
                    fill(given, handedOn);
                }
                return handedOn;
            }
        }

        private static void fill(Tensor given, Tensor handedOn) {
            long n = given.numel() - 2;
            Tensor tail = given.narrow(0, n, 2).to(ScalarType.Double);
            double factor = tail.get(0).item_double();
            if (factor == 0) {
                return; // a loss that was multiplied with 0
            }
            if (!Double.isFinite(factor)) {
                throw new IllegalStateException(
                        "the factor of a loss must be finite when backward is called, but was " + factor);
            }
            Source source = WAITING.remove((int) Math.round(tail.get(1).item_double() / factor));
            if (source == null) {
                throw new IllegalStateException("backward must be called once for each forward of a head, before "
                        + ChunkedPasses.MAX_WAITING + " more of it and before it is closed; call forward again");
            }
            source.backward(factor, handedOn.narrow(0, 0, n));
        }
    }
}
