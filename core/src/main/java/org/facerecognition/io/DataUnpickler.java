package org.facerecognition.io;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleException;
import net.razorvine.pickle.PickleUtils;
import net.razorvine.pickle.Unpickler;
import org.jspecify.annotations.Nullable;

/**
 * Unpickles untrusted data without executing code, in time and memory proportional to the size of the file. A pickle is
 * a program that names Python functions and calls them. This class executes only the given instructions, and a name
 * resolves only to what a subclass returns for it.
 *
 * <p>A few bytes can have a large effect: thirty levels of lists that each contain the next one twice take 2^30 steps
 * to hash or print, and a text of a megabyte can be converted again and again. Therefore lists cannot be keys, as in
 * Python, values are never printed, lengths are compared with the remaining input before memory is allocated, and all
 * created elements are counted.
 */
public abstract class DataUnpickler extends Unpickler {
    private static final long MAX_STEPS = 20_000_000;
    private static final int HEAP_BYTES_PER_STEP = 160; // a list and its entry in the memo
    private static final int MAX_NAME = 200;
    private static final int MAX_INTEGER_BYTES = 16; // no number that means something is longer

    private final Set<Short> instructions;
    private final long maxSteps;
    private long stepsLeft;

    /** @param instructions that may be executed, from {@link Opcodes} */
    protected DataUnpickler(Set<Short> instructions) {
        this.instructions = Set.copyOf(instructions);
        this.maxSteps = Math.min(MAX_STEPS, Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_STEP);
        this.stepsLeft = maxSteps;
    }

    /**
     * Resolves a Python name to an {@link net.razorvine.pickle.IObjectConstructor} or a value.
     *
     * @param name including its module, for example {@code collections.OrderedDict}
     */
    protected abstract Object named(String name);

    /** Applies {@code state}, for example a dictionary of attributes, to the value on top of the stack. */
    protected abstract void build(@Nullable Object target, @Nullable Object state);

    /** Creates the exception for an instruction that may not be executed. */
    protected abstract RuntimeException refusedInstruction(short instruction);

    /**
     * Creates the exception for a pickle of too many values.
     *
     * @param reason a clause whose subject is the pickle, with the way out: {@code makes more than ...; give Java ...}
     */
    protected abstract RuntimeException refusedSize(String reason);

    /** Counts created values, such as elements of lists, and throws {@link #refusedSize} if there are too many. */
    protected final void count(long elements) {
        stepsLeft -= elements;
        if (stepsLeft < 0) {
            throw refusedSize("makes more than " + maxSteps
                    + (maxSteps < MAX_STEPS
                            ? " values, the most for this Java heap; give Java more memory (-Xmx)"
                            : " values, more than any such file needs; save only what is needed"));
        }
    }

    @Override
    protected final @Nullable Object dispatch(short instruction) throws PickleException, IOException {
        if (!instructions.contains(instruction)) {
            throw refusedInstruction(instruction);
        }
        count(1);
        switch (instruction) {
            case Opcodes.GLOBAL -> {
                String module = line(MAX_NAME);
                stack.add(named(module + "." + line(MAX_NAME)));
            }
            case Opcodes.STACK_GLOBAL -> {
                String name = name(stack.pop());
                stack.add(named(name(stack.pop()) + "." + name));
            }
            case Opcodes.BUILD -> {
                Object state = stack.pop();
                build(stack.peek(), state);
            }
            case Opcodes.EMPTY_DICT -> stack.add(new LinkedHashMap<>()); // the library's map does not keep the order
            case Opcodes.SETITEM -> {
                Object value = stack.pop();
                put(stack.pop(), value);
            }
            case Opcodes.SETITEMS -> {
                List<Object> items = stack.pop_all_since_marker();
                for (int i = 0; i + 1 < items.size(); i += 2) {
                    put(items.get(i), items.get(i + 1));
                }
            }
            case Opcodes.APPEND -> {
                Object item = stack.pop();
                list(stack.peek()).add(item);
            }
            case Opcodes.APPENDS, Opcodes.ADDITEMS -> { // the library copies the list each time
                List<Object> items = stack.pop_all_since_marker();
                list(stack.peek()).addAll(items);
            }
            case Opcodes.EMPTY_SET -> stack.add(new ArrayList<>()); // a list, because a set would hash its elements
            case Opcodes.FROZENSET -> { // it may be a key, so it is equal only to itself
                stack.pop_all_since_marker();
                stack.add(new Object());
            }
            case Opcodes.LONG4 -> {
                long bytes = checkedLength(Integer.BYTES);
                if (bytes <= MAX_INTEGER_BYTES) {
                    return super.dispatch(instruction);
                }
                input.skipNBytes(Integer.BYTES + bytes);
                stack.add(new Object()); // not a number: the time to print one grows with the square of its length
            }
            case Opcodes.NEWOBJ_EX -> {
                stack.pop(); // the arguments by name: no constructor of a subclass has any
                return super.dispatch(Opcodes.NEWOBJ);
            }
            default -> {
                checkLength(instruction);
                return super.dispatch(instruction);
            }
        }
        return NO_RETURN_VALUE;
    }

    /**
     * Returns the dictionary that an instruction adds items to: by default, the value itself.
     *
     * @throws ClassCastException if the value is not a dictionary
     */
    protected Map<Object, Object> dictionary(Object target) {
        return cast(target);
    }

    /**
     * Returns the list that an instruction adds elements to: by default, the value itself.
     *
     * @throws ClassCastException if the value is not a list
     */
    protected List<Object> list(Object target) {
        return cast((ArrayList<?>) target);
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }

    private void put(@Nullable Object key, @Nullable Object value) {
        if (key instanceof Collection || key instanceof Map) {
            throw new PickleException("a key must not be a list or dictionary");
        }
        dictionary(stack.peek()).put(key, value);
    }

    private static String name(@Nullable Object value) {
        if (!(value instanceof String name) || name.length() > MAX_NAME) {
            throw new PickleException("a name must be a text of at most " + MAX_NAME + " characters");
        }
        return name;
    }

    private String line(int maxCharacters) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = input.read(); c != '\n'; c = input.read()) {
            if (c < 0 || line.length() == maxCharacters) {
                throw new IOException("a line of the pickle is too long or does not end");
            }
            line.append((char) c);
        }
        return line.toString();
    }

    /**
     * Rejects lengths that reach past the end of the input before memory is allocated for them. It also limits the
     * length of numbers written as text, because the time to convert an integer grows with the square of its length.
     */
    private void checkLength(short instruction) throws IOException {
        switch (instruction) {
            case Opcodes.BINBYTES, Opcodes.BINSTRING, Opcodes.BINUNICODE -> checkedLength(Integer.BYTES);
            case Opcodes.BINBYTES8, Opcodes.BINUNICODE8, Opcodes.BYTEARRAY8 -> checkedLength(Long.BYTES);
            case Opcodes.LONG, Opcodes.INT, Opcodes.FLOAT, Opcodes.GET, Opcodes.PUT -> {
                input.mark(MAX_NAME + 1);
                line(MAX_NAME);
                input.reset();
            }
            default -> {}
        }
    }

    /** Returns a length of so many bytes without passing over it. */
    private long checkedLength(int bytes) throws IOException {
        input.mark(bytes);
        byte[] raw = PickleUtils.readbytes(input, bytes);
        long length = bytes == Integer.BYTES ? PickleUtils.bytes_to_uint(raw, 0) : PickleUtils.bytes_to_long(raw, 0);
        if (length < 0 || length > input.available()) {
            throw new IOException("a length reaches past the end of the pickle");
        }
        input.reset();
        return length;
    }
}
