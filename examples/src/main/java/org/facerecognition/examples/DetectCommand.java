package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_imgproc.FILLED;
import static org.bytedeco.opencv.global.opencv_imgproc.FONT_HERSHEY_SIMPLEX;
import static org.bytedeco.opencv.global.opencv_imgproc.LINE_AA;
import static org.bytedeco.opencv.global.opencv_imgproc.circle;
import static org.bytedeco.opencv.global.opencv_imgproc.putText;
import static org.bytedeco.opencv.global.opencv_imgproc.rectangle;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Photograph;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code detect}: finds the faces in photographs. */
@Command(
        name = "detect",
        description = {
            "Find the faces in photographs: boxes, five landmarks, scores.",
            "If an image cannot be read or its copy cannot be written, the others are still processed, and the exit"
                    + " code is 1."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class DetectCommand implements Callable<Integer> {
    /** RGB colors of the five landmarks, in their order: the person's right side is red, the left side blue. */
    private static final int[][] POINT_COLORS = {{255, 0, 0}, {0, 96, 255}, {255, 255, 0}, {255, 96, 96}, {96, 192, 255}
    };

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Photographs, or folders of photographs.")
    private List<Path> images;

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Folder for copies of the images with their faces marked, as PNG files.")
    private @Nullable Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output, coordinates in pixels.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(err::println);
        List<ImageFileNames> files = given.files();
        if (out != null) {
            ImageFileNames.requireKept(files, out, "\\.png", there -> false); // a copy looks like a photograph
        }
        List<Map<String, Object>> results = new ArrayList<>(); // for JSON, which is printed at the end
        AtomicInteger faces = new AtomicInteger();
        ImagesInOrder.Count count;
        try (FaceDetector faceDetector = detector.openRequired(err)) {
            count = ImagesInOrder.examine(
                    files, "detecting", err, file -> examined(file, faceDetector), (file, image) -> {
                        faces.addAndGet(image.found.size());
                        if (json) {
                            results.add(json(file.file(), image));
                        } else {
                            print(file.file(), image);
                        }
                        image.note.ifPresent(err::println);
                    });
        }
        err.println(faces + " faces in " + count.examined() + " images"
                + (out == null ? "" : ", marked in " + out)
                + count.unusableNote());
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("faces", faces.get());
            result.put("images", results);
            Json.print(spec.commandLine().getOut(), result);
        }
        return count.exitCode(given);
    }

    /**
     * What was found in a photograph.
     *
     * @param note why there may be more faces than were found
     */
    record Examined(int width, int height, List<DetectedFace> found, Optional<String> note) {}

    Examined examined(ImageFileNames file, FaceDetector faceDetector) {
        ImageSource source = out == null ? ImageSource.of(file.file()) : file.source(); // drawn on again
        try (Photograph image = Photograph.read(source, faceDetector)) {
            List<DetectedFace> found = image.detect();
            if (out != null) {
                try (Mat drawing = source.read()) {
                    found.forEach(face -> draw(drawing, face));
                    ImageWriter.write(drawing, file.in(out, ".png"), out, file.file());
                }
            }
            boolean lost = found.isEmpty() && NoFace.isShrunk(image, faceDetector);
            Optional<String> note =
                    lost ? Optional.of(NoFace.sentence(file.file(), image, faceDetector)) : Optional.empty();
            return new Examined(image.widthPx(), image.heightPx(), found, note);
        }
    }

    private static Map<String, Object> json(Path file, Examined image) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("image", file.toString());
        result.put("width", image.width);
        result.put("height", image.height);
        result.put("faces", image.found.stream().map(DetectCommand::json).toList());
        return result;
    }

    private void print(Path file, Examined image) {
        PrintWriter out = spec.commandLine().getOut();
        if (image.found.isEmpty()) {
            out.println(GalleryCommand.printable(file) + "\tno face");
        }
        for (DetectedFace face : image.found) {
            DetectedFace.Box box = face.box();
            out.printf(
                    Locale.ROOT,
                    "%s\t%.1f,%.1f %.1fx%.1f\tscore %.2f%n",
                    GalleryCommand.printable(file),
                    box.x(),
                    box.y(),
                    box.width(),
                    box.height(),
                    face.score());
        }
        Main.requireWritten(out);
    }

    /** Returns a face with its coordinates rounded to 0.01 px and its score to 0.0001. */
    static Map<String, Object> json(DetectedFace face) {
        DetectedFace.Box box = face.box();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put(
                "box",
                List.of(hundredth(box.x()), hundredth(box.y()), hundredth(box.width()), hundredth(box.height())));
        json.put(
                "points",
                face.points().stream()
                        .map(p -> List.of(hundredth(p.x()), hundredth(p.y())))
                        .toList());
        json.put("score", Math.round(face.score() * 1e4) / 1e4);
        return json;
    }

    private static double hundredth(double value) {
        return Math.round(value * 100) / 100.0;
    }

    private static void draw(Mat image, DetectedFace face) {
        DetectedFace.Box box = face.box();
        int line = Math.max(1, (int) Math.round(box.width() / 80));
        try (Rect frame = new Rect((int) box.x(), (int) box.y(), (int) box.width(), (int) box.height());
                Scalar green = new Scalar(0, 220, 0, 0);
                Point label = new Point((int) box.x(), (int) Math.max(12, box.y() - 2 * line))) {
            rectangle(image, frame, green, line, LINE_AA, 0);
            String score = String.format(Locale.ROOT, "%.2f", face.score());
            putText(
                    image,
                    score,
                    label,
                    FONT_HERSHEY_SIMPLEX,
                    Math.max(0.35, box.width() / 200),
                    green,
                    line,
                    LINE_AA,
                    false);
        }
        for (int i = 0; i < DetectedFace.POINTS; i++) {
            DetectedFace.Point point = face.points().get(i);
            int[] rgb = POINT_COLORS[i];
            try (Point center = new Point((int) Math.round(point.x()), (int) Math.round(point.y()));
                    Scalar color = new Scalar(rgb[0], rgb[1], rgb[2], 0)) {
                circle(image, center, Math.max(1, line * 2), color, FILLED, LINE_AA, 0);
            }
        }
    }
}
