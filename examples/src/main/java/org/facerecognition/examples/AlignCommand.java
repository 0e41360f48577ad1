package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Photograph;
import org.facerecognition.examples.web.CropFile;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.FaceTemplate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code align}: crops faces out of photographs, aligned as face models expect them. */
@Command(
        name = "align",
        description = {
            "Crop the most prominent face out of each photograph, aligned to the standard template.",
            "The most prominent face is large and near the center; its five landmarks are aligned. Folders keep their"
                    + " structure, so that the crops can be trained on (--layout folders). Prints the name and the"
                    + " crops of each image. If an image cannot be read or its crops cannot be written, the others are"
                    + " still processed, and the exit code is 1."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class AlignCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Photographs, or folders of photographs.")
    private List<Path> images;

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Folder for the crops, as PNG files.")
    private Path out;

    @Option(
            names = "--size",
            defaultValue = "112",
            paramLabel = "PX",
            description = "Side of the crops, for which the 112x112 template is scaled; or 96x112.")
    private String size;

    @Option(
            names = "--wide",
            description = "Show more beside the face and below it, as insightface does for sizes that are multiples of"
                    + " 128.")
    private boolean wide;

    @Option(names = "--all", description = "Crop all faces, not only the most prominent: image-1.png, image-2.png, ...")
    private boolean all;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        FaceTemplate template = template();
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(err::println);
        List<ImageFileNames> files = given.files();
        ImageFileNames.requireKept(
                files, out, all ? "-[0-9]+\\.png" : "\\.png", there -> CropFile.hasSize(there, "png", template));
        List<Map<String, Object>> results = new ArrayList<>(); // for JSON, which is printed at the end
        AtomicInteger crops = new AtomicInteger();
        FormerCrops former = new FormerCrops(out, given.paths());
        ImagesInOrder.Count count;
        try (FaceDetector faces = detector.openRequired(err)) {
            count = ImagesInOrder.examine(
                    files, "aligning", err, file -> aligned(file, faces, template, former), (file, aligned) -> {
                        crops.addAndGet(aligned.crops.size());
                        aligned.note.ifPresent(err::println);
                        if (json) {
                            Map<String, Object> result = new LinkedHashMap<>();
                            result.put("image", file.file().toString());
                            result.put("crops", aligned.crops);
                            results.add(result);
                        } else {
                            print(file.file(), aligned.crops);
                        }
                    });
        }
        err.println(crops + " crops of " + count.examined() + " images in " + out + count.unusableNote());
        if (count.stopped().isEmpty()) { // else a repetition writes the others
            former.othersNotes().forEach(err::println);
        }
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("crops", crops.get());
            result.put("images", results);
            Json.print(spec.commandLine().getOut(), result);
        }
        return count.exitCode(given);
    }

    /**
     * The crops of a photograph.
     *
     * @param crops the names of their files
     * @param note why there are none
     */
    record Aligned(List<String> crops, Optional<String> note) {}

    Aligned aligned(ImageFileNames file, FaceDetector faces, FaceTemplate template, FormerCrops former) {
        try (Photograph image = Photograph.read(ImageSource.of(file.file()), faces)) {
            List<DetectedFace> found = image.detect();
            List<DetectedFace> wanted = all ? found : mostProminent(found, image);
            List<DetectedFace> usable = wanted.stream().filter(image::isUsable).toList();
            List<String> crops = write(file, image, usable, template, former);
            if (!crops.isEmpty()) {
                return new Aligned(crops, Optional.empty());
            }
            String unusable = all ? NoFace.unusable(file.file()) : NoFace.mostProminentUnusable(file.file());
            return new Aligned(
                    crops, Optional.of(found.isEmpty() ? NoFace.sentence(file.file(), image, faces) : unusable));
        }
    }

    /** Chooses the face that embed would choose by default: if that is unusable, no other face takes its place. */
    private static List<DetectedFace> mostProminent(List<DetectedFace> faces, Photograph image) {
        return FaceChoice.MOST_PROMINENT.of(faces, image.widthPx(), image.heightPx()).stream()
                .toList();
    }

    private void print(Path image, List<String> crops) {
        PrintWriter to = spec.commandLine().getOut();
        String result = crops.isEmpty()
                ? "no face"
                : crops.stream().map(GalleryCommand::printable).collect(Collectors.joining("\t"));
        to.println(GalleryCommand.printable(image) + "\t" + result);
        Main.requireWritten(to);
    }

    private List<String> write(
            ImageFileNames file,
            Photograph image,
            List<DetectedFace> faces,
            FaceTemplate template,
            FormerCrops former) {
        List<String> written = new ArrayList<>();
        for (int i = 0; i < faces.size(); i++) {
            Path target = file.in(out, all ? "-" + (i + 1) + ".png" : ".png");
            try (Mat crop = image.align(faces.get(i), template)) {
                ImageWriter.write(crop, target, out, file.file());
            }
            former.written(target);
            written.add(target.toString());
        }
        return written;
    }

    private FaceTemplate template() {
        if (size.equals("96x112") && wide) {
            throw new IllegalArgumentException("--wide must go with a square --size, but that was " + size);
        }
        if (size.equals("96x112")) {
            return FaceTemplate.NARROW_96X112;
        }
        if (!size.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException("--size must be a number of pixels or 96x112, but was " + size);
        }
        int side = Integer.parseInt(size);
        return wide ? FaceTemplate.wide(side) : FaceTemplate.square(side);
    }
}
