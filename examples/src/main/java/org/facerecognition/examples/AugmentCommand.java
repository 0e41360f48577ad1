package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgproc.FONT_HERSHEY_SIMPLEX;
import static org.bytedeco.opencv.global.opencv_imgproc.LINE_AA;
import static org.bytedeco.opencv.global.opencv_imgproc.putText;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.augment.Pipeline;
import org.facerecognition.augment.Transform;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.natives.NativeLibraries;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code augment}: draws a contact sheet of the images that the network will see. */
@Command(
        name = "augment",
        description = "Draw a contact sheet: some images of a data set (rows) under each transform (columns), and under"
                + " all of them in a last column where train applies all of them to one image.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class AugmentCommand implements Callable<Integer> {
    private static final int CAPTION_PX = 18;
    private static final int GAP_PX = 2;
    private static final int MAX_SIDE_PX = 4096;
    private static final int MAX_SHEET_SIDE_PX = 65_500; // of JPEG
    private static final int MAX_PNG_SIDE_PX = 1_000_000; // that libpng writes
    private static final long MAX_SHEET_PIXELS = 100_000_000; // as of an image that is read
    private static final int LETTER_PX = 6; // approximate width in the caption's font

    @Spec
    private CommandSpec spec;

    @Mixin
    private DataOptions data = new DataOptions();

    @Mixin
    private AugmentationOptions augmentations = new AugmentationOptions();

    @HelpSection(Heading.DATA)
    @Option(names = "--images", paramLabel = "N", defaultValue = "8", description = "Number of rows.")
    private int images;

    @HelpSection(Heading.DATA)
    @Option(
            names = "--image-size",
            paramLabel = "PX",
            defaultValue = "112",
            description = "Side of the network's input in pixels.")
    private int imageSizePx;

    @HelpSection(Heading.DATA)
    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the choice of images and of the transforms.")
    private long seed;

    @Option(
            names = "--out",
            defaultValue = "augmentations.png",
            paramLabel = "FILE",
            description = "Image to write; its extension decides the format.")
    private Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        if (images < 1 || imageSizePx < 1 || imageSizePx > MAX_SIDE_PX) {
            throw new IllegalArgumentException("--images must be at least 1 and --image-size 1 to " + MAX_SIDE_PX
                    + ", but were " + images + " and " + imageSizePx);
        }
        List<Transform> transforms = augmentations.transforms();
        boolean composed = augmentations.composes() && transforms.size() > 1;
        FaceDataset faces = data.read(Split.TRAIN, seed);
        data.requireOther("--out", out);
        OutputFile.requireWritable("--out", out);
        int rows = Math.max(1, Math.min(images, faces.size()));
        List<@Nullable Transform> columns = new ArrayList<>();
        columns.add(null); // the original
        columns.addAll(transforms);
        if (composed) {
            columns.add(new Pipeline(transforms));
        }
        int cell = imageSizePx + GAP_PX;
        requireSheet(rows, columns.size());
        NativeLibraries.load();
        try (Scalar white = new Scalar(255, 255, 255, 0);
                Mat sheet = new Mat(CAPTION_PX + rows * cell, columns.size() * cell, CV_8UC3, white)) {
            for (int column = 0; column < columns.size(); column++) {
                String caption = caption(transforms, column);
                write(sheet, caption.substring(0, Math.min(caption.length(), imageSizePx / LETTER_PX)), column * cell);
            }
            SplittableRandom choice = new SplittableRandom(seed);
            for (int row = 0; row < rows; row++) {
                try (Mat face = faces.readCropped(choice.nextInt(faces.size()), imageSizePx)) {
                    for (int column = 0; column < columns.size(); column++) {
                        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + row * 1_009L + column);
                        put(sheet, face, columns.get(column), random, column * cell, CAPTION_PX + row * cell);
                    }
                }
            }
            ImageWriter.write(sheet, out);
        }
        String sentence = "wrote " + out + ": " + rows + " images, " + transforms.size() + " transforms"
                + (composed ? ", and all of them in sequence" : "");
        spec.commandLine().getOut().println(json ? line(rows, transforms.size()) : sentence);
        return 0;
    }

    private static String caption(List<Transform> transforms, int column) {
        if (column == 0) {
            return "original";
        }
        return column > transforms.size()
                ? "composed"
                : transforms.get(column - 1).getClass().getSimpleName();
    }

    private void requireSheet(int rows, int columns) {
        long width = (long) columns * (imageSizePx + GAP_PX);
        long height = CAPTION_PX + (long) rows * (imageSizePx + GAP_PX);
        int maxSide = out.toString().toLowerCase(Locale.ROOT).endsWith(".png") ? MAX_PNG_SIDE_PX : MAX_SHEET_SIDE_PX;
        if (width > maxSide || height > maxSide || width * height > MAX_SHEET_PIXELS) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "--images and --image-size must give a sheet of at most %,d pixels on each side and %,d in all, but"
                            + " %,d rows and %,d columns of %,d pixels give %,d x %,d; give fewer or smaller images",
                    maxSide,
                    MAX_SHEET_PIXELS,
                    rows,
                    columns,
                    imageSizePx,
                    width,
                    height));
        }
    }

    private String line(int rows, int transforms) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", out.toString());
        figures.put("images", rows);
        figures.put("transforms", transforms);
        return Json.line(figures);
    }

    private static void put(Mat sheet, Mat face, @Nullable Transform transform, SplittableRandom random, int x, int y) {
        try (Mat seen = transform == null ? face.clone() : transform.apply(face, random);
                Rect place = new Rect(x, y, seen.cols(), seen.rows());
                Mat cell = new Mat(sheet, place)) {
            seen.copyTo(cell);
        }
    }

    private static void write(Mat sheet, String text, int x) {
        try (Point place = new Point(x + 2, CAPTION_PX - 6);
                Scalar black = new Scalar(0, 0, 0, 0)) {
            putText(sheet, text, place, FONT_HERSHEY_SIMPLEX, 0.33, black, 1, LINE_AA, false);
        }
    }
}
