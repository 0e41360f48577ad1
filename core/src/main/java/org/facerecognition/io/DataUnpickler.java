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
 * Unpickles data and nothing else, in time and memory that grow with the file alone. A pickle is a program: it names
 * Python functions and calls them. Here only given instructions are followed, and a name stands for nothing but what a
 * subclass answers.
 *
 * <p>A few bytes can stand for much: a list that holds itself twice, at thirty levels, takes 2^30 steps to be hashed or
 * printed, and a text of a megabyte can be converted again and again. So no list is used as a key, as in Python, no
 * value is printed, lengths are compared with what is left before they are allocated, and all that is made is counted.
 */
public abstract class DataUnpickler extends Unpickler {
    private static final long MAX_STEPS = 20_000_000;
    private static final int HEAP_BYTES_PER_STEP = 160; // a list and its place in the memo
    private static final int MAX_NAME = 200;
    private static final int MAX_INTEGER_BYTES = 16;

    private final Set<Short> instructions;
    private long stepsLeft;

    /** @param instructions that are followed, of {@link Opcodes} */
    protected DataUnpickler(Set<Short> instructions) {
        this.instructions = Set.copyOf(instructions);
        this.stepsLeft = Math.min(MAX_STEPS, Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_STEP);
    }

    /**
     * What a name of Python stands for: an {@link net.razorvine.pickle.IObjectConstructor}, or a value.
     *
     * @param name with its module: {@code collections.OrderedDict}
     */
    protected abstract Object named(String name);

    /** Takes an attribute dictionary or the like, {@code state}, for the value on top of the stack. */
    protected abstract void build(@Nullable Object target, @Nullable Object state);

    /** The exception for an instruction that is not followed. */
    protected abstract RuntimeException refusedInstruction(short instruction);

    /**
     * Counts what is made, in elements of lists or the like.
     *
     * @throws PickleException when it is too much
     */
    protected final void count(long elements) {
        stepsLeft -= elements;
        if (stepsLeft < 0) {
            throw new PickleException("the pickle makes more than any such file needs, or this Java heap holds");
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
            case Opcodes.EMPTY_DICT -> stack.add(new LinkedHashMap<>()); // the library's forgets the order
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
            case Opcodes.APPENDS -> { // the library's copies the list each time
                List<Object> items = stack.pop_all_since_marker();
                ((ArrayList<?>) stack.peek()).addAll(cast(items));
            }
            default -> {
                checkLength(instruction);
                return super.dispatch(instruction);
            }
        }
        return NO_RETURN_VALUE;
    }

    @SuppressWarnings("unchecked")
    private static <T> T cast(Object value) {
        return (T) value;
    }

    private void put(@Nullable Object key, @Nullable Object value) {
        if (key instanceof Collection || key instanceof Map) {
            throw new PickleException("a list or dictionary must not be a key");
        }
        Map<Object, Object> dictionary = cast(stack.peek());
        dictionary.put(key, value);
    }

    private static String name(@Nullable Object value) {
        if (!(value instanceof String name) || name.length() > MAX_NAME) {
            throw new PickleException("a name must be a short text");
        }
        return name;
    }

    private String line(int maxCharacters) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = input.read(); c != '\n'; c = input.read()) {
            if (c < 0 || line.length() == maxCharacters) {
                throw new IOException("a line does not end");
            }
            line.append((char) c);
        }
        return line.toString();
    }

    /**
     * What reaches past the end must not be allocated first; whole numbers in texts take the square of their length.
     */
    private void checkLength(short instruction) throws IOException {
        switch (instruction) {
            case Opcodes.BINBYTES, Opcodes.BINSTRING, Opcodes.BINUNICODE -> checkLength(Integer.BYTES, Long.MAX_VALUE);
            case Opcodes.BINBYTES8, Opcodes.BINUNICODE8, Opcodes.BYTEARRAY8 -> checkLength(Long.BYTES, Long.MAX_VALUE);
            case Opcodes.LONG4 -> checkLength(Integer.BYTES, MAX_INTEGER_BYTES);
            case Opcodes.LONG, Opcodes.INT, Opcodes.FLOAT, Opcodes.GET, Opcodes.PUT -> {
                input.mark(MAX_NAME + 1);
                line(MAX_NAME);
                input.reset();
            }
            default -> {}
        }
    }

    private void checkLength(int bytes, long most) throws IOException {
        input.mark(bytes);
        byte[] raw = PickleUtils.readbytes(input, bytes);
        long length = bytes == Integer.BYTES ? PickleUtils.bytes_to_uint(raw, 0) : PickleUtils.bytes_to_long(raw, 0);
        if (length < 0 || length > Math.min(most, input.available())) {
            throw new IOException("a length reaches past the end");
        }
        input.reset();
    }
}
