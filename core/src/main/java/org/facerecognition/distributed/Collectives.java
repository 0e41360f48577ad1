package org.facerecognition.distributed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.Backend;
import org.bytedeco.pytorch.BroadcastOptions;
import org.bytedeco.pytorch.GlooDeviceVector;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.gloo.Device;
import org.bytedeco.pytorch.nccl.ProcessGroupNCCL;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.Nccl;
import org.jspecify.annotations.Nullable;

/**
 * Collective operations of libtorch's: through Gloo for tensors on the CPU, through NCCL for tensors on a GPU. All
 * ranks must call the same operations in the same order, with tensors of the same shapes. For one thread.
 */
final class Collectives implements AutoCloseable {
    private static final Pattern OF_CONNECTIONS =
            Pattern.compile("gloo/|NCCL|socket|connect|timed out|timeout|peer", Pattern.CASE_INSENSITIVE);
    private static final String SAME_GPU = "Duplicate GPU"; // in NCCL's message
    private static final int GLOO_THREADS = 2; // one reduces a bucket while the other sends

    private final RankStore store;
    private final Failures failures;
    private final int rank;
    private final int worldSize;
    private final Duration timeout;
    private final Backend gloo;
    private @Nullable Backend nccl; // created with the first tensor on a GPU
    private boolean poisoned;
    private volatile boolean waits; // for other ranks, in the thread that calls

    Collectives(RankStore store, Failures failures, Launch launch, Duration timeout) {
        this.store = store;
        this.failures = failures;
        this.rank = launch.rank();
        this.worldSize = launch.worldSize();
        this.timeout = timeout;
        this.gloo = guarded(() -> gloo(launch));
    }

    private Backend gloo(Launch launch) {
        Store own = store.forBackend("gloo");
        try (PointerScope scope = new PointerScope()) {
            ProcessGroupGloo.Options options = new ProcessGroupGloo.Options(new Milliseconds(timeout.toMillis()));
            options.devices(new GlooDeviceVector(device(launch))).threads(GLOO_THREADS);
            return new ProcessGroupGloo(own, rank, worldSize, options).retainReference();
        }
    }

    /** The network interface named by GLOO_SOCKET_IFNAME or else the one on the way to the group's store. */
    private static Device device(Launch launch) {
        String named = System.getenv("GLOO_SOCKET_IFNAME");
        return named != null && !named.isBlank()
                ? ProcessGroupGloo.createDeviceForInterface(named.split(",", 2)[0])
                : ProcessGroupGloo.createDeviceForHostname(
                        LocalAddress.towards(launch.host(), launch.port(), launch.mayBeLocalhostToItselfAlone()));
    }

    private Backend backend(Tensor tensor) {
        return tensor.is_cpu() ? gloo : nccl();
    }

    private synchronized Backend nccl() {
        if (nccl == null) {
            Nccl.load();
            Store own = store.forBackend("nccl");
            try (PointerScope scope = new PointerScope()) {
                ProcessGroupNCCL.Options options = new ProcessGroupNCCL.Options();
                options.timeout(new Milliseconds(timeout.toMillis()));
                nccl = new ProcessGroupNCCL(own, rank, worldSize, options).retainReference();
                failures.onFailure(this::interrupt);
            }
        }
        return nccl;
    }

    /** Replaces each tensor by its sum over all ranks; the operations overlap. Contiguous and borrowed. */
    void sum(List<Tensor> tensors) {
        guarded(() -> {
            List<Work> running = new ArrayList<>();
            for (Tensor tensor : tensors) {
                running.add(backend(tensor).allreduce(new TensorVector(tensor)));
            }
            running.forEach(Work::_wait);
            return null;
        });
    }

    /**
     * Returns the tensors of all ranks, in the order of ranks.
     *
     * @param mine of the same shape on all ranks, contiguous; borrowed
     * @return [ranks, ...mine]; scoped
     */
    Tensor gather(Tensor mine) {
        return guarded(() -> {
            long[] shape = new long[(int) mine.dim() + 1];
            shape[0] = worldSize;
            for (int i = 1; i < shape.length; i++) {
                shape[i] = mine.size(i - 1);
            }
            Tensor all = mine.new_empty(worldSize * mine.numel());
            backend(mine)._allgather_base(all, mine.view(-1))._wait();
            return all.view(shape);
        });
    }

