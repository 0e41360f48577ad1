package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.LabelNoise;
import org.facerecognition.eval.LabelNoise.Suspect;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code find-label-noise}: lists training images that probably have a wrong label. */
@Command(
        name = "find-label-noise",
        description = {
            "List training images that are probably under a wrong name.",
            "These are images far from the center of their person or nearer to the center of another. Works best with a"
                    + " model trained with --loss subcenter-arcface."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class FindLabelNoiseCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description = "A model or a checkpoint of a training.")
    @HelpSection(Heading.MODEL)
    private Path model;

    @Mixin
    private DataOptions data = new DataOptions();

    @Mixin
    private BadImagesOption badImages = new BadImagesOption();

    @Option(
            names = "--degrees",
            paramLabel = "ANGLE",
            defaultValue = "" + LabelNoise.USUAL_DEGREES,
            description = "List images whose angle to the center of their person is larger than this.")
    @HelpSection(Heading.DECISION)
    private double degrees;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the split of folders, as in training.")
    @HelpSection(Heading.DATA)
    private long seed;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Write the list to this file instead of standard output.")
    private @Nullable Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        LabelNoise.requireAngle(degrees);
        ModelOptions.requireOwn(model);
        FaceDataset faces = data.read(Split.TRAIN, seed);
        if (out != null) {
            ModelFile.requireOther("--out", out, model);
            data.requireOther("--out", out);
            OutputFile.requireWritable("--out", out);
        }
        List<Suspect> suspects;
        try (Recognizer recognizer = ModelFile.load(model, false)) {
            faces = trainedOn(faces, recognizer.identities());
            DataOptions.requirePackedFor(LoadedModel.of(recognizer), faces);
            faces = badImages.usable(faces, recognizer.imageSizePx());
            try (EmbedProgress progress = new EmbedProgress(spec.commandLine().getErr(), "faces", faces.size())) {
                suspects = recognizer.suspects(faces, degrees, progress);
            }
        }
        String list = list(faces, suspects);
        PrintWriter standard = spec.commandLine().getOut();
        boolean written = false;
        try {
            if (out != null) {
                write(out, list);
                written = true;
            }
        } finally { // what was found is not lost because the file cannot be written
            if (!written && !json) {
                standard.print(list);
                standard.flush();
            }
            spec.commandLine()
                    .getErr()
                    .printf(Locale.ROOT, "%,d of %,d images are suspected%n", suspects.size(), faces.size());
            if (json) {
                Map<String, Object> figures = new LinkedHashMap<>();
                figures.put("pictures", faces.size());
                figures.put("suspects", suspects.size());
                figures.put("suspect_list", rows(faces, suspects));
                Json.print(standard, figures);
            }
        }
        return 0;
    }

    /** Leaves out people who were not trained on, as with --verify-on-unseen, if all those who were are there. */
    private FaceDataset trainedOn(FaceDataset faces, List<String> identities) {
        int others = faces.classes() - identities.size();
        if (identities.isEmpty() || others <= 0 || !faces.identities().containsAll(identities)) {
            return faces;
        }
        data.report(List.of("note: " + others + " of " + faces.classes()
                + " people are left out, because the model was not trained on them"));
        return faces.withIdentities(identities);
    }

    private static List<Map<String, Object>> rows(FaceDataset faces, List<Suspect> suspects) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Suspect suspect : suspects) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("image", faces.sample(suspect.face()).image().name());
            row.put("identity", faces.identities().get(suspect.label()));
            row.put("degrees", suspect.degrees());
            row.put("nearest", faces.identities().get(suspect.nearest()));
            row.put("nearest_degrees", suspect.nearestDegrees());
            rows.add(row);
        }
        return rows;
    }

    private static String list(FaceDataset faces, List<Suspect> suspects) {
        StringBuilder list = new StringBuilder("image\tidentity\tdegrees\tnearest\tnearest_degrees\n");
        for (Suspect suspect : suspects) {
            list.append(String.format(
                    Locale.ROOT,
                    "%s\t%s\t%.1f\t%s\t%.1f%n",
                    GalleryCommand.printable(
                            faces.sample(suspect.face()).image().name()),
                    GalleryCommand.printable(faces.identities().get(suspect.label())),
                    suspect.degrees(),
                    GalleryCommand.printable(faces.identities().get(suspect.nearest())),
                    suspect.nearestDegrees()));
        }
        return list.toString();
    }

    private static void write(Path file, String list) {
        try {
            AtomicFile.write(file, list);
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }
}
