package org.facerecognition.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Updates parameters by their gradients. Parameters without a gradient (frozen ones) are skipped, as in torch: no
 * weight decay, no state.
 *
 * <p>Sparse row updates: where a step touches only some rows of a parameter (a table of class centers), their gradients
 * come through {@link #addRowGradient}. Only these rows, their weight decay and their optimizer state change; the other
 * rows are not even read. The number of updates is counted for the whole table, as in insightface's Partial FC: there
 * is no catch-up for rows that were skipped in some steps.
 *
 * <p>The optimizer state can be saved and loaded, so that a resumed training continues with the same bits.
 */
public final class ParameterOptimizer implements AutoCloseable {
    private static final String STEPS = "step";
    private static final long ROWS_AT_A_TIME = 16_384; // with 512 values each, 32 MiB a copy

    private final List<ParameterGroup> groups;
    private final List<List<Slot>> slots = new ArrayList<>(); // by group
    private final UpdateRule rule;
    private @Nullable HeadShards shards; // null if all parameters are whole

    /** A parameter and its optimizer state, which is empty before the first update. */
    private static final class Slot {
        private final String name;
        private final Tensor parameter;
        private final Map<String, Tensor> state = new LinkedHashMap<>();
        private final RowGradient rows = new RowGradient();

        Slot(String name, Tensor parameter) {
            this.name = name;
            this.parameter = parameter;
        }

        /** One of the tensors of the state, which has been initialized. */
        Tensor stateTensor(String name) {
            return Objects.requireNonNull(state.get(name), name);
        }

        boolean isNew() {
            return state.isEmpty();
        }
    }

    ParameterOptimizer(List<ParameterGroup> groups, UpdateRule rule) {
        this.groups = List.copyOf(groups);
        this.rule = rule;
        for (ParameterGroup group : groups) {
            List<Slot> own = new ArrayList<>();
            // own handles: the caller's may be scoped
            group.parameters().forEach((name, tensor) -> own.add(new Slot(name, owned(new Tensor(tensor)))));
            slots.add(own);
        }
    }

    /** Takes into account that the rows of some parameters are spread over processes. */
    void shardOver(HeadShards shards) {
        this.shards = shards;
    }

    /** Detaches a tensor from any open scope. */
    private static Tensor owned(Tensor tensor) {
        return tensor.retainReference();
    }

    /**
     * Updates all parameters that have a gradient.
     *
     * @param rate the learning rate of this step; each group multiplies it by its lrMultiplier
     */
    public void step(double rate) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            for (int g = 0; g < groups.size(); g++) {
                List<Slot> ready = new ArrayList<>();
                List<Slot> fresh = new ArrayList<>();
                for (Slot slot : slots.get(g)) {
                    if (!slot.rows.isEmpty()) {
                        updateRows(groups.get(g), slot, rate);
                    } else if (slot.parameter.grad().defined()) {
                        (slot.isNew() ? fresh : ready).add(slot);
                    }
                }
                fresh.forEach(this::initState);
                update(groups.get(g), fresh, rate, true);
                update(groups.get(g), ready, rate, false);
            }
        }
    }

    private void initState(Slot slot) {
        for (String name : rule.stateNames()) {
            slot.state.put(name, owned(torch.zeros_like(slot.parameter))); // keeps the strides, as the kernels need
        }
        slot.state.put(STEPS, owned(torch.zeros(new long[0], stepOptions(slot.parameter))));
    }

    /** On the parameter's device, where the fused kernels expect it; float32 whatever the parameter's type. */
    private static TensorOptions stepOptions(Tensor parameter) {
        return new TensorOptions()
                .dtype(new ScalarTypeOptional(ScalarType.Float))
                .device(new DeviceOptional(parameter.device()));
    }

    private void update(ParameterGroup group, List<Slot> some, double rate, boolean first) {
        if (some.isEmpty()) {
            return;
        }
        List<Tensor> parameters = new ArrayList<>();
        List<Tensor> gradients = new ArrayList<>();
        List<Tensor> steps = new ArrayList<>();
        Scalar one = new Scalar(1.0);
        for (Slot slot : some) {
            parameters.add(slot.parameter);
            gradients.add(inLayoutOf(slot.parameter, slot.parameter.grad()));
            steps.add(slot.stateTensor(STEPS).add_(one));
        }
        List<List<Tensor>> states = new ArrayList<>();
        for (String name : rule.stateNames()) {
            states.add(some.stream().map(slot -> slot.state.get(name)).toList());
        }
        rule.update(parameters, gradients, states, steps, first, rate * group.lrMultiplier(), group.weightDecay());
    }

    /** Updates the sampled rows of a table in chunks, so that copies stay small. */
    private void updateRows(ParameterGroup group, Slot slot, double rate) {
        if (slot.parameter.grad().defined()) {
            throw new IllegalStateException(
                    "\"" + slot.name + "\" must have a gradient or gradients of rows, but had both");
        }
        boolean first = slot.isNew();
        if (first) {
            initState(slot);
        }
        Tensor steps = slot.stateTensor(STEPS).add_(new Scalar(1.0));
        List<Tensor> tables = new ArrayList<>(List.of(slot.parameter.detach()));
        rule.stateNames().forEach(name -> tables.add(slot.state.get(name)));
        long count = slot.rows.indices().size(0);
        for (long from = 0; from < count; from += ROWS_AT_A_TIME) {
            try (PointerScope scope = new PointerScope()) {
                long some = Math.min(ROWS_AT_A_TIME, count - from);
                Tensor indices = slot.rows.indices().narrow(0, from, some); // [R]
                List<Tensor> parts = tables.stream()
                        .map(table -> table.index_select(0, indices))
                        .toList(); // [R, ...] each
                rule.update(
                        List.of(parts.get(0)),
                        List.of(slot.rows.gradient().narrow(0, from, some)),
                        parts.stream().skip(1).map(List::of).toList(),
                        List.of(steps),
                        first,
                        rate * group.lrMultiplier(),
                        group.weightDecay());
                for (int i = 0; i < tables.size(); i++) {
                    tables.get(i).index_copy_(0, indices, parts.get(i));
                }
            }
        }
    }

    /** Returns the gradient with the strides of the parameter, which the fused kernels assume to be equal. */
    private static Tensor inLayoutOf(Tensor parameter, Tensor gradient) {
        for (long d = 0; d < parameter.dim(); d++) {
            if (parameter.size(d) > 1 && parameter.stride(d) != gradient.stride(d)) {
                return torch.empty_like(parameter).copy_(gradient);
            }
        }
        return gradient;
    }

    /**
     * Adds the gradient of some rows of a parameter, for the next step; several calls accumulate.
     *
     * @param name of the parameter, as it was given
     * @param rows [R], int64, each in [0, N) and only once
     * @param gradient [R, ...] of a parameter [N, ...], on its device; the optimizer keeps it and may scale it
     * @throws IllegalArgumentException when there is no such parameter, or a shape does not fit
     */
    public void addRowGradient(String name, Tensor rows, Tensor gradient) {
        Slot slot = slots.stream()
                .flatMap(List::stream)
                .filter(one -> one.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "rows must be of one of the optimizer's parameters, but were of \"" + name + "\""));
        long[] shape = slot.parameter.sizes().vec().get();
        shape[0] = rows.numel();
        if (rows.dim() != 1 || !Arrays.equals(gradient.shape(), shape)) {
            throw new IllegalArgumentException("gradient of " + Arrays.toString(rows.shape()) + " rows of \"" + name
                    + "\" must be " + Arrays.toString(shape) + ", but was " + Arrays.toString(gradient.shape()));
        }
        slot.rows.add(rows, gradient);
    }

    /** Removes all gradients and frees their memory. */
    public void zeroGrad() {
        try (PointerScope scope = new PointerScope()) {
            Tensor none = new Tensor();
            slots.forEach(own -> own.forEach(slot -> {
                slot.parameter.mutable_grad().put(none);
                slot.rows.clear();
            }));
        }
    }

    /**
     * Scales all gradients by one factor where needed, so that their common Euclidean norm is at most {@code maxNorm}:
     * {@code torch.nn.utils.clip_grad_norm_}.
     *
     * @return the norm before clipping; if it is not finite, nothing is scaled
     * @throws IllegalArgumentException when {@code maxNorm} is not positive
     */
    public double clipGradients(double maxNorm) {
        if (!(maxNorm > 0)) {
            throw new IllegalArgumentException("maxNorm must be positive, but was " + maxNorm);
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<String, Tensor> gradients = gradients();
            if (gradients.isEmpty()) {
                return 0;
            }
            Tensor norm = norm(gradients);
            double before = norm.item_double();
            if (!Double.isFinite(before)) {
                return before;
            }
            Tensor factor = norm.add(new Scalar(1e-6)).reciprocal().mul(new Scalar(maxNorm)); // torch's 1e-6
            Tensor capped = factor.clamp(new ScalarOptional(), new ScalarOptional(new Scalar(1.0)));
            gradients.values().forEach(gradient -> gradient.mul_(capped));
            return before;
        }
    }

    /** Euclidean norm of all gradients together; 0 where there is none. NaN or infinite when a value in them is. */
    public double gradientNorm() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<String, Tensor> gradients = gradients();
            return gradients.isEmpty() ? 0 : norm(gradients).item_double();
        }
    }

    /**
     * Names of the parameters whose gradient has a norm that is NaN or infinite: those with such a value, and those so
     * large that their squares overflow float32, which no optimizer can use either.
     */
    public List<String> nonFiniteGradients() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            List<String> names = new ArrayList<>();
            gradients().forEach((name, gradient) -> {
                if (!Double.isFinite(norm(name, gradient).item_double())) {
                    names.add(name);
                }
            });
            return names;
        }
    }

    /** The gradients that exist, by parameter; scoped. */
    private Map<String, Tensor> gradients() {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        slots.forEach(own -> own.forEach(slot -> {
            Tensor gradient = slot.rows.isEmpty() ? slot.parameter.grad() : slot.rows.gradient();
            if (gradient.defined()) {
                gradients.put(slot.name, gradient);
            }
        }));
        return gradients;
    }

    private Tensor norm(Map<String, Tensor> gradients) {
        TensorVector norms = new TensorVector();
        gradients.forEach((name, gradient) -> norms.push_back(norm(name, gradient)));
        return torch.stack(norms).norm();
    }

    private Tensor norm(String name, Tensor gradient) {
        return shards != null && HeadShards.isSharded(name) ? shards.norm(gradient) : gradient.norm();
    }

    /**
     * Returns the optimizer state by names such as {@code exp_avg.encoder.conv1.weight}. The tensors are borrowed.
     */
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        slots.forEach(own ->
                own.forEach(slot -> slot.state.forEach((name, tensor) -> state.put(name + "." + slot.name, tensor))));
        return state;
    }

    /**
     * Loads what {@link #state} returned.
     *
     * @param state is copied
     * @throws IllegalArgumentException when a name or a shape does not fit; nothing is changed then
     */
    public void load(Map<String, Tensor> state) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        state.forEach((name, tensor) -> shapes.put(name, shape(tensor)));
        Map<Slot, Set<String>> found = found(shapes);
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            found.forEach((slot, names) -> restore(slot, names, state));
        }
    }

    /** Checks names and shapes as {@link #load} does; inside a scope. */
    public void requireFits(Map<String, long[]> shapes) {
        found(shapes);
    }

    /** Returns the names of the state that each parameter has; checks all names and shapes. */
    private Map<Slot, Set<String>> found(Map<String, long[]> shapes) {
        Map<String, long[]> rest = new LinkedHashMap<>(shapes);
        Map<Slot, Set<String>> found = new LinkedHashMap<>();
        for (List<Slot> own : slots) {
            for (Slot slot : own) {
                Set<String> saved = new LinkedHashSet<>();
                for (String name : rule.stateNames()) {
                    take(rest, name, slot, shape(slot.parameter), saved);
                }
                take(rest, STEPS, slot, new long[0], saved);
                if (!saved.isEmpty() && saved.size() != rule.stateNames().size() + 1) {
                    throw new IllegalArgumentException("optimizer state of \"" + slot.name + "\" must have "
                            + rule.stateNames() + " and " + STEPS + ", but had " + saved);
                }
                found.put(slot, saved);
            }
        }
        if (!rest.isEmpty()) {
            throw new IllegalArgumentException("optimizer state must be of this optimizer's parameters, but had \""
                    + rest.keySet().iterator().next() + "\"");
        }
        return found;
    }

    private static long[] shape(Tensor tensor) {
        return tensor.dim() == 0 ? new long[0] : tensor.sizes().vec().get();
    }

    private static void take(Map<String, long[]> rest, String name, Slot slot, long[] shape, Set<String> into) {
        long[] given = rest.remove(name + "." + slot.name);
        if (given == null) {
            return;
        }
        if (!Arrays.equals(given, shape)) {
            throw new IllegalArgumentException("optimizer state \"" + name + "." + slot.name + "\" must be "
                    + Arrays.toString(shape) + ", but was " + Arrays.toString(given));
        }
        into.add(name);
    }

    private void restore(Slot slot, Set<String> names, Map<String, Tensor> saved) {
        clearState(slot);
        if (!names.isEmpty()) {
            initState(slot);
            names.forEach(
                    name -> slot.stateTensor(name).copy_(Objects.requireNonNull(saved.get(name + "." + slot.name))));
        }
    }

    private static void clearState(Slot slot) {
        slot.state.values().forEach(Tensor::close);
        slot.state.clear();
    }

    /** Frees the optimizer state; the parameters are borrowed. */
    @Override
    public void close() {
        slots.forEach(own -> own.forEach(slot -> {
            clearState(slot);
            slot.rows.clear();
            slot.parameter.close();
        }));
        slots.clear();
    }
}
