package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Optional;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.natives.NativeLibraries;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 failed, by
 * the files or the machine; 2 used wrongly, where another command line with the same files would do.
 */
@Command(
        name = Main.NAME,
        description = "Train and use face recognition models.",
        mixinStandardHelpOptions = true,
        version = "face-recognition 0.1.0-SNAPSHOT",
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
            SchemaCommand.class,
            DoctorCommand.class
        })
public final class Main {
    static final String NAME = "face-recognition";

    /** Exit code of a failure: the files or the machine. */
    static final int FAILED = 1;
    /** Exit code of wrong use: another command line would do. */
    static final int USED_WRONGLY = 2;

    Main() {}

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs a command; returns its exit code. */
    static int run(String... args) {
        return run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    }

    /** Runs a command with results and messages going to {@code out} and {@code err}. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        Optional<String> unreadable = Arguments.unreadable(args);
        if (unreadable.isPresent()) {
            err.println("error: " + unreadable.get());
            return USED_WRONGLY;
        }
        try {
            return commandLine(new Main(), out, err).execute(args);
        } catch (LinkageError e) { // of a class of JavaCPP's that nobody has checked before
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

    /** A command, set up as all are. */
    static CommandLine commandLine(Object command, PrintWriter out, PrintWriter err) {
        return new CommandLine(command)
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((error, words) -> explainUse(error))
                .setExecutionExceptionHandler(Main::explain);
    }

    /** What cannot be parsed or does not go together: one sentence, and where the options are listed. */
    private static int explainUse(ParameterException error) {
        CommandLine command = error.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("error: " + error.getMessage());
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

    /** One sentence on standard error; the stack trace only when asked for with -Dtrace=true. */
    private static int explain(Exception error, CommandLine command, CommandLine.ParseResult parsed) {
        String message = error.getMessage() == null ? error.toString() : error.getMessage();
        command.getErr().println("error: " + message);
        trace(error, command.getErr());
        if (!(error instanceof IllegalArgumentException) || error instanceof UnsuitableDataException) {
            return FAILED;
        }
        hint(command);
        return USED_WRONGLY;
    }
}
