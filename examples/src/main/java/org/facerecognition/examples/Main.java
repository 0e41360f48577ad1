package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileNames;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.Processors;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Results go to standard output, everything else to standard error. Exit codes: 0 success; 1 failure
 * because of the files or the machine; 2 wrong use, where another command line with the same files would work.
 */
@Command(
        name = Main.NAME,
        description = "Train and use face recognition models.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            TrainCommand.class,
            AugmentCommand.class,
            PackCommand.class,
            DetectCommand.class,
            AlignCommand.class,
            EmbedCommand.class,
            VerifyCommand.class,
            GalleryCommand.class,
            ServeCommand.class,
            EvaluateCommand.class,
            FindLabelNoiseCommand.class,
            ExportCommand.class,
            QuantizeCommand.class,
            SchemaCommand.class,
            DoctorCommand.class,
            GenerateCompletion.class
        },
        footer = {
            "",
            "'" + Main.NAME + " COMMAND --help' lists the options of a command.",
            "",
            "@FILE stands for the arguments in a file, as in '" + Main.NAME + " train @options'. In the file, arguments"
                    + " are separated by spaces or line breaks and quoted if they contain spaces; # before one begins"
                    + " a comment.",
            "",
            "Completion in bash and zsh, with " + Main.NAME + " as an alias:",
            "  alias " + Main.NAME + "='java -jar examples/target/face-recognition.jar'",
            "  source <(" + Main.NAME + " generate-completion)"
        })
public final class Main {
    static final String NAME = "face-recognition";

    /** Exit code of a failure because of the files or the machine. */
    static final int FAILED = 1;
    /** Exit code of wrong use: another command line would work. */
    static final int USED_WRONGLY = 2;

    private static final String OUTPUT_LOST =
            "standard output cannot be written: its disk is full, or what reads it has ended; results are missing in it";

    private static volatile boolean outOfThreads;

    Main() {}

