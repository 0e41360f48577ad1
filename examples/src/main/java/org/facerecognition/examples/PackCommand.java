package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.PackedFaces;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code pack}: writes a data set to one file. */
@Command(
        name = "pack",
        description = {
            "Write a data set to one file, which is read faster than a folder.",
            "Train on it with --data FILE."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class PackCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private DataOptions data = new DataOptions();

    @Option(
            names = "--decoded",
            defaultValue = "0",
            paramLabel = "PX",
            description =
                    "Pack the faces as pixels, cropped and scaled to this size, which is read fastest but takes more"
                            + " space; 0 to pack the files unchanged.")
    private int decodedPx;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the split of folders, as in training.")
    private long seed;

    @Option(names = "--out", defaultValue = "faces.pack", paramLabel = "FILE", description = "File to write.")
    private Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        List<FaceDataset> parts =
                data.parts(seed).stream().map(split -> data.read(split, seed)).toList();
        parts.forEach(err::println);
        int images = parts.stream().mapToInt(FaceDataset::size).sum();
        try (Bar bar = new Bar(images)) {
            PackedFaces.write(out, parts, decodedPx, bar);
        }
        spec.commandLine().getOut().println(json ? line(images) : sentence(images));
        return 0;
    }

    private String sentence(int images) throws IOException {
        return String.format(Locale.ROOT, "wrote %s: %,d images, %,d MiB", out, images, Files.size(out) >> 20);
    }

    private String line(int images) throws IOException {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", out.toString());
        figures.put("images", images);
        figures.put("bytes", Files.size(out));
        return Json.line(figures);
    }

    /** A progress bar; shown on a terminal only. */
    private static final class Bar implements IntConsumer, AutoCloseable {
        private final @Nullable ProgressBar bar;

        Bar(int images) {
            this.bar = Terminal.isInteractive()
                    ? new ProgressBarBuilder()
                            .setTaskName("packing")
                            .setInitialMax(images)
                            .setUnit(" images", 1)
                            .showSpeed()
                            .setConsumer(new ConsoleProgressBarConsumer(System.err))
                            .build()
                    : null;
        }

        @Override
        public void accept(int done) {
            if (bar != null) {
                bar.stepTo(done);
            }
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }
}
