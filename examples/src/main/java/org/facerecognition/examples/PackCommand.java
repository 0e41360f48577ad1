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
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.PackedFaces;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code pack}: writes a data set to one file. */
@Command(
        name = "pack",
        description = {
            "Write a data set to one file, or a few, which are read faster than a folder.",
            "Train on it with --data FILE. As in training, people and images whose names cannot be decoded are left"
                    + " out, each with a note; a folder that cannot be read ends the command."
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
                            + " space; 0 to pack the files unchanged, without decoding them.")
    private int decodedPx;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the split of folders, as in training.")
    private long seed;

    @Option(names = "--out", defaultValue = "faces.pack", paramLabel = "FILE", description = "File to write.")
    private Path out;

    @Option(
            names = "--shards",
            defaultValue = "1",
            paramLabel = "N",
            description =
                    "Write N files, faces-1-of-N.pack and so on for --out faces.pack. Train with --data and any one"
                            + " of them. Existing files are replaced when all N are complete, which needs room for"
                            + " both.")
    private int shards;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        List<FaceDataset> parts =
                data.parts(seed).stream().map(split -> data.read(split, seed)).toList();
        if (shards == 1) { // several have other names, which the writer compares
            data.requireOther("--out", out);
            OutputFile.requireWritable("--out", out);
        }
        parts.forEach(err::println);
        int images = parts.stream().mapToInt(FaceDataset::size).sum();
        Thread onStop = StopHook.add("unfinished", () -> PackedFaces.deleteUnfinished(out, shards));
        try (CountProgress progress = new CountProgress(err, "packing", "images", images)) {
            List<Path> files = PackedFaces.write(out, parts, decodedPx, shards, progress::accept);
            long bytes = 0;
            for (Path file : files) {
                bytes += Files.size(file);
            }
            spec.commandLine().getOut().println(json ? line(files, images, bytes) : sentence(files, images, bytes));
        } finally {
            StopHook.remove(onStop);
        }
        return 0;
    }

    private static String sentence(List<Path> files, int images, long bytes) {
        return String.format(
                Locale.ROOT,
                "wrote %s%s: %,d images, %,d MiB",
                files.get(0),
                files.size() == 1 ? "" : " and " + (files.size() - 1) + " more",
                images,
                bytes >> 20);
    }

    private static String line(List<Path> files, int images, long bytes) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", files.get(0).toString());
        if (files.size() > 1) {
            figures.put("files", files.stream().map(Path::toString).toList());
        }
        figures.put("images", images);
        figures.put("bytes", bytes);
        return Json.line(figures);
    }
}