    /** Replaces each tensor by rank 0's; contiguous and borrowed. */
    void broadcast(List<Tensor> tensors) {
        guarded(() -> {
            List<Work> running = new ArrayList<>();
            for (Tensor tensor : tensors) {
                running.add(backend(tensor).broadcast(new TensorVector(tensor)));
            }
            running.forEach(Work::_wait);
            return null;
        });
    }

    /** Replaces a tensor by that of one rank; contiguous and borrowed. */
    void broadcast(Tensor tensor, int root) {
        guarded(() -> {
            try (BroadcastOptions options = new BroadcastOptions()) {
                options.rootRank(root);
                backend(tensor).broadcast(new TensorVector(tensor), options)._wait();
            }
            return null;
        });
    }

    /** Sends a contiguous tensor to another rank, which receives it. */
    void send(Tensor tensor, int to) {
        between(to, () -> backend(tensor).send(new TensorVector(tensor), to, 0)._wait());
    }

    /** Fills a contiguous tensor with what another rank sends. */
    void receive(Tensor tensor, int from) {
        between(
                from,
                () -> backend(tensor).recv(new TensorVector(tensor), from, 0)._wait());
    }

    /** Runs an operation of this rank and another one. */
    private void between(int other, Supplier<Boolean> operation) {
        failures.begin(other);
        try {
            explained(operation);
        } finally {
            failures.received();
        }
    }

    /** Runs an operation of all ranks. */
    private <T> T guarded(Supplier<T> operation) {
        failures.begin();
        return explained(operation);
    }

    /** Runs an operation; an error of libtorch's becomes one sentence that names the rank to blame. */
    private <T> T explained(Supplier<T> operation) {
        if (poisoned) {
            throw new GroupFailureException(
                    "a group of ranks cannot be used after one of them has failed; start again", null);
        }
        waits = true;
        try {
            return operation.get();
        } catch (RuntimeException e) {
            waits = false; // looks for the reason now
            poisoned = true;
            if (e.getClass() != RuntimeException.class) { // JavaCPP throws exactly this class for a C++ exception
                throw e;
            }
            if (String.valueOf(e.getMessage()).contains(SAME_GPU)) {
                throw new IllegalStateException(
                        "each process needs a GPU of its own, but two ranks have the same; start as many processes on a"
                                + " machine as it has GPUs, or train on the CPU (--device cpu)",
                        e);
            }
            String reason = NativeErrors.reason(e);
            throw OF_CONNECTIONS.matcher(reason).find()
                    ? failures.explain(e, timeout)
                    : new IllegalStateException("libtorch failed: " + reason, e);
        } finally {
            waits = false;
        }
    }

    /** Closes the connections because this rank has failed, which ends what other ranks wait for. */
    void abort() {
        poisoned = true;
        close();
    }

    /** Closes the connections, which ends what other ranks wait for. */
    @Override
    public void close() {
        boolean failed = poisoned;
        poisoned = true;
        try {
            closeNccl(failed);
        } finally {
            gloo.close();
        }
    }

    private synchronized void closeNccl(boolean failed) {
        Backend closing = nccl;
        nccl = null;
        if (closing == null) {
            return;
        }
        try {
            if (failed) {
                closing.abort(); // what runs on the GPU may wait for a rank that is gone
            } else {
                closing.shutdown();
            }
        } catch (RuntimeException e) {
            if (!failed) {
                throw new IllegalStateException("libtorch failed: " + NativeErrors.reason(e), e);
            } // else there is a reason already
        } finally {
            closing.close();
        }
    }

    /**
     * Ends what waits for other ranks on a GPU, because one of them has told that it fails: NCCL may not notice that
     * of a rank on the same machine. Called by another thread.
     */
    private synchronized void interrupt() {
        if (waits && nccl != null) {
            nccl.abort();
        }
    }
}
