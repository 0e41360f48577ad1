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
 * A hand-written gradient that is computed when libtorch's backward pass reaches it. For CPU tensors only: their
 * backward pass runs on the thread that calls it, while the one of a GPU runs on a thread of libtorch's, where a Java
 * exception would end the process.
 */
final class DeferredGradient {
    /*
     * torch.autograd.Function cannot be subclassed from Java. What is available are hooks, which receive a tensor's
     * gradient during backward and may replace it. A hook is a C++ function that calls a Java object; the object must
     * outlive the graph, and Java is not notified when a graph ends. So there is one hook for all graphs, which lives
     * forever, and the gradient that it receives identifies the source to call:
     *
     *     joined = [x..., 0, 0]                       the hook is here
     *     result = joined . [0..., 1, ticket]         = 0, to be added to the loss
     *
     * With f the factor that arrives (1, or 1 / parts where gradients are accumulated), the gradient of joined is
     * [0..., f, f ticket]: the hook reads f and ticket, lets the source write the gradients of its parameters, and
     * passes on [f dL/dx..., 0, 0]. libtorch rejects a second backward pass through one graph as usual, because the
     * saved tensors of the product are gone.
     *
     * The ticket is found again if f ticket is rounded by less than f / 2. So there are fewer tickets in a type with
     * fewer digits.
     */
    private static final int TICKETS = 1 << 16; // of float32 and float64

    private static final int HALF_TICKETS = 1 << 10;
    private static final int BFLOAT16_TICKETS = 1 << 7;

    private static final Map<Integer, Source> WAITING = new ConcurrentHashMap<>();
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final TensorTensorHook HOOK = new Hook().retainReference();

    /** What the hook has thrown on this thread: libtorch passes on only its text. */
    private static final ThreadLocal<RuntimeException> FAILURE = new ThreadLocal<>();

    /** Computes a gradient during the backward pass. */
    interface Source {
        /**
         * Adds to the gradients of the source's own parameters and computes the gradient of x.
         *
         * @param factor the factor by which the loss was multiplied before backward was called
         * @param gradient the gradient of x, flattened, to be filled; borrowed
         */
        void backward(double factor, Tensor gradient);
    }

    private DeferredGradient() {}

    /** Returns what a hook has thrown in a backward pass of this thread, once; else the error of that pass. */
    static RuntimeException failure(RuntimeException ofBackward) {
        RuntimeException thrown = FAILURE.get();
        FAILURE.remove();
        return thrown == null ? ofBackward : thrown;
    }

    /**
     * Returns a scalar that connects a source to the graph: adding it to a loss makes backward call the source once.
     *
     * @param x the tensor whose gradient the source computes; it may be frozen
     * @param source kept until it has been called or is {@linkplain Link#forget forgotten}
     */
    static Link link(Tensor x, Source source) {
        FAILURE.remove(); // of a former pass
        int ticket = register(source, tickets(x.scalar_type()));
        Tensor tail = x.detach().flatten().new_zeros(2);
        tail.set_requires_grad(true); // so that there is a backward pass even when x is frozen
        Tensor joined = torch.cat(new TensorVector(x.flatten(), tail)); // [n + 2]
        joined.register_hook(HOOK);
        Tensor selector = joined.detach().new_zeros(joined.numel());
        selector.narrow(0, x.numel(), 1).fill_(new Scalar(1.0));
        selector.narrow(0, x.numel() + 1, 1).fill_(new Scalar((double) ticket));
        return new Link(joined.mul(selector).sum(), ticket, source); // dot would start BLAS's threads: see Products
    }

    /** Returns a ticket that no source waits with; if there is none, the next one, whose source is forgotten. */
    private static int register(Source source, int tickets) {
        for (int i = 0; i < tickets; i++) {
            int ticket = next(tickets);
            if (WAITING.putIfAbsent(ticket, source) == null) {
                return ticket;
            }
        }
        int ticket = next(tickets);
        WAITING.put(ticket, source);
        return ticket;
    }

    private static int next(int tickets) {
        return 1 + NEXT.getAndUpdate(last -> (last + 1) % TICKETS) % tickets;
    }

    private static int tickets(ScalarType type) {
        return switch (type.intern()) {
            case BFloat16 -> BFLOAT16_TICKETS;
            case Half -> HALF_TICKETS;
            default -> TICKETS;
        };
    }

    /**
     * A source's connection to the graph.
     *
     * @param zero a scalar of value 0 whose backward pass calls the source; scoped
     * @param ticket identifies the source
     */
    record Link(Tensor zero, int ticket, Source source) {
        /** Releases the source; its backward pass fails from now on. */
        void forget() {
            WAITING.remove(ticket, source); // another one may have the ticket by now
        }
    }

    private static final class Hook extends TensorTensorHook {
        @Override
        public TensorBase call(TensorBase arriving) {
            try (NoGradGuard noGrad = new NoGradGuard();
                    Tensor incoming = new Tensor(arriving)) {
                Tensor outgoing = torch.zeros_like(incoming); // [n + 2]
                FAILURE.remove();
                try (PointerScope scope = new PointerScope()) {
                    fill(incoming, outgoing);
                } catch (RuntimeException e) {
                    FAILURE.set(e);
                    throw e;
                }
                return outgoing;
            }
        }

        private static void fill(Tensor incoming, Tensor outgoing) {
            long n = incoming.numel() - 2;
            Tensor tail = incoming.narrow(0, n, 2).to(ScalarType.Double);
            double factor = tail.get(0).item_double();
            if (factor == 0) {
                return; // the loss was multiplied by 0
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
            source.backward(factor, outgoing.narrow(0, 0, n));
        }
    }
}
