package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WriterLockTest {
    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() throws IOException {
        folder = folder.toRealPath();
        file = folder.resolve("training.lock");
    }

    private static String thisProcess() {
        return "process " + ProcessHandle.current().pid() + " ";
    }

    private void assertHeldByThisProcess(Path path) {
        LockedException e = catchThrowableOfType(LockedException.class, () -> WriterLock.of(path, "a second one"));
        assertThat(e.byThisProcess()).isTrue();
        assertThat(e.holder()).startsWith(thisProcess()).contains(", a training since 20");
        assertThat(e).hasMessageStartingWith(path.getFileName() == null ? "" : folder.toString());
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void theFileExistsWhileTheLockIsHeld() throws IOException {
        try (WriterLock lock = WriterLock.of(folder.resolve("new folder/x.lock"), "a training")) {
            assertThat(folder.resolve("new folder/x.lock"))
                    .content()
                    .matches("process \\d+( on host \\S+)?, a training since"
                            + " \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n");
            lock.close();
            assertThat(folder.resolve("new folder")).isEmptyDirectory();
            try (WriterLock next = WriterLock.of(folder.resolve("new folder/x.lock"), "another training")) {
                lock.close(); // closing twice has no effect
                assertThat(folder.resolve("new folder/x.lock")).content().contains("another training");
            }
        }
    }

    @Nested
    class WithinAProcess {
        @Test
        void rejectsASecondHolderAndNamesTheFirst() throws IOException {
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                assertHeldByThisProcess(file);
            }
            WriterLock.of(file, "a training").close();
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void otherPathsToTheFileAreTheSameLock() throws IOException {
            Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
            Path fileLink = Files.createSymbolicLink(folder.resolve("other.lock"), file);
            Path relative = Path.of("").toAbsolutePath().relativize(file);
            try (WriterLock lock = WriterLock.of(link.resolve("training.lock"), "a training")) {
                Files.createLink(folder.resolve("hard.lock"), file);
                assertHeldByThisProcess(file);
                assertHeldByThisProcess(link.resolve("link/training.lock"));
                assertHeldByThisProcess(fileLink);
                assertHeldByThisProcess(relative);
                assertHeldByThisProcess(folder.resolve("hard.lock"));
                // none of these has released the lock
                try (FileChild child = FileChild.start()) {
                    assertThat(child.ask("lock", file)).startsWith("another process: " + thisProcess());
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
        }

        /** Web servers may load a library with several class loaders. */
        @Test
        void rejectsAnotherClassLoaderEvenAfterAGarbageCollection() throws Exception {
            List<URL> urls = new ArrayList<>();
            for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
                urls.add(Path.of(path).toUri().toURL());
            }
            try (URLClassLoader other =
                    new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
                Class<?> otherLock = other.loadClass(WriterLock.class.getName());
                assertThat(otherLock).isNotEqualTo(WriterLock.class);
                AutoCloseable first = (AutoCloseable)
                        otherLock.getMethod("of", Path.class, String.class).invoke(null, file, "another loader");
                for (int i = 0; i < 5; i++) {
                    System.gc();
                    Thread.sleep(10);
                    LockedException e =
                            catchThrowableOfType(LockedException.class, () -> WriterLock.of(file, "a training"));
                    assertThat(e.byThisProcess()).isTrue();
                }
                first.close();
                WriterLock.of(file, "a training").close();
            }
        }

        @Test
        void aPendingInterruptDoesNotReleaseTheLock() throws Exception {
            Thread.currentThread().interrupt();
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                assertThat(Thread.interrupted()).isTrue();
                try (FileChild child = FileChild.start()) {
                    assertThat(child.ask("lock", file)).startsWith("another process: ");
                }
            } finally {
                Thread.interrupted();
            }
        }

        @Test
        void awaitTakesTheLockAfterTheFirstHolder() throws Exception {
            WriterLock first = WriterLock.of(file, "a training");
            CompletableFuture<Void> second = CompletableFuture.runAsync(() -> {
                try {
                    WriterLock.await(file, "a second one").close();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            Thread.sleep(100);
            assertThat(second).isNotDone();
            first.close();
            assertThat(second).succeedsWithin(10, TimeUnit.SECONDS);
        }

        /** It waited without a word. */
        @Test
        void awaitSaysForWhom() throws Exception {
            CompletableFuture<String> said = new CompletableFuture<>();
            Handler handler = new Handler() {
                @Override
                public void publish(LogRecord entry) {
                    said.complete(String.valueOf(entry.getParameters()[0]));
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };
            Logger logger = Logger.getLogger(WriterLock.class.getName());
            logger.addHandler(handler);
            WriterLock first = WriterLock.of(file, "a training");
            try {
                CompletableFuture<Void> second = CompletableFuture.runAsync(() -> {
                    try {
                        WriterLock.await(file, "a second one").close();
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
                assertThat(said.get(10, TimeUnit.SECONDS))
                        .startsWith(file + " is already held by this process: " + thisProcess());
                first.close();
                assertThat(second).succeedsWithin(10, TimeUnit.SECONDS);
            } finally {
                first.close();
                logger.removeHandler(handler);
            }
        }

        /** It polled without end a file that only a person can delete. */
        @Test
        void awaitDoesNotWaitForAnUnknownHolderWithoutLocks() throws Exception {
            Files.writeString(file, "process 1 on host other, a download of weights since yesterday");
            CompletableFuture<WriterLock> lock = CompletableFuture.supplyAsync(() -> {
                try {
                    WriterLock.Locking none = open -> {
                        throw new IOException("No locks available");
                    };
                    return WriterLock.await(file, "a second one", none, 2);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            assertThat(lock)
                    .failsWithin(10, TimeUnit.SECONDS)
                    .withThrowableOfType(ExecutionException.class)
                    .havingRootCause()
                    .isInstanceOf(LockedException.class)
                    .withMessageEndingWith("if that process has ended, delete " + file);
        }

        @Test
        void awaitCanBeInterrupted() throws IOException {
            try (WriterLock first = WriterLock.of(file, "a training")) {
                Thread.currentThread().interrupt();
                assertThatThrownBy(() -> WriterLock.await(file, "a second one"))
                        .isInstanceOf(InterruptedIOException.class);
                assertThat(Thread.interrupted()).isTrue();
            } finally {
                Thread.interrupted();
            }
        }

        @Test
        void reportsAFolderThatCannotBeCreated() throws IOException {
            Files.createFile(file);
            assertThatThrownBy(() -> WriterLock.of(file.resolve("x.lock"), "a training"))
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(LockedException.class);
        }
    }

    @Nested
    class BetweenProcesses {
        @Test
        void rejectsASecondHolderAndNamesTheFirst() throws Exception {
            try (FileChild child = FileChild.start()) {
                assertThat(child.ask("lock", file)).isEqualTo("locked");
                LockedException e =
                        catchThrowableOfType(LockedException.class, () -> WriterLock.of(file, "a training"));
                assertThat(e.byThisProcess()).isFalse();
                assertThat(e.holder()).startsWith("process " + child.pid()).contains(", a child since ");
                assertThat(child.ask("release", file)).isEqualTo("released");
                try (WriterLock lock = WriterLock.of(file, "a training")) {
                    assertThat(child.ask("lock", file)).startsWith("another process: " + thisProcess());
                    assertThat(child.ask("lock", file)).startsWith("another process: " + thisProcess());
                }
                assertThat(child.ask("lock", file)).isEqualTo("locked");
            }
        }

        @Test
        void anUnreachableLockIsHeldAfterGarbageCollections() throws Exception {
            try (FileChild child = FileChild.start()) {
                assertThat(child.ask("forget", file)).isEqualTo("forgotten");
                assertThatThrownBy(() -> WriterLock.of(file, "a training"))
                        .isInstanceOf(LockedException.class)
                        .hasMessageContaining("a child that forgets its lock");
                assertThat(child.ask("lock", file)).startsWith("this process: process " + child.pid());
            }
        }

        @Test
        void takesOverTheFileOfAKilledProcess() throws Exception {
            try (FileChild child = FileChild.start()) {
                assertThat(child.ask("lock", file)).isEqualTo("locked");
                child.kill();
            }
            assertThat(file).content().contains("a child");
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                assertThat(file).content().contains(thisProcess()).doesNotContain("a child");
            }
        }

        private WriterLock withoutLocks() throws IOException {
            return WriterLock.of(file, "a training", false, open -> {
                throw new IOException("No locks available");
            });
        }

        /** Where a file system had no locks, a second process overwrote the text of the first and went on. */
        @Test
        void withoutLocksTheFileIsTheLock() throws Exception {
            try (FileChild child = FileChild.start()) {
                assertThat(child.ask("lock", file)).isEqualTo("locked");
                String text = Files.readString(file);
                LockedException e = catchThrowableOfType(LockedException.class, this::withoutLocks);
                assertThat(e.byThisProcess()).isFalse();
                assertThat(e.holder())
                        .isEqualTo(text.strip() + "; this file system has no locks: if that process has ended, delete "
                                + file);
                assertThat(file).hasContent(text);
                child.kill();
            }
            try (WriterLock lock = withoutLocks()) { // of a process that no longer runs
                assertThat(file).content().startsWith(thisProcess());
            }
            assertThat(file).doesNotExist();
            try (WriterLock lock = withoutLocks()) {
                assertThat(file).content().startsWith(thisProcess());
            }
        }

        @ParameterizedTest(name = "{index}") // reports cannot have zeros
        @ValueSource(strings = {"", "\0\0\0", "process 999999999 on host elsewhere, a training since yesterday"})
        void withoutLocksAFileOfAnUnknownHolderIsKept(String left) throws Exception {
            Files.writeString(file, left);
            assertThatThrownBy(this::withoutLocks)
                    .isInstanceOf(LockedException.class)
                    .hasMessageEndingWith("; this file system has no locks: if that process has ended, delete " + file);
            assertThat(file).content().isEqualTo(left);
        }

        /** A holder that dies, or finds the disk full, before its text is complete leaves these. */
        @ParameterizedTest(name = "{index}") // reports cannot have zeros
        @ValueSource(strings = {"", "\0\0\0", "proc", "process "})
        void takesOverAFileWithoutItsText(String left) throws Exception {
            Files.writeString(file, left);
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                assertThat(file).content().startsWith(thisProcess());
            }
        }

        /** Such as the poetry.lock of a Python project, beside a gallery that is called poetry. */
        @ParameterizedTest(name = "{index}") // reports cannot have zeros
        @ValueSource(strings = {"# This file is automatically @generated by Poetry", "processes", "\0\0\0x"})
        void leavesAFileThatIsNoLockFileAsItIs(String content) throws Exception {
            Files.writeString(file, content);
            assertThatThrownBy(() -> WriterLock.of(file, "a training"))
                    .isInstanceOf(IOException.class)
                    .hasMessage(file + " exists, but is no lock file; move it to another place");
            assertThatThrownBy(() -> WriterLock.ofConfidential(file, "a training"))
                    .hasMessageContaining("is no lock file");
            assertThat(file).hasContent(content);
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void leavesTheTargetOfALinkAsItIs() throws Exception {
            Path target = Files.writeString(folder.resolve("thesis.tex"), "three years of work");
            Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r--r--"));
            Files.createSymbolicLink(file, target);
            assertThatThrownBy(() -> WriterLock.ofConfidential(file, "a gallery writer"))
                    .hasMessageContaining(target + " exists, but is no lock file");
            assertThat(target).hasContent("three years of work");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target)))
                    .isEqualTo("rw-r--r--");
        }

        @Test
        void replacesALongerText() throws Exception {
            Files.writeString(file, "process 1, " + "x".repeat(5_000));
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                assertThat(file).content().startsWith(thisProcess()).hasLineCount(1);
            }
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void doesNotDeleteAFileThatReplacedItsOwn() throws Exception {
            try (WriterLock lock = WriterLock.of(file, "a training")) {
                Files.delete(file);
                Files.writeString(file, "of another writer");
            }
            assertThat(file).hasContent("of another writer");
        }

        /** A new file may have the identity of a deleted one, so the identity alone cannot distinguish them. */
        @Test
        @DisabledOnOs(OS.WINDOWS)
        void detectsThatTheLockedFileWasDeletedOrReplaced() throws Exception {
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                assertThat(WriterLock.isAt(file, open)).isTrue();
                Files.delete(file);
                assertThat(WriterLock.isAt(file, open)).isFalse();
                Files.writeString(file, "of another holder");
                assertThat(WriterLock.isAt(file, open)).isFalse();
            }
            assertThat(file).hasContent("of another holder");
        }

        @Test
        void neverHoldTheLockAtTheSameTime() throws Exception {
            Path token = folder.resolve("token");
            try (FileChild child = FileChild.start();
                    FileChild other = FileChild.start()) {
                child.send("rounds", file, token, 200);
                other.send("rounds", file, token, 200);
                assertThat(child.answer()).isEqualTo("done");
                assertThat(other.answer()).isEqualTo("done");
            }
            assertThat(folder).isEmptyDirectory();
        }
    }

    /** Takes the lock repeatedly, and each time creates and deletes a file that must not exist before. */
    static String rounds(Path file, Path token, int rounds) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        for (int done = 0; done < rounds && System.nanoTime() < end; ) {
            try (WriterLock lock = WriterLock.of(file, "a child")) {
                Files.createFile(token);
                Thread.onSpinWait();
                Files.delete(token);
                done++;
            } catch (LockedException e) {
                Thread.yield();
            } catch (FileAlreadyExistsException e) {
                return "both held it";
            }
            if (done == rounds) {
                return "done";
            }
        }
        return "too slow";
    }
}
