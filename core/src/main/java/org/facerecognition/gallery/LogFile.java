package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.facerecognition.io.ConfidentialFile;

/** What a gallery's file is written through; tests put one that loses power in its place. */
/*
 * A RandomAccessFile and not a FileChannel, which an interrupt of the writing thread would close for good.
 */
interface LogFile extends AutoCloseable {
    /** Opens a file that is there. */
    interface Opener {
        LogFile open(Path file) throws IOException;
    }

    /** Reads bytes that are there. */
    void read(long place, byte[] bytes) throws IOException;

    void write(long place, byte[] bytes, int from, int count) throws IOException;

    /** Cuts off what is behind a place, after it was overwritten with zeros that the disk has confirmed. */
    void eraseFrom(long place) throws IOException;

    /** Waits until the disk confirms what was written. */
    void sync() throws IOException;

    @Override
    void close() throws IOException;

    static LogFile open(Path file) throws IOException {
        return new OnDisk(new RandomAccessFile(file.toFile(), "rw"));
    }

    /** A file of the operating system. */
    record OnDisk(RandomAccessFile file) implements LogFile {
        @Override
        public void read(long place, byte[] bytes) throws IOException {
            file.seek(place);
            file.readFully(bytes);
        }

        @Override
        public void write(long place, byte[] bytes, int from, int count) throws IOException {
            file.seek(place);
            file.write(bytes, from, count);
        }

        @Override
        public void eraseFrom(long place) throws IOException {
            if (file.length() > place) {
                ConfidentialFile.overwrite(file, place);
                file.getFD().sync();
                file.setLength(place);
                file.getFD().sync();
            }
        }

        @Override
        public void sync() throws IOException {
            file.getFD().sync();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
