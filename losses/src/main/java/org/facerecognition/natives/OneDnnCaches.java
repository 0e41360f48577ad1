package org.facerecognition.natives;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What libtorch's oneDNN knows about the processor's caches. On AMD it asks the processor (CPUID leaf 0x8000001D), and
 * where a virtual machine answers with zeros, it computes three caches of one byte. Kernels that divide by the number
 * of rows that fit then divide by zero. Had it found no caches at all, it would assume common sizes ({@code
 * platform::get_per_core_cache_size}), which are right enough: the repair sets the number of caches to zero.
 *
 * <p>oneDNN has no setting for that. Its variable is found by the name in the library's symbol table, and changed in
 * this process's memory only if it has the size that is expected and says what no processor can have.
 */
final class OneDnnCaches {
    private static final String LIBRARY = "libtorch_cpu.so";
    private static final String MEMORY = "/proc/self/mem";

    /** {@code static const Xbyak::util::Cpu cpu_} in {@code dnnl::impl::cpu::x64::cpu()}. */
    private static final String VARIABLE = "_ZZN4dnnl4impl3cpu3x643cpuEvE4cpu_";

    private static final int BYTES = 144;
    /* Members of the variable, as indexes of its integers. */
    static final int SIZES = 7;
    static final int SHARING = 17;
    static final int LEVELS = 27;
    private static final int MAX_LEVELS = 10;
    /** No cache is smaller. */
    private static final int MIN_CACHE_BYTES = 1024;

    private final long address;

    private OneDnnCaches(long address) {
        this.address = address;
    }

    /**
     * Repairs those of libtorch, which is loaded, and uses its oneDNN for the first time.
     *
     * @return false if they cannot be found or changed; oneDNN has not been used then
     */
    static boolean repairLibtorch() {
        Optional<OneDnnCaches> caches = ofLibtorch();
        if (caches.isEmpty()) {
            return false;
        }
        OneDnnInstructions.use();
        try {
            caches.get().repair();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // it could be changed before
        }
        return true;
    }

    /** Returns those of libtorch, which is loaded; empty if they cannot be found or changed. */
    static Optional<OneDnnCaches> ofLibtorch() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
                String[] mapping = line.split(" +", 6); // addresses, rights, offset in the file, device, inode, path
                if (mapping.length == 6 && mapping[5].endsWith('/' + LIBRARY)) {
                    OptionalLong offset = ElfSymbols.offset(Path.of(mapping[5]), VARIABLE, BYTES);
                    if (offset.isEmpty() || Long.parseLong(mapping[2], 16) != 0) {
                        return Optional.empty();
                    }
                    String start = mapping[0].substring(0, mapping[0].indexOf('-'));
                    OneDnnCaches caches = new OneDnnCaches(Long.parseLong(start, 16) + offset.getAsLong());
                    caches.write(caches.read()); // may be forbidden
                    return Optional.of(caches);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Makes oneDNN assume common sizes if it has impossible ones. It must have been used, because it finds them then,
     * and must not compute meanwhile.
     *
     * @return whether they were impossible
     * @throws IOException if the process may not change its memory
     */
    boolean repair() throws IOException {
        IntBuffer cpu = read();
        int levels = cpu.get(LEVELS);
        if (levels > MAX_LEVELS) {
            return false;
        }
        for (int level = 0; level < levels; level++) {
            if (cpu.get(SIZES + level) < MIN_CACHE_BYTES || cpu.get(SHARING + level) < 1) {
                cpu.put(LEVELS, 0);
                write(cpu);
                return true;
            }
        }
        return false;
    }

    IntBuffer read() throws IOException {
        try (RandomAccessFile memory = new RandomAccessFile(MEMORY, "r")) {
            byte[] bytes = new byte[BYTES];
            memory.seek(address);
            memory.readFully(bytes);
            return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asIntBuffer();
        }
    }

    void write(IntBuffer cpu) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.nativeOrder());
        bytes.asIntBuffer().put(cpu.duplicate().rewind());
        try (RandomAccessFile memory = new RandomAccessFile(MEMORY, "rw")) {
            memory.seek(address);
            memory.write(bytes.array());
        }
    }
}
