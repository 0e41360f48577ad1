package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    private static final String ORPHAN = ".model.0123456789abcdef.tmp";

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() throws IOException {
        folder = folder.toRealPath();
        file = folder.resolve("model");
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    @Nested
    class Writing {
        @Test
        void writesTheFileAndLeavesNothingElse() throws IOException {
            AtomicFile.write(file, "text");
            assertThat(file).hasContent("text");
            AtomicFile.write(file, new byte[] {1, 2});
            assertThat(file).hasBinaryContent(new byte[] {1, 2});
            AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(new byte[] {3})));
            assertThat(file).hasBinaryContent(new byte[] {3});
            AtomicFile.writeStream(file, out -> out.write(4));
            assertThat(file).hasBinaryContent(new byte[] {4});
            AtomicFile.writePath(file, temporary -> Files.write(temporary, new byte[] {5}));
            assertThat(file).hasBinaryContent(new byte[] {5});
            assertThat(names()).containsExactly("model");
        }

        /** It ended in an UnsupportedOperationException, without a message. */
        @Test
        void refusesAFileInAnArchive() throws IOException {
            try (FileSystem archive = FileSystems.newFileSystem(folder.resolve("a.zip"), Map.of("create", "true"))) {
                Path inside = archive.getPath("/x.model");
                for (ThrowingCallable writing : List.<ThrowingCallable>of(
                        () -> AtomicFile.write(inside, channel -> {}),
                        () -> new AtomicFiles().write(inside, out -> out.write(1)),
                        () -> WriterLock.of(inside, "a test"))) {
                    assertThatThrownBy(writing)
                            .isInstanceOf(FileSystemException.class)
                            .hasMessageEndingWith(": it is not on the disk but in a file system such as that of an"
                                    + " archive; use a file on the disk, and copy it");
                }
                assertThat(inside).doesNotExist();
            }
        }

        @Test
        void createsMissingFolders() throws IOException {
            Path deep = folder.resolve("a/b/c");
            AtomicFile.write(deep, "text");
            assertThat(deep).hasContent("text");
        }

        @Test
        void acceptsAPathWithoutAFolder() throws IOException {
            Path here = Path.of("atomic-file-test");
            try {
                AtomicFile.write(here, "text");
                assertThat(here).hasContent("text");
            } finally {
                Files.deleteIfExists(here);
            }
        }

        @Test
        void acceptsNamesOfMaximumLength() throws IOException {
            Path longest = folder.resolve("n".repeat(255));
            AtomicFile.write(longest, "text");
            assertThat(longest).hasContent("text");
            assertThat(names()).hasSize(1);
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void keepsThePermissionsOfAReplacedFile() throws IOException {
            Files.writeString(file, "old");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r-----"));
            AtomicFile.writePath(file, temporary -> {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temporary)))
                        .isEqualTo("rw-r-----");
                Files.writeString(temporary, "new");
            });
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("r--r-----");

            Path ordinary = Files.createFile(folder.resolve("ordinary"));
            AtomicFile.write(folder.resolve("new"), "new");
            assertThat(Files.getPosixFilePermissions(folder.resolve("new")))
                    .isEqualTo(Files.getPosixFilePermissions(ordinary));
        }

        @Test
        void defersAPendingInterrupt() throws IOException {
            Thread.currentThread().interrupt();
            try {
                AtomicFile.write(file, channel -> channel.write(ByteBuffer.wrap(new byte[] {1})));
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
            } finally {
                Thread.interrupted();
            }
            assertThat(file).hasBinaryContent(new byte[] {1});
        }

        @Test
        void anInterruptDoesNotAffectAStream() throws IOException {
            try {
                AtomicFile.writeStream(file, out -> {
                    Thread.currentThread().interrupt();
                    out.write(new byte[1 << 20]);
                });
            } finally {
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(Files.size(file)).isEqualTo(1 << 20);
        }

        @Test
        void movesAFinishedFileOverTheOldOne() throws IOException {
            Files.writeString(file, "old");
            Path part = Files.writeString(folder.resolve("model.part"), "finished");
            AtomicFile.move(part, file);
            assertThat(file).hasContent("finished");
            assertThat(names()).containsExactly("model");
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void writesToADeviceDirectly() throws IOException {
            Path device = Path.of("/dev/null");
            List<Path> content = new ArrayList<>();
            AtomicFile.write(device, "text");
            AtomicFile.write(device, channel -> channel.write(ByteBuffer.allocate(1)));
            AtomicFile.writePath(device, temporary -> {
                assertThat(temporary).isRegularFile().isNotEqualTo(device);
                Files.write(temporary, new byte[1]);
                content.add(temporary);
            });
            assertThat(content.get(0)).doesNotExist();
            assertThat(Files.isRegularFile(device)).isFalse();
        }
    }

    @Nested
    @DisabledOnOs(OS.WINDOWS)
    class Links {
        @Test
        void areKeptAndTheirTargetIsReplaced() throws IOException {
            Path target = Files.writeString(folder.resolve("target"), "old");
            Files.createSymbolicLink(folder.resolve("second"), Path.of("target"));
            Files.createSymbolicLink(file, folder.resolve("second"));
            AtomicFile.write(file, "new");
            assertThat(file).isSymbolicLink().hasContent("new");
            assertThat(target).isRegularFile().hasContent("new");
            assertThat(names()).containsExactly("model", "second", "target");
        }

        @Test
        void mayPointToAFileThatDoesNotExistYet() throws IOException {
            Files.createSymbolicLink(file, Path.of("new folder/target"));
            AtomicFile.write(file, "new");
            assertThat(file).isSymbolicLink().hasContent("new");
            assertThat(folder.resolve("new folder/target")).isRegularFile();
        }

        @Test
        void toFoldersAreFollowed() throws IOException {
            Path real = Files.createDirectory(folder.resolve("real"));
            Path link = Files.createSymbolicLink(folder.resolve("link"), real);
            AtomicFile.write(link.resolve("x"), "text");
            AtomicFile.write(link.resolve("../y"), "text"); // the operating system resolves links first
            assertThat(real.resolve("x")).hasContent("text");
            assertThat(folder.resolve("y")).hasContent("text");
        }

        @Test
        void thatFormALoopAreRejected() throws IOException {
            Files.createSymbolicLink(file, folder.resolve("second"));
            Files.createSymbolicLink(folder.resolve("second"), file);
            IOException e = catchThrowableOfType(IOException.class, () -> AtomicFile.write(file, "new"));
            assertThat(AtomicFile.reason(e)).isEqualTo("its symbolic links form a loop");
        }
    }

    @Nested
    class Concurrency {
        private static final int THREADS = 8;
        private static final int ROUNDS = 15;

        @Test
        void threadsLeaveOneCompleteFile() throws Exception {
            ExecutorService threads = Executors.newFixedThreadPool(THREADS);
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    List<Future<?>> all = new ArrayList<>();
                    for (int thread = 0; thread < THREADS; thread++) {
                        byte[] bytes = new byte[200_000 + 1_000 * thread];
                        Arrays.fill(bytes, (byte) thread);
                        all.add(threads.submit(() -> {
                            AtomicFile.writeStream(file, out -> {
                                for (int at = 0; at < bytes.length; at += 1_000) {
                                    out.write(bytes, at, 1_000);
                                }
                            });
                            return null;
                        }));
                    }
                    for (Future<?> one : all) {
                        one.get();
                    }
                    byte[] left = Files.readAllBytes(file);
                    byte[] expected = new byte[200_000 + 1_000 * left[0]];
                    Arrays.fill(expected, left[0]);
                    assertThat(left).isEqualTo(expected);
                    assertThat(names()).containsExactly("model");
                }
            } finally {
                threads.shutdownNow();
            }
        }

        @Test
        void readersAlwaysFindACompleteFile() throws Exception {
            AtomicFile.write(file, "a".repeat(10_000));
            try (FileChild child = FileChild.start()) {
                child.send("write", file, "bb", 5_000);
                for (int i = 0; i < 200; i++) {
                    AtomicFile.write(file, (i % 2 == 0 ? "c" : "d").repeat(10_000));
                    String text = Files.readString(file);
                    assertThat(text).hasSize(10_000);
                    assertThat(text.chars().distinct().count()).isOne();
                }
                assertThat(child.answer()).isEqualTo("written");
            }
            assertThat(names()).containsExactly("model");
        }
    }

    @Nested
    class Failures {
        @Test
        void leaveTheOldFileAndNothingElse() throws IOException {
            Files.writeString(file, "old");
            IOException full = new IOException("No space left on device");
            assertThatThrownBy(() -> AtomicFile.writeStream(file, out -> {
                        out.write(new byte[100_000]);
                        throw full;
                    }))
                    .isSameAs(full);
            assertThatThrownBy(() -> AtomicFile.writePath(file, temporary -> {
                        throw new IllegalStateException("from native code");
                    }))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(file).hasContent("old");
            assertThat(names()).containsExactly("model");
            assertThat(AtomicFile.cannotWrite(file, full))
                    .isEqualTo("cannot write " + file + ": No space left on device; an existing file of that"
                            + " name is unchanged; free some space or choose another folder");
        }

        @Test
        void rejectAFolder() throws IOException {
            Files.createDirectory(file);
            IOException e = catchThrowableOfType(IOException.class, () -> AtomicFile.write(file, "x"));
            assertThat(AtomicFile.reason(e)).isEqualTo("it is a folder");
            assertThat(names()).containsExactly("model");
        }

        @Test
        void nameTheFileThatIsNotAFolder() throws IOException {
            Files.createFile(file);
            IOException e = catchThrowableOfType(IOException.class, () -> AtomicFile.write(file.resolve("a/x"), "x"));
            assertThat(AtomicFile.reason(e)).isIn(file + " is not a folder", "Not a directory");
        }

        @Test
        @DisabledOnOs(OS.WINDOWS)
        void reportAReadOnlyFolder() throws IOException {
            assumeFalse(Files.getOwner(folder).getName().equals("root"), "nothing is forbidden to root");
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
            IOException e = catchThrowableOfType(IOException.class, () -> AtomicFile.write(file, "x"));
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            assertThat(AtomicFile.reason(e)).isEqualTo("permission denied");
        }

        @Test
        void reportAFolderThatAcceptsNoFiles() {
            assumeTrue(Files.isDirectory(Path.of("/proc/self")), "needs a folder that accepts no files");
            IOException e =
                    catchThrowableOfType(IOException.class, () -> AtomicFile.write(Path.of("/proc/self/x"), "x"));
            assertThat(AtomicFile.reason(e)).isEqualTo("the folder or file is missing");
        }

        @Test
        void reportAFullDiskAndKeepTheOldFile() throws Exception {
            assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
            Files.writeString(file, "old");
            try (FileChild child = FileChild.start("/bin/bash", "-c", "ulimit -f 100; exec \"$@\"", "bash")) {
                assertThat(child.ask("write", file, "x", 1_000_000))
                        .isEqualTo("cannot write " + file + ": File too large; an existing file of that name is"
                                + " unchanged; free some space or choose another folder");
            }
            assertThat(file).hasContent("old");
            assertThat(names()).containsExactly("model");
        }

        @Test
        void doNotMentionTheTemporaryFile() {
            String name = folder.resolve(ORPHAN).toString();
            assertThat(AtomicFile.reason(new AccessDeniedException(name))).isEqualTo("permission denied");
            assertThat(AtomicFile.reason(new NoSuchFileException(name))).isEqualTo("the folder or file is missing");
            assertThat(AtomicFile.reason(new NotDirectoryException(name))).isEqualTo("it is not a folder");
            assertThat(AtomicFile.reason(new DirectoryNotEmptyException(name))).isEqualTo("the folder is not empty");
            assertThat(AtomicFile.reason(new FileSystemException(name, null, "Read-only file system")))
                    .isEqualTo("Read-only file system");
            assertThat(AtomicFile.reason(new FileSystemException(name)))
                    .isEqualTo("the file system rejected the operation");
            assertThat(AtomicFile.reason(new FileNotFoundException(name + " (Too many open files)")))
                    .isEqualTo("Too many open files");
            assertThat(AtomicFile.reason(new ClosedByInterruptException())).isEqualTo("the thread was interrupted");
            assertThat(AtomicFile.reason(new MalformedInputException(1))).isEqualTo("it is not text in UTF-8");
            assertThat(AtomicFile.reason(new IOException("No space left on device")))
                    .isEqualTo("No space left on device");
            assertThat(AtomicFile.reason(new IOException())).isEqualTo("IOException");
        }
    }
}
