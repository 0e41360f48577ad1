package org.facerecognition.gallery;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.facerecognition.natives.NativeLibraries;

/**
 * The embeddings: rows of floats in blocks of native memory, added at the end and never changed, until they are erased
 * when nobody reads them any more. One thread adds; what it has added before it publishes the number of rows, any
 * thread may read.
 */
/*
 * Blocks, and not one piece that grows, so that nothing is copied or moved under a reader. 32 MiB each: large enough
 * that starting a matrix product on one costs nothing beside it, and memory that is not written yet costs nothing
 * either.
 *
 * The memory is malloc's own, not an allocation of JavaCPP's: that would be counted against the Java heap's limit, and
 * a gallery of 2 GB would be refused in a JVM of 1 GB.
 */
final class Vectors implements AutoCloseable {
    private static final int BLOCK_FLOATS = 1 << 23;
    private static final int ALIGNMENT_BYTES = 64; // a cache line, and the widest vector register

    private final int dimension;
    private final int rowBits; // a block has 2^rowBits rows
    private volatile Block[] blocks = {};

    /** @param memory as malloc gave it; @param rows the same, aligned */
    private record Block(Pointer memory, FloatPointer rows, FloatBuffer view) {}

    Vectors(int dimension) {
        NativeLibraries.load();
        this.dimension = dimension;
        this.rowBits = 31 - Integer.numberOfLeadingZeros(Math.max(1, BLOCK_FLOATS / dimension));
    }

    int dimension() {
        return dimension;
    }

    int rowsPerBlock() {
        return 1 << rowBits;
    }

    /**
     * Makes room for so many rows in all.
     *
     * @throws OutOfMemoryError when there is none
     */
    void reserve(int rows) {
        int needed = (int) (((long) rows + rowsPerBlock() - 1) >> rowBits);
        int first = blocks.length;
        if (needed <= first) {
            return;
        }
        Block[] more = Arrays.copyOf(blocks, needed);
        for (int i = first; i < needed; i++) {
            more[i] = allocate();
        }
        blocks = more;
    }

    private Block allocate() {
        long floats = (long) rowsPerBlock() * dimension;
        Pointer memory = Pointer.malloc(floats * Float.BYTES + ALIGNMENT_BYTES);
        if (memory == null || memory.isNull()) {
            throw new OutOfMemoryError("no memory for another " + rowsPerBlock() + " embeddings of " + dimension
                    + " values in the gallery");
        }
        long shift = -memory.address() & (ALIGNMENT_BYTES - 1);
        FloatPointer rows =
                new FloatPointer(memory).getPointer(shift / Float.BYTES).capacity(floats);
        return new Block(memory, rows, rows.asBuffer());
    }

    /** Writes a row for which room was made. */
    void put(int row, float[] unit) {
        block(row).view.duplicate().position(offset(row)).put(unit);
    }

    /** Overwrites a row with zeros. */
    void erase(int row) {
        put(row, new float[dimension]);
    }

    /** Reads a row. */
    float[] get(int row) {
        float[] unit = new float[dimension];
        block(row).view.get(offset(row), unit);
        return unit;
    }

    /** The first row of a block, for native code; do not close. */
    FloatPointer rowsOfBlock(int block) {
        return blocks[block].rows;
    }

    /** A pointer of one's own to be moved to rows by {@link #position}. There must be rows. */
    FloatPointer cursor() {
        return new FloatPointer(blocks[0].rows);
    }

    /** Where a row is for a {@link #cursor}, in floats. Blocks lie anywhere; all are a whole number of floats apart. */
    long position(int row) {
        return position(this, row);
    }

    /** Where a row of others of the same length is for a {@link #cursor} of these. */
    long position(Vectors others, int row) {
        return (others.block(row).rows.address() - blocks[0].rows.address()) / Float.BYTES + others.offset(row);
    }

    /** The cosine in double precision, the same whatever the way by which a row was found. */
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
