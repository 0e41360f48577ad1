package org.facerecognition.gallery;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Reads the rows of an array of NumPy, [N, D] in little-endian single precision, one after the other. */
final class NpyReader implements AutoCloseable {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_HEADER_BYTES = 1 << 16;
    private static final int BUFFER_BYTES = 1 << 20;
    private static final Pattern DESCR = Pattern.compile("'descr':\\s*'([^']*)'");
    private static final Pattern FORTRAN = Pattern.compile("'fortran_order':\\s*True");
    private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\(([\\d\\s,]*)\\)");
    private static final Pattern TWO_NUMBERS = Pattern.compile("(\\d{1,18}),(\\d{1,9}),?");
    private static final String SAVE_LIKE_THIS =
            "; save it with numpy.save(file, numpy.ascontiguousarray(array, dtype='<f4'))";

    private final Path file;
    private final DataInputStream in;
    private final CRC32C checksum = new CRC32C();
    private final byte[] bytes;
    private final long rows;
    private final int dimension;

    private NpyReader(Path file, DataInputStream in, long rows, int dimension) {
        this.file = file;
        this.in = in;
        this.rows = rows;
        this.dimension = dimension;
        this.bytes = new byte[Float.BYTES * dimension];
    }

    /**
     * Opens a file.
     *
     * @throws GalleryException if it is not an array of this kind with rows of this length, or is not complete
     */
    static NpyReader open(Path file, int dimension) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES));
        try {
            String header = header(file, in);
            long rows = rows(file, header, dimension);
            long actual = Files.size(file);
            // not rows times the bytes of one: a damaged header may have so many that the product overflows
            long whole = (actual - header.length()) / (Float.BYTES * (long) dimension);
            long left = (actual - header.length()) % (Float.BYTES * (long) dimension);
            if (whole != rows || left != 0) {
                throw new GalleryException(file + " must have " + rows + " rows of " + dimension + " values, but has "
                        + whole + (left == 0 ? "" : " and " + left + " bytes") + "; it is "
                        + (whole < rows ? "truncated" : "damaged") + ", copy or export it again");
            }
            return new NpyReader(file, in, rows, dimension);
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
    }

    /** Returns the header with as many characters before its text as the file has bytes there. */
    private static String header(Path file, DataInputStream in) throws IOException {
        try {
            byte[] magic = in.readNBytes(MAGIC.length);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new GalleryException(
                        file + " must be an array of NumPy (.npy), but does not begin like one" + SAVE_LIKE_THIS);
            }
            int major = in.readUnsignedByte();
            in.readUnsignedByte(); // the minor version
            int length = Short.reverseBytes(in.readShort()) & 0xffff;
            int before = MAGIC.length + 2 + Short.BYTES;
            if (major > 1) {
                length |= (Short.reverseBytes(in.readShort()) & 0xffff) << Short.SIZE;
                before += Short.BYTES;
            }
            byte[] text = in.readNBytes(Math.min(length & Integer.MAX_VALUE, MAX_HEADER_BYTES));
            if (major < 1 || major > 3 || text.length != length) {
                throw damaged(file);
            }
            return " ".repeat(before) + new String(text, StandardCharsets.ISO_8859_1);
        } catch (EOFException e) {
            throw damaged(file);
        }
    }

    private static GalleryException damaged(Path file) {
        return new GalleryException(
                file + " is truncated or damaged: its header is not complete; copy or export it again");
    }

    private static long rows(Path file, String header, int dimension) {
        Matcher type = DESCR.matcher(header);
        if (!type.find() || !type.group(1).equals("<f4")) {
            @Nullable String found = type.reset().find() ? type.group(1) : null;
            throw new GalleryException(file + " must have values of type float32 ('<f4'), but has "
                    + (found == null ? "values of another type" : "'" + found + "'") + SAVE_LIKE_THIS);
        }
        if (FORTRAN.matcher(header).find()) {
            throw new GalleryException(
                    file + " must have its values row by row, but has them column by column (Fortran order)"
                            + SAVE_LIKE_THIS);
        }
        Matcher shape = SHAPE.matcher(header);
        String numbers = shape.find() ? shape.group(1).replaceAll("\\s", "") : "";
        Matcher two = TWO_NUMBERS.matcher(numbers);
        if (!two.matches()) {
            throw new GalleryException(file + " must have two dimensions, rows and " + dimension
                    + " values, but has the shape (" + numbers + ")" + SAVE_LIKE_THIS);
        }
        if (Integer.parseInt(two.group(2)) != dimension) {
            throw new GalleryException(file + " must have rows of " + dimension + " values, but has rows of "
                    + two.group(2) + "; gallery.json beside it belongs to another array");
        }
        return Long.parseLong(two.group(1));
    }

    /** Returns the number of rows. */
    long rows() {
        return rows;
    }

    /**
     * Reads the next row into a new array.
     *
     * @param row its number, from 1, for messages
     * @throws GalleryException if it is not L2-normalized or has values that are not finite
     */
    float[] next(long row) throws IOException {
        try {
            in.readFully(bytes);
        } catch (EOFException e) {
            throw new GalleryException(file + " became shorter while it was read; import it again", e);
        }
        checksum.update(bytes);
        float[] values = new float[dimension];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        double squares = UnitVector.squares(values);
        if (!Double.isFinite(squares)) {
            throw new GalleryException(
                    file + ", row " + row + ", must have finite values, but has NaN or infinity; leave that row out");
        }
        if (!UnitVector.isOne(squares)) {
            throw new GalleryException(file + ", row " + row + ", must be L2-normalized, but has the norm "
                    + (float) Math.sqrt(squares)
                    + "; divide each row by its norm, which changes no cosine");
        }
        return values;
    }

    /** Returns the CRC32C of the rows that were read. */
    long checksum() {
        return checksum.getValue();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
