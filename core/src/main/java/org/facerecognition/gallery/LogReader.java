package org.facerecognition.gallery;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads a gallery's file from its beginning, in pieces. */
final class LogReader implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path file;
    private final InputStream in; // not a FileChannel: an interrupted thread would close it
    private ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
    private long place; // of the buffer's first byte in the file
    private boolean atEnd;

    /**
     * What was read.
     *
     * @param goodBytes length of the whole records and the header
     * @param tornBytes behind them: of a record that was never finished
     */
    record End(LogHeader header, long goodBytes, long tornBytes) {}

    private LogReader(Path file) throws FileNotFoundException {
        this.file = file;
        this.in = new FileInputStream(file.toFile());
    }

    /**
     * Reads header and records.
     *
     * @param fingerprint and {@code dimension}: what the file must be of
     * @param to gets every record, in order
     * @throws GalleryException when it cannot be read, is another model's or is damaged
     */
    static End read(Path file, String fingerprint, int dimension, Consumer<LogRecord> to) {
        try (LogReader reader = new LogReader(file)) {
            LogHeader header = reader.header();
            checkSame(file, header, fingerprint, dimension);
            for (LogRecord record = reader.next(dimension); record != null; record = reader.next(dimension)) {
                try {
                    to.accept(record);
                } catch (IllegalStateException e) {
                    throw reader.damaged(e.getMessage());
                }
            }
            return new End(header, reader.here(), reader.skipRest());
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + e.getMessage(), e);
        }
    }

    /** Reads the header alone. */
    static LogHeader header(Path file) {
        try (LogReader reader = new LogReader(file)) {
            return reader.header();
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + e.getMessage(), e);
        }
    }

    private static void checkSame(Path file, LogHeader header, String fingerprint, int dimension) {
        if (!header.fingerprint().equals(fingerprint)) {
            throw new GalleryException("gallery " + file + " holds embeddings of the model " + header.fingerprint()
                    + ", which cannot be compared with those of " + fingerprint
                    + "; use that model, or embed the pictures anew into another file");
        }
        if (header.dimension() != dimension) {
            throw new GalleryException("gallery " + file + " holds embeddings of " + header.dimension()
                    + " values, which cannot be compared with those of " + dimension
                    + "; use the model that they are of, or embed the pictures anew into another file");
        }
    }

    private LogHeader header() throws IOException {
        fill(LogHeader.MOST_BYTES);
        return LogHeader.decode(buffer, "gallery " + file);
    }

    /** @return null at the end, or where a record begins that was never finished */
    private @Nullable LogRecord next(int dimension) throws IOException {
        if (fill(LogRecord.LENGTH_BYTES) < LogRecord.LENGTH_BYTES) {
            return null;
        }
        int start = buffer.position();
        int length = buffer.getInt(start);
        if (buffer.getInt(start + 4) != LogRecord.lengthCheck(length, here())) {
            if (onlyZerosFrom(LogRecord.LENGTH_BYTES)) { // a body is never zero
                return null;
            }
            throw damaged("the length there does not fit its checksum");
        }
        if (!LogRecord.canBe(length, dimension)) {
            throw damaged("a record there has an impossible length");
        }
        int whole = LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        if (fill(whole) < whole) {
            return null;
        }
        start = buffer.position();
        int body = start + LogRecord.LENGTH_BYTES;
        if (buffer.getInt(body + length) != LogRecord.check(buffer.array(), body, length)) {
            boolean more = fill(whole + 1) > whole;
            if (onlyZerosFrom(more ? whole : whole - LogRecord.CHECK_BYTES)) {
                return null;
            }
            throw damaged("a record there does not fit its checksum");
        }
        @Nullable LogRecord record = LogRecord.read(buffer.slice(body, length), dimension);
        if (record == null) {
            throw damaged("a record there is of a kind that this version does not know");
        }
        buffer.position(start + whole);
        return record;
    }

    /** Whether the file goes on with zeros only, from so many bytes behind here. */
    private boolean onlyZerosFrom(int skipped) throws IOException {
        fill(skipped);
        long from = skipped;
        while (true) {
            for (int i = buffer.position() + (int) from; i < buffer.limit(); i++) {
                if (buffer.get(i) != 0) {
                    return false;
                }
            }
            if (atEnd) {
                return true;
            }
            from = buffer.remaining();
            fill(buffer.remaining() + BUFFER_BYTES / 2);
        }
    }

    private long here() {
        return place + buffer.position();
    }

    private long skipRest() throws IOException {
        long rest = buffer.remaining();
        while (!atEnd) {
            buffer.position(buffer.limit());
            rest += fill(BUFFER_BYTES);
        }
        return rest;
    }

    /** Has so many bytes in the buffer, or all that there are. @return how many there are */
    private int fill(int wanted) throws IOException {
        if (buffer.remaining() < wanted && !atEnd) {
            place += buffer.position();
            ByteBuffer next = wanted <= buffer.capacity() ? buffer : ByteBuffer.allocate(wanted * 2);
            int kept = buffer.remaining();
            System.arraycopy(buffer.array(), buffer.position(), next.array(), 0, kept);
            int read = in.readNBytes(next.array(), kept, next.capacity() - kept);
            atEnd = kept + read < next.capacity();
            buffer = next.clear().limit(kept + read).order(ByteOrder.LITTLE_ENDIAN);
        }
        return buffer.remaining();
    }

    private GalleryException damaged(String how) {
        return new GalleryException("gallery " + file + " is damaged at byte " + here() + ": " + how
                + "; use a copy, or cut the file to " + here() + " bytes to keep what is before");
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