    /**
     * Ends work whose results nobody receives any more.
     *
     * @throws UncheckedIOException when standard output cannot be written
     */
    static void requireWritten(PrintWriter out) {
        if (out.checkError()) {
            throw new UncheckedIOException(OUTPUT_LOST, new IOException(OUTPUT_LOST));
        }
    }

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        if (System.getProperty("java.awt.headless") == null) { // a stale DISPLAY would cost a report its charts
            System.setProperty("java.awt.headless", "true");
        }
        Locale.setDefault(Locale.ROOT); // figures are read by programs too
        int code = run(args);
        if (outOfThreads) {
            NativeLibraries.exitAtOnce(code);
        }
        System.exit(code);
    }

    /** Returns how this program was probably started: from its jar, or under its own name. */
    static String program() {
        try {
            Path jar = Path.of(Main.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            if (Files.isRegularFile(jar)) {
                return program(jar, Path.of("").toAbsolutePath());
            }
        } catch (URISyntaxException | RuntimeException e) {
            // the name will do
        }
        return NAME;
    }

    static String program(Path jar, Path here) {
        return "java -jar " + ShellWord.of(jar.startsWith(here) ? here.relativize(jar) : jar);
    }

    /** Runs a command and returns its exit code. */
    static int run(String... args) {
        return run(writer(System.out), writer(System.err), args);
    }

    /**
     * Returns a writer of characters. Without a locale, standard output is ASCII, and every other character becomes a
     * question mark, although what reads the output, such as a log, mostly expects UTF-8.
     */
    private static PrintWriter writer(PrintStream stream) {
        return new TerminalWriter(
                FileNames.charset().equals(StandardCharsets.US_ASCII)
                        ? new PrintWriter(stream, false, StandardCharsets.UTF_8)
                        : new PrintWriter(stream));
    }

    /** Runs a command, with results written to {@code out} and messages to {@code err}, and returns its exit code. */
    static int run(PrintWriter out, PrintWriter err, String... words) {
        String[] args;
        try {
            args = ArgumentFiles.expanded(words);
        } catch (IllegalArgumentException e) {
            err.println("error: " + e.getMessage());
            return USED_WRONGLY;
        }
        Optional<String> unreadable = Arguments.unreadable(args);
        if (unreadable.isPresent()) {
            err.println("error: " + DatabaseAddress.withoutAddresses(unreadable.get()));
            return USED_WRONGLY;
        }
        try (LibraryWarnings printed = LibraryWarnings.printedTo(err)) {
            int code = commandLine(new Main(), out, err).execute(args);
            if (code == 0 && out.checkError()) {
                err.println("error: " + OUTPUT_LOST);
                return FAILED;
            }
            return code;
        } catch (OutOfMemoryError e) {
            outOfThreads = String.valueOf(e.getMessage()).startsWith("unable to create native thread");
            err.println(
                    outOfThreads
                            ? "error: no more threads can be started; allow more processes (ulimit -u, or the limit of"
                                    + " the container), or compute with fewer threads (-D" + Processors.PROPERTY + "=1)"
                            : "error: memory ran out (" + e.getMessage()
                                    + "); give Java more with -Xmx, or work on less at once");
            trace(e, err);
            return FAILED;
        } catch (LinkageError e) { // from a JavaCPP class that was used before anything checked its library
            err.println("error: " + NativeLibraries.explain("a native library", e));
            trace(e, err);
            return FAILED;
        }
    }

    private static void trace(Throwable error, PrintWriter err) {
        if (Boolean.getBoolean("trace")) {
            error.printStackTrace(err);
        }
    }

    /** Returns a command line with the settings that all commands share. */
    static CommandLine commandLine(Object command, PrintWriter out, PrintWriter err) {
        CommandLine line = new CommandLine(command)
                .setOut(out)
                .setErr(err)
                .setExpandAtFiles(false) // see ArgumentFiles
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, new PathConverter())
                .setParameterExceptionHandler((error, words) -> explainUse(error))
                .setExecutionExceptionHandler(Main::explain);
        HelpOptions.install(line);
        FormerNames.acceptedBy(line);
        Version.printedBy(line);
        return line;
    }

    /** Says in one sentence why arguments cannot be parsed or contradict each other, and names the help. */
    private static int explainUse(ParameterException error) {
        CommandLine command = error.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("error: " + DatabaseAddress.withoutAddresses(UseErrors.sentence(error)));
        if (!UnmatchedArgumentException.printSuggestions(error, err)
                && !command.getSubcommands().isEmpty()) {
            command.usage(err);
        }
        hint(command);
        return USED_WRONGLY;
    }

    private static void hint(CommandLine command) {
        String name = command.getCommandSpec().qualifiedName();
        command.getErr().println("See '" + (name.startsWith(NAME) ? "" : NAME + " ") + name + " --help'.");
    }

    /** Returns an exception's message; the message of most errors of the file system is only a path. */
    private static String sentence(Exception error) {
        @Nullable Throwable cause = error.getCause();
        if (cause instanceof FileSystemException inside && inside.toString().equals(error.getMessage())) {
            return sentence(inside); // the wrapper says nothing of its own
        }
        if (error instanceof FileSystemException failed && failed.getFile() != null) {
            return "cannot use " + failed.getFile() + ": " + AtomicFile.reason(failed);
        }
        if (error.getMessage() == null) {
            return error.toString();
        }
        return error.getClass() == RuntimeException.class // as JavaCPP throws for a C++ exception
                ? "a native library failed: " + NativeErrors.reason((RuntimeException) error)
                : error.getMessage();
    }

    /** Prints one sentence on standard error, and the stack trace only with -Dtrace=true. */
    private static int explain(Exception error, CommandLine command, CommandLine.ParseResult parsed) {
        boolean usedWrongly = error instanceof IllegalArgumentException && !(error instanceof UnsuitableDataException);
        String sentence = error instanceof IllegalArgumentException || error instanceof IllegalStateException
                ? UseErrors.withOptionName(sentence(error), command)
                : sentence(error);
        command.getErr().println("error: " + DatabaseAddress.withoutAddresses(sentence));
        trace(error, command.getErr());
        if (!usedWrongly) {
            return FAILED;
        }
        hint(command);
        return USED_WRONGLY;
    }
}
