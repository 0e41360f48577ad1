package org.facerecognition.weights;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleException;
import org.facerecognition.io.DataUnpickler;
import org.jspecify.annotations.Nullable;

/**
 * Unpickles state dicts and nothing else. The few Python functions that a state dict needs are recognized by name and
 * implemented in Java. Any other name, and any instruction that {@code torch.save} does not write, is rejected.
 */
final class StateDictUnpickler extends DataUnpickler {
    /** The instructions that {@code torch.save} writes: those of protocol 2, and their equivalents in protocol 4. */
    private static final Set<Short> INSTRUCTIONS = Set.of(
            Opcodes.PROTO,
            Opcodes.STOP,
            Opcodes.MARK,
            Opcodes.EMPTY_DICT,
            Opcodes.EMPTY_LIST,
            Opcodes.EMPTY_TUPLE,
            Opcodes.TUPLE,
            Opcodes.TUPLE1,
            Opcodes.TUPLE2,
            Opcodes.TUPLE3,
            Opcodes.APPEND,
            Opcodes.APPENDS,
            Opcodes.SETITEM,
            Opcodes.SETITEMS,
            Opcodes.NONE,
            Opcodes.NEWTRUE,
            Opcodes.NEWFALSE,
            Opcodes.BININT,
            Opcodes.BININT1,
            Opcodes.BININT2,
            Opcodes.LONG1,
            Opcodes.BINFLOAT,
            Opcodes.BINUNICODE,
            Opcodes.SHORT_BINUNICODE,
            Opcodes.SHORT_BINSTRING,
            Opcodes.BINSTRING,
            Opcodes.BINPUT,
            Opcodes.LONG_BINPUT,
            Opcodes.MEMOIZE,
            Opcodes.BINGET,
            Opcodes.LONG_BINGET,
            Opcodes.FRAME,
            Opcodes.GLOBAL,
            Opcodes.STACK_GLOBAL,
            Opcodes.REDUCE,
            Opcodes.BUILD,
            Opcodes.BINPERSID);

    private static final Map<String, ElementType> STORAGES = Map.of(
            "torch.BoolStorage", ElementType.BOOL,
            "torch.ByteStorage", ElementType.U8,
            "torch.CharStorage", ElementType.I8,
            "torch.ShortStorage", ElementType.I16,
            "torch.IntStorage", ElementType.I32,
            "torch.LongStorage", ElementType.I64,
            "torch.HalfStorage", ElementType.F16,
            "torch.BFloat16Storage", ElementType.BF16,
            "torch.FloatStorage", ElementType.F32,
            "torch.DoubleStorage", ElementType.F64);

    private static final int MAX_DIMENSIONS = 64; // libtorch's limit

    private final Map<String, IObjectConstructor> functions = Map.of(
            "collections.OrderedDict", this::orderedDict,
            "torch._utils._rebuild_tensor", StateDictUnpickler::tensor,
            "torch._utils._rebuild_tensor_v2", StateDictUnpickler::tensor,
            "torch._utils._rebuild_parameter", arguments -> arguments[0]);

    /** A sequence of elements in the file, which several tensors may share. */
    record Storage(ElementType type, String key, long elements) {}

    /** A tensor as a view of a storage; offset and strides are in elements. */
    record View(Storage storage, long offset, List<Long> shape, List<Long> strides) {}

    private final Function<String, WeightsException> refusal;

    /** @param refusal creates the exception from a reason, adding the name of the file */
    StateDictUnpickler(Function<String, WeightsException> refusal) {
        super(INSTRUCTIONS);
        this.refusal = refusal;
    }

    /**
     * Reads one pickle from a stream, which other data may follow.
     *
     * @param bytes a stream in memory, so that lengths can be checked against the number of bytes left
     * @throws WeightsException when the pickle is damaged, or contains anything that no state dict needs
     */
    @Nullable
    Object read(ByteArrayInputStream bytes) {
        try {
            memo.clear();
            return load(bytes);
        } catch (WeightsException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // a damaged pickle can lead to casts, bounds, nulls and others
            throw refusal.apply("is damaged: its pickle cannot be read");
        }
    }

    @Override
    protected RuntimeException refusedInstruction(short instruction) {
        return refusal.apply("is refused: its pickle has the instruction 0x" + Integer.toHexString(instruction)
                + ", which no state dict needs");
    }

    @Override
    protected Object named(String name) {
        if (STORAGES.containsKey(name)) {
            return STORAGES.get(name);
        }
        IObjectConstructor function = functions.get(name);
        if (function == null) {
            throw refusal.apply("is refused: it asks for Python's " + name
                    + ", which no state dict needs. Nothing of it was executed; save the weights alone, with"
                    + " torch.save(model.state_dict(), file) or as safetensors");
        }
        return function;
    }

    /** Ignores the attributes of an OrderedDict: {@code _metadata} holds version numbers, which are not needed here. */
    @Override
    protected void build(@Nullable Object target, @Nullable Object state) {
        if (!(target instanceof Map)) {
            throw refusal.apply("is refused: its pickle sets attributes of an object that is not a dictionary");
        }
    }

    /** Takes {@code ("storage", type, key, location, elements[, view])}. */
    @Override
    protected Object persistentLoad(Object id) {
        Object[] parts = (Object[]) id;
        if (!"storage".equals(parts[0]) || (parts.length > 5 && parts[5] != null)) {
            throw refusal.apply("is of an unknown form: its pickle refers to an object that is not a storage");
        }
        return new Storage((ElementType) parts[1], (String) parts[2], ((Number) parts[4]).longValue());
    }

    private Object orderedDict(Object[] arguments) {
        Map<String, Object> dict = new LinkedHashMap<>();
        if (arguments.length > 0) { // Python 2 passes a list of pairs
            List<?> pairs = (List<?>) arguments[0];
            count(pairs.size());
            for (Object pair : pairs) {
                Object[] both = pair instanceof List<?> list ? list.toArray() : (Object[]) pair;
                count(both.length);
                dict.put((String) both[0], both[1]);
            }
        }
        return dict;
    }

    /** Takes {@code (storage, offset, shape, strides, ...)}. */
    private static Object tensor(Object[] arguments) {
        return new View(
                (Storage) arguments[0], ((Number) arguments[1]).longValue(), longs(arguments[2]), longs(arguments[3]));
    }

    private static List<Long> longs(Object tuple) {
        Object[] numbers = (Object[]) tuple;
        if (numbers.length > MAX_DIMENSIONS) {
            throw new PickleException("a tensor must have at most " + MAX_DIMENSIONS + " dimensions");
        }
        return Arrays.stream(numbers)
                .map(number -> ((Number) number).longValue())
                .toList();
    }
}
