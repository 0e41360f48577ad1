package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
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
 * Unpickles dictionaries of tensors, and whatever a training script saves beside them, without executing anything. The
 * few Python functions that tensors and dictionaries need are recognized by name and implemented in Java. Any other
 * name, such as a class of settings, becomes a {@link Placeholder}. A pickle that asks for a command or for another
 * program is rejected, although it could do no harm here, because it is an attack on those who load it in Python.
 */
final class StateDictUnpickler extends DataUnpickler {
    /** The instructions of Python's pickler in protocols 2 to 5, without those of other processes' memory. */
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
            Opcodes.EMPTY_SET,
            Opcodes.ADDITEMS,
            Opcodes.FROZENSET,
            Opcodes.POP,
            Opcodes.POP_MARK,
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
            Opcodes.LONG4,
            Opcodes.BINFLOAT,
            Opcodes.BINUNICODE,
            Opcodes.BINUNICODE8,
            Opcodes.SHORT_BINUNICODE,
            Opcodes.BINBYTES,
            Opcodes.BINBYTES8,
            Opcodes.SHORT_BINBYTES,
            Opcodes.BYTEARRAY8,
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
            Opcodes.NEWOBJ,
            Opcodes.NEWOBJ_EX,
            Opcodes.BUILD,
            Opcodes.BINPERSID);

    private static final StorageType UNTYPED = new StorageType("bytes of unknown type", null, 1);

    private static final Map<String, StorageType> STORAGES = Map.ofEntries(
            storage("Bool", ElementType.BOOL, 1),
            storage("Byte", ElementType.U8, 1),
            storage("Char", ElementType.I8, 1),
            storage("Short", ElementType.I16, 2),
            storage("Int", ElementType.I32, 4),
            storage("Long", ElementType.I64, 8),
            storage("Half", ElementType.F16, 2),
            storage("BFloat16", ElementType.BF16, 2),
            storage("Float", ElementType.F32, 4),
            storage("Double", ElementType.F64, 8),
            unread("ComplexFloat", "torch.complex64", 8),
            unread("ComplexDouble", "torch.complex128", 16),
            unread("QInt8", "torch.qint8", 1),
            unread("QUInt8", "torch.quint8", 1),
            unread("QInt32", "torch.qint32", 4),
            unread("QUInt4x2", "torch.quint4x2", 1),
            unread("QUInt2x4", "torch.quint2x4", 1),
            Map.entry("torch.storage.UntypedStorage", UNTYPED),
            Map.entry("torch.storage._UntypedStorage", UNTYPED));

    private static final String REBUILD = "torch._utils._rebuild_"; // what makes a tensor is named like this
    private static final int MAX_DIMENSIONS = 64; // libtorch's limit
    private static final int METADATA = 6; // the place in the arguments of _rebuild_tensor_v2
    private static final int NEW_TYPE = 6; // the place in the arguments of _rebuild_tensor_v3
    private static final String NEGATIVE = "neg"; // the metadata of torch's lazily negated tensors

    private static final IObjectConstructor OF_SUBCLASS = StateDictUnpickler::tensorOfSubclass;

    private final Map<String, IObjectConstructor> functions = Map.ofEntries(
            Map.entry("collections.OrderedDict", this::orderedDict),
            Map.entry("collections.defaultdict", arguments -> new LinkedHashMap<>()),
            Map.entry(REBUILD + "tensor", this::tensor),
            Map.entry(REBUILD + "tensor_v2", this::tensor),
            Map.entry(REBUILD + "tensor_v3", StateDictUnpickler::tensorOfNewType),
            Map.entry(REBUILD + "parameter", arguments -> arguments[0]),
            Map.entry(REBUILD + "parameter_with_state", arguments -> arguments[0]),
            Map.entry("torch._tensor._rebuild_from_type", OF_SUBCLASS),
            Map.entry("torch._tensor._rebuild_from_type_v2", OF_SUBCLASS),
            Map.entry("copyreg._reconstructor", StateDictUnpickler::ofClass),
            Map.entry("copy_reg._reconstructor", StateDictUnpickler::ofClass));

    private final Map<String, Integer> elementBytes = new HashMap<>(); // by the key of the storage

    /** The type of a storage's elements; {@code elements} is null where this library cannot read them. */
    record StorageType(String name, @Nullable ElementType elements, int bytes) {}

    private static Map.Entry<String, StorageType> storage(String name, ElementType elements, int bytes) {
        return Map.entry("torch." + name + "Storage", new StorageType(name, elements, bytes));
    }

    private static Map.Entry<String, StorageType> unread(String name, String type, int bytes) {
        return Map.entry("torch." + name + "Storage", new StorageType(type, null, bytes));
    }

    /** A part of a sequence of elements in the file; {@code begin} is not 0 where it is a view of another one. */
    private record StoragePart(StorageType type, String key, long begin, long elements) {}

    /** A sequence of elements in the file, which several tensors may share. */
    record Storage(ElementType type, String key, long elements) {}

    /**
     * A tensor as a view of a storage.
     *
     * @param offset in elements, as the strides
     * @param negative whether the tensor's values are those of the storage with the other sign
     */
    record View(Storage storage, long offset, List<Long> shape, List<Long> strides, boolean negative) {}

    private final Function<String, WeightsException> refusal;

    /** @param refusal creates the exception from a reason, adding the name of the file */
    StateDictUnpickler(Function<String, WeightsException> refusal) {
        super(INSTRUCTIONS);
        this.refusal = refusal;
    }

    /**
     * Reads one pickle from a stream, which other data may follow.
     *
     * @param bytes a stream that knows the number of bytes left, so that lengths can be checked against it
     * @throws WeightsException when the pickle is damaged, or contains anything that no state dict needs
     * @throws IOException when the stream throws an UncheckedIOException: when the file cannot be read
     */
    @Nullable
    Object read(InputStream bytes) throws IOException {
        try {
            memo.clear();
            return load(bytes);
        } catch (WeightsException e) {
            throw e;
        } catch (UncheckedIOException e) {
            throw e.getCause();
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
    protected RuntimeException refusedSize(String reason) {
        return refusal.apply("is refused: its pickle " + reason);
    }

    /**
     * Returns the number of bytes per element of each storage that was referred to, by the key of the storage: also of
     * those that belong to no weights, such as an optimizer's.
     */
    Map<String, Integer> elementBytes() {
        return elementBytes;
    }

    @Override
    protected Object named(String name) {
        StorageType storage = STORAGES.get(name.replace("torch.cuda.", "torch."));
        if (storage != null) {
            return storage;
        }
        IObjectConstructor function = functions.get(name);
        if (function != null) {
            return function;
        }
        if (PythonCommands.contain(name)) {
            throw refusal.apply("is refused: it asks for Python's " + name
                    + ", which no state dict needs. Nothing of it was executed; save the weights alone, with"
                    + " torch.save(model.state_dict(), file) or as safetensors");
        }
        return name.startsWith(REBUILD) ? Placeholder.tensor(name) : new Placeholder(name);
    }

    /**
     * Ignores attributes, such as version numbers in {@code _metadata}; a network is recognized by what it has. The
     * attributes of a TorchScript module are its tensors and the modules in it.
     */
    @Override
    protected void build(@Nullable Object target, @Nullable Object state) {
        if (target instanceof Placeholder placeholder && state instanceof Map<?, ?> attributes) {
            placeholder.recognize(attributes);
            if (placeholder.isScripted()) {
                count(attributes.size());
                placeholder.entries().putAll(attributes);
            }
        }
    }

    @Override
    protected Map<Object, Object> dictionary(Object target) {
        return target instanceof Placeholder placeholder ? placeholder.entries() : super.dictionary(target);
    }

    @Override
    protected List<Object> list(Object target) {
        return target instanceof Placeholder ? new ArrayList<>() : super.list(target);
    }

    /**
     * Takes {@code ("storage", type, key, location, elements[, view])}, where a view is {@code (key, begin, elements)},
     * or in the old format {@code ("module", class, ...)}.
     */
    @Override
    protected Object persistentLoad(Object id) {
        Object[] parts = (Object[]) id;
        if ("module".equals(parts[0])) {
            return parts[1];
        }
        if (!"storage".equals(parts[0])) {
            throw refusal.apply("is of an unknown form: its pickle refers to an object that is not a storage");
        }
        StorageType type = (StorageType) parts[1];
        String key = (String) parts[2];
        long elements = ((Number) parts[4]).longValue();
        elementBytes.put(key, type.bytes());
        if (parts.length > 5 && parts[5] != null) {
            Object[] view = (Object[]) parts[5];
            return new StoragePart(type, key, ((Number) view[1]).longValue(), ((Number) view[2]).longValue());
        }
        return new StoragePart(type, key, 0, elements);
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

    /** Takes {@code (storage, offset, shape, strides[, requires gradient, hooks[, metadata]])}. */
    private Object tensor(Object[] arguments) {
        StoragePart part = (StoragePart) arguments[0];
        ElementType type = part.type().elements();
        if (type == null) {
            return Placeholder.tensorOfType(part.type().name());
        }
        Map<?, ?> metadata =
                arguments.length > METADATA && arguments[METADATA] != null ? (Map<?, ?>) arguments[METADATA] : Map.of();
        count(metadata.size());
        boolean negative = Boolean.TRUE.equals(metadata.get(NEGATIVE));
        boolean known = metadata.entrySet().stream()
                .allMatch(entry -> NEGATIVE.equals(entry.getKey()) || Boolean.FALSE.equals(entry.getValue()));
        if (!known || negative && type == ElementType.BOOL) {
            return Placeholder.tensor(REBUILD + "tensor_v2 with metadata");
        }
        long offset = ((Number) arguments[1]).longValue();
        if (offset < 0 || part.begin() < 0) {
            throw new PickleException("a tensor must not begin before its storage");
        }
        return new View(
                new Storage(type, part.key(), Math.addExact(part.begin(), part.elements())),
                Math.addExact(part.begin(), offset),
                longs(arguments[2]),
                longs(arguments[3]),
                negative);
    }

    /** Takes {@code (storage, offset, shape, strides, requires gradient, hooks, type, ...)}. */
    private static Object tensorOfNewType(Object[] arguments) {
        return Placeholder.tensorOfType(((Placeholder) arguments[NEW_TYPE]).name());
    }

    /** Takes {@code (function, class, arguments, state)}, for a tensor of a subclass of torch.Tensor. */
    private static Object tensorOfSubclass(Object[] arguments) {
        if (arguments[0] == OF_SUBCLASS) { // Python does not write it, and it could go on forever
            throw new PickleException("a tensor of a subclass must be rebuilt from a tensor");
        }
        return ((IObjectConstructor) arguments[0]).construct((Object[]) arguments[2]);
    }

    /** Takes {@code (class, base, state)}. */
    private static Object ofClass(Object[] arguments) {
        return ((IObjectConstructor) arguments[0]).construct(new Object[0]);
    }

    private List<Long> longs(Object tuple) {
        Object[] numbers = (Object[]) tuple;
        if (numbers.length > MAX_DIMENSIONS) {
            throw new PickleException("a tensor must have at most " + MAX_DIMENSIONS + " dimensions");
        }
        count(numbers.length);
        return Arrays.stream(numbers)
                .map(number -> ((Number) number).longValue())
                .toList();
    }
}
