package org.facerecognition.natives;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalLong;

/** The symbol table of a library of Linux: also names that the dynamic linker does not know (System V ABI, ELF-64). */
final class ElfSymbols {
    private static final int MAGIC = 0x464C457F;
    private static final int HEADER_BYTES = 64;
    private static final int SECTION_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;
    private static final int SYMBOL_TABLE = 2; // SHT_SYMTAB

    private ElfSymbols() {}

    /**
     * Returns where a variable or function lies, relative to the address at which the library is loaded; empty if the
     * library has no such symbol of that size, or no symbol table.
     *
     * @param name as the compiler spells it
     * @param size of the variable, in bytes
     * @throws IOException if the file cannot be read, or is not a library of a 64-bit little-endian system
     */
    static OptionalLong offset(Path library, String name, long size) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(library.toFile(), "r")) {
            ByteBuffer header = read(file, 0, HEADER_BYTES);
            if (header.getInt(0) != MAGIC) {
                throw new IOException(library + " is not a library of Linux");
            }
            int sections = Short.toUnsignedInt(header.getShort(60));
            ByteBuffer table = read(file, header.getLong(40), sections * SECTION_BYTES);
            for (int i = 0; i < sections; i++) {
                int section = i * SECTION_BYTES;
                if (table.getInt(section + 4) == SYMBOL_TABLE) {
                    int names = table.getInt(section + 40) * SECTION_BYTES;
                    ByteBuffer symbols =
                            read(file, table.getLong(section + 24), Math.toIntExact(table.getLong(section + 32)));
                    return find(file, symbols, table.getLong(names + 24), name, size);
                }
            }
            return OptionalLong.empty();
        }
    }

    private static OptionalLong find(RandomAccessFile file, ByteBuffer symbols, long names, String name, long size)
            throws IOException {
        byte[] wanted = (name + '\0').getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at + SYMBOL_BYTES <= symbols.limit(); at += SYMBOL_BYTES) {
            if (symbols.getLong(at + 16) == size) {
                long start = names + Integer.toUnsignedLong(symbols.getInt(at));
                if (ByteBuffer.wrap(wanted).equals(read(file, start, wanted.length))) {
                    return OptionalLong.of(symbols.getLong(at + 8));
                }
            }
        }
        return OptionalLong.empty();
    }

    private static ByteBuffer read(RandomAccessFile file, long position, int length) throws IOException {
        byte[] bytes = new byte[length];
        file.seek(position);
        file.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
