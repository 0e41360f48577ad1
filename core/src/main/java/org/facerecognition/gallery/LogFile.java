package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.facerecognition.io.ConfidentialFile;

/** The file that a gallery is written through. Tests substitute one that simulates power failures. */
/*
 * It is a RandomAccessFile and not a FileChannel, because an interrupt of the writing thread would close a channel for
 * good.
 */
interface LogFile extends AutoCloseable {
    /** Opens an existing file. */
    interface Opener {
        LogFile open(Path file) throws IOException;
    }

    /** Returns the number of bytes in the file. */
    long length() throws IOException;

    /** Fills an array with bytes that exist in the file. */
    void read(long offset, byte[] bytes) throws IOException;

    void write(long offset, byte[] bytes, int from, int count) throws IOException;

    /** Cuts off everything from an offset on, after the disk has confirmed that it is overwritten with zeros. */
    void eraseFrom(long offset) throws IOException;

    /** Waits until the disk confirms everything that was written. */
    void sync() throws IOException;

    @Override
    void close() throws IOException;

    static LogFile open(Path file) throws IOException {
        return new OnDisk(new RandomAccessFile(file.toFile(), "rw"));
    }

    /** A file of the operating system. */
    record OnDisk(RandomAccessFile file) implements LogFile {
        @Override
        public long length() throws IOException {
            return file.length();
        }

        @Override
        public void read(long offset, byte[] bytes) throws IOException {
            file.seek(offset);
            file.readFully(bytes);
        }

        @Override
        public void write(long offset, byte[] bytes, int from, int count) throws IOException {
            file.seek(offset);
            file.write(bytes, from, count);
        }

        @Override
        public void eraseFrom(long offset) throws IOException {
            if (file.length() > offset) {
                ConfidentialFile.overwrite(file, offset);
                file.getFD().sync();
                file.setLength(offset);
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
