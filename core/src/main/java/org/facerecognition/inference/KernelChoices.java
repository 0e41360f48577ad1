package org.facerecognition.inference;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Uninterrupted;

/**
 * The implementations of convolutions that were measured to be the fastest on this machine, and the precisions that
 * were chosen for models. All networks of the process share them, and a file in JavaCPP's cache folder keeps them for
 * the next process, and for processes that run already and have not measured the same, so that measurements that come
 * out differently each time do not change embeddings. The file is for one version of oneDNN and one kind of processor.
 */
final class KernelChoices {
    /** How the keys of models' precisions begin. */
    static final String PRECISION = "precision ";

    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration RETRY = Duration.ofMillis(20);

    private final Path file;
    private Duration patience; // with a process that holds the lock: it may be frozen
    private final Properties choices =
            new Properties(); // from a layer to an implementation's name, from a model to its precision
    private final Set<String> own = new HashSet<>(); // keys of choices that are not in the file yet

    private static final class Holder {
        static final KernelChoices SHARED = Uninterrupted.get(() -> new KernelChoices(file()));
    }

    /** @param file need not exist; one that cannot be read counts as empty */
    KernelChoices(Path file) {
        this(file, PATIENCE);
    }

    /** @param patience how long to wait, once, for another process that holds the file's lock */
    KernelChoices(Path file, Duration patience) {
        this.file = file;
        this.patience = patience;
        adopt();
    }

    /** Reads what other processes have kept meanwhile. What this process has chosen stays. */
    private void adopt() {
        Uninterrupted.get(this::inFile).forEach(choices::putIfAbsent);
    }

    private Properties inFile() {
        Properties kept = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            kept.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            kept.clear(); // not measured yet, or not written by this class: it is measured again
        }
        return kept;
    }

    /** Returns the choices of this machine. */
    static KernelChoices shared() {
        return Holder.SHARED;
    }

    private static Path file() {
        String model = "";
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            model = lines.filter(line -> line.startsWith("model"))
                    .distinct()
                    .toList()
                    .toString();
        } catch (IOException | UncheckedIOException e) {
            // not Linux: the instruction set alone tells processors apart
        }
        try {
            String name = String.format( // 3: choices do not depend on what follows a convolution
                    "face-recognition-kernels-3-%s-%x.properties", OneDnn.kernels(), model.hashCode());
            return Loader.getCacheDir().toPath().resolve(name);
        } catch (IOException e) {
            return Path.of(""); // there is no cache folder: nothing is kept
        }
    }

    /**
     * Returns the implementation for a layer.
     *
     * @param layer describes it, whatever the batch size
     * @param measured finds the fastest implementation; called if that is not known yet
     */
    synchronized String choose(String layer, Supplier<String> measured) {
        return known(layer).orElseGet(() -> {
            String chosen = measured.get();
            choices.setProperty(layer, chosen);
            own.add(layer);
            return chosen;
        });
    }

    /** Returns what was kept under a key, by this process or by another one. */
    synchronized Optional<String> known(String key) {
        if (!choices.containsKey(key)) {
            adopt();
        }
        return Optional.ofNullable(choices.getProperty(key));
    }

    /**
     * Keeps a choice, in the file too, unless there is one for the key already: what was measured at the same time in
     * several processes or threads is what the first of them keeps.
     *
     * @return the choice that counts
     */
    synchronized String keep(String key, String value) {
        String known = choices.getProperty(key);
        if (known != null) {
            return known;
        }
        own.add(key);
        choices.setProperty(key, value);
        save(key);
        return choices.getProperty(key);
    }

    /**
     * Adds new choices to the file, beside those that other processes have kept meanwhile, which stay. What
     * cannot be written now is written the next time; if that never happens, the next process measures again.
     */
    synchronized void save() {
        save("");
    }

    /** @param unused a key with whose choice no network was made yet: another process's choice replaces it */
    private void save(String unused) {
        if (!own.isEmpty() && !file.toString().isEmpty()) { // empty where there is no cache folder
            Uninterrupted.run(() -> addToFile(unused));
        }
    }

    private void addToFile(String unused) {
        try (FileChannel lock = FileChannel.open(
                        file.resolveSibling(file.getFileName() + ".lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
                FileLock locked = locked(lock)) {
            Properties kept = inFile();
            for (String key : own) {
                if (!kept.containsKey(key)) {
                    kept.setProperty(key, choices.getProperty(key));
                } else if (key.equals(unused)) {
                    choices.setProperty(key, kept.getProperty(key));
                }
            }
            StringWriter text = new StringWriter();
            kept.store(text, "The fastest convolutions and precisions of models on this machine; may be deleted");
            AtomicFile.writeUnsynced(file, text.toString().getBytes(StandardCharsets.UTF_8));
            kept.forEach(choices::putIfAbsent);
            own.clear();
        } catch (IOException | OverlappingFileLockException e) {
            // a cache that cannot be written is no failure
        }
    }

    private FileLock locked(FileChannel channel) throws IOException {
        long start = System.nanoTime();
        FileLock lock = channel.tryLock();
        boolean interrupted = false; // with an interrupt, parkNanos would not wait
        while (lock == null && System.nanoTime() - start < patience.toNanos()) {
            LockSupport.parkNanos(RETRY.toNanos());
            interrupted |= Thread.interrupted();
            lock = channel.tryLock();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (lock == null) {
            patience = Duration.ZERO; // networks are not to wait for it each time
            throw new IOException("another process holds the lock of " + file);
        }
        return lock;
    }
}
