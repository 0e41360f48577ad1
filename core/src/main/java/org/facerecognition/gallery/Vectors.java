package org.facerecognition.gallery;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.LongFunction;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.SystemMemory;

/**
 * The embeddings of a gallery: rows of floats in blocks of native memory, which this object owns. Rows are added at the
 * end and do not change until they are erased, once no reader uses them. One thread adds; any thread may read the rows
 * that were added before that thread published their number.
 */
/*
 * The memory consists of blocks instead of one growing array, so that nothing is copied or moved while it is read. A
 * block has 32 MiB: large enough that the overhead of starting a matrix product per block is negligible, and memory
 * that is not written yet is not committed by the operating system.
 *
 * Blocks begin where a large page may, and have large pages where Linux gives them: a matrix product with one probe
 * then takes two thirds of the time (Intel Xeon with AMX, 300,000 rows of 512 values). An almost empty block takes
 * 2 MiB.
 *
 * The blocks are allocated by malloc directly and not through JavaCPP, which would count them against its limit of
 * native memory. By default, that is the maximum size of the Java heap, so a JVM with a heap of 1 GB would reject a
 * gallery of 2 GB.
 */
final class Vectors implements AutoCloseable {
    private static final int BLOCK_FLOATS = 1 << 23;
    private static final int ALIGNMENT_BYTES = SystemMemory.LARGE_PAGE_BYTES;

    private final LongFunction<Pointer> malloc;
    private final int dimension;
    private final int rowBits; // a block has 2^rowBits rows
    private volatile Block[] blocks = {};

    /**
     * A block of rows.
     *
     * @param memory as malloc returned it, owned
     * @param rows the aligned part of it
     * @param view the same as a buffer
     */
    private record Block(Pointer memory, FloatPointer rows, FloatBuffer view) {}

    Vectors(int dimension) {
        this(dimension, Pointer::malloc);
    }

    Vectors(int dimension, LongFunction<Pointer> malloc) {
        NativeLibraries.load();
        this.dimension = dimension;
        this.malloc = malloc;
        this.rowBits = 31 - Integer.numberOfLeadingZeros(Math.max(1, BLOCK_FLOATS / dimension));
    }

    int dimension() {
        return dimension;
    }

    int rowsPerBlock() {
        return 1 << rowBits;
    }

    /**
     * Reserves memory for a total number of rows.
     *
     * @throws OutOfMemoryError if there is not enough memory
     */
    void reserve(int rows) {
        int needed = (int) (((long) rows + rowsPerBlock() - 1) >> rowBits);
        while (blocks.length < needed) { // one at a time, so that those before a failure are not lost
            Block[] more = Arrays.copyOf(blocks, blocks.length + 1);
            more[blocks.length] = allocate();
            blocks = more;
        }
    }

    private Block allocate() {
        long floats = (long) rowsPerBlock() * dimension;
        Pointer memory = malloc.apply(floats * Float.BYTES + ALIGNMENT_BYTES);
        if (memory == null || memory.isNull()) {
            throw new OutOfMemoryError("no memory for another " + rowsPerBlock() + " embeddings of " + dimension
                    + " values in the gallery");
        }
        long shift = -memory.address() & (ALIGNMENT_BYTES - 1);
        FloatPointer rows =
                new FloatPointer(memory).getPointer(shift / Float.BYTES).capacity(floats);
        SystemMemory.askForLargePages(rows, floats * Float.BYTES);
        return new Block(memory, rows, rows.asBuffer());
    }

    /** Writes a row, for which memory must be reserved. */
    void put(int row, float[] unit) {
        block(row).view.duplicate().position(offset(row)).put(unit);
    }

    /** Overwrites a row with zeros. */
    void erase(int row) {
        put(row, new float[dimension]);
    }

    /** Returns a copy of a row. */
    float[] get(int row) {
        float[] unit = new float[dimension];
        block(row).view.get(offset(row), unit);
        return unit;
    }

    /** Returns a pointer to the first row of a block, for native code; borrowed. */
    FloatPointer rowsOfBlock(int block) {
        return blocks[block].rows;
    }

    /** Returns a new pointer that can be moved to rows by {@link #position}. There must be at least one row. */
    FloatPointer cursor() {
        return new FloatPointer(blocks[0].rows);
    }

    /** Returns the position of a row for a {@link #cursor}, in floats. Distances of blocks are multiples of a float. */
    long position(int row) {
        return position(this, row);
    }

    /** Returns the position of a row of other vectors of the same dimension for a {@link #cursor} of these. */
    long position(Vectors others, int row) {
        return (others.block(row).rows.address() - blocks[0].rows.address()) / Float.BYTES + others.offset(row);
    }

    /** Returns the cosine in double precision, which does not depend on how the row was found. */
    double cosine(int row, float[] probe) {
        FloatBuffer view = block(row).view;
        int from = offset(row);
        double dot = 0;
        for (int i = 0; i < dimension; i++) {
            dot += (double) view.get(from + i) * probe[i];
        }
        return Math.max(-1, Math.min(1, dot));
    }

    private Block block(int row) {
        return blocks[row >> rowBits];
    }

    private int offset(int row) {
        return (row & (rowsPerBlock() - 1)) * dimension;
    }

    @Override
    public void close() {
        for (Block block : blocks) {
            Pointer.free(block.memory);
        }
        blocks = new Block[0];
    }
}
