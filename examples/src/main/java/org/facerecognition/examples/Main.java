package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command line. Exit codes: 0 done, 1 failed, 2 used wrongly. */
@Command(
        name = "face-recognition",
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
            SuspectsCommand.class,
            ExportCommand.class,
            DoctorCommand.class
        })
public final class Main {
    /** Exit code of a failure. */
    static final int FAILED = 1;
    /** Exit code of wrong use. */
    static final int USED_WRONGLY = 2;

    private Main() {}

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        // JavaCPP would take the memory of tensors for a leak once it is four times the Java heap; before its classes
        // load
        System.setProperty(
                "org.bytedeco.javacpp.maxPhysicalBytes",
                System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0"));
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
        return commandLine(new Main(), out, err).execute(args);
    }

    /** A command, set up as all are. */
    static CommandLine commandLine(Object command, PrintWriter out, PrintWriter err) {
        return new CommandLine(command)
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Main::explain);
    }

    /** One sentence on standard error; the stack trace only when asked for with -Dtrace=true. */
    private static int explain(Exception error, CommandLine command, CommandLine.ParseResult parsed) {
        String message = error.getMessage() == null ? error.toString() : error.getMessage();
        command.getErr().println("error: " + message);
        if (Boolean.getBoolean("trace")) {
            error.printStackTrace(command.getErr());
        }
        boolean wrongUse = error instanceof IllegalArgumentException || error instanceof ParameterException;
        return wrongUse ? USED_WRONGLY : FAILED;
    }
}
