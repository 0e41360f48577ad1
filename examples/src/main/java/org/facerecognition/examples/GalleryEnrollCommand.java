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
import org.facerecognition.Recognizer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery enroll}: images of people go into the gallery. */
@Command(
        name = "enrol",
        aliases = "enroll",
        description =
                "Enroll images: of one person by name, or with --folder of many. Images that are in the gallery under that"
                        + " name already are passed over, so that a folder can be enrolled again after images were added."
                        + " Exit code 1 when one cannot be used, or is in the gallery under another name.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryEnrollCommand implements Callable<Integer> {
    private static final int AT_A_TIME = 32; // as many as are embedded together, and then on the disk
    private static final int MAX_NAMED = 20; // of those passed over

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "NAME IMAGE",
            description = "A name and images of that person: with --detector the face of each that --face says.")
    private List<String> words = List.of();

    @Mixin
    private GalleryCommand.FileOption gallery = new GalleryCommand.FileOption();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Option(names = "--folder", paramLabel = "DIR", description = "Enroll all images below: one folder per person.")
    private @Nullable Path folder;

    @Option(names = "--no-flip", description = "Embed each image as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    /** An image of somebody. */
    private record Named(String name, Path file) {}

    private final Map<String, String> leftOut = new LinkedHashMap<>();

    @Override
    public Integer call() throws IOException {
        List<Named> images = folder == null ? named() : inFolder(folder);
        PrintWriter err = spec.commandLine().getErr();
        Optional<FaceDetector> finder = detector.open(err);
        EnrollmentPlan plan;
        int enrolled;
        int total;
        try (Recognizer recognizer = model.load();
                Gallery open = gallery.open(recognizer)) {
            finder.ifPresent(found -> recognizer.useDetector(found, face.choice()));
            recognizer.useFlip(!noFlip);
            open.bindEmbeddingMode(recognizer.embeddingMode().toString());
            plan = new EnrollmentPlan(open.entries());
            images.forEach(image -> plan.add(image.name(), image.file()));
            leftOut.putAll(plan.leftOut());
            enrolled = enroll(plan.fresh(), recognizer, open);
            total = open.size();
        } finally {
            finder.ifPresent(FaceDetector::close);
        }
        tell(plan, enrolled, total);
        return leftOut.isEmpty() ? 0 : Main.FAILED;
    }

    private void tell(EnrollmentPlan plan, int enrolled, int total) {
        PrintWriter err = spec.commandLine().getErr();
        List<String> known = plan.alreadyThere();
        known.stream().limit(MAX_NAMED).forEach(file -> err.println("already there: " + file));
        if (known.size() > MAX_NAMED) {
            err.println("already there: and " + (known.size() - MAX_NAMED) + " more");
        }
        plan.notes().forEach(note -> err.println("note: " + note));
        leftOut.forEach((file, why) -> err.println("left out: " + why));
        err.printf(
                "enrolled %d, already there %d, left out %d; %s has %d%n",
                enrolled, known.size(), leftOut.size(), gallery.file(), total);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("enrolled", enrolled);
            result.put("already_there", known.size());
            result.put("left_out", leftOut);
            result.put("entries", total);
            result.put("passed_over", known);
            spec.commandLine().getOut().println(Json.line(result));
        }
    }

    private List<Named> named() {
        if (words.size() < 2) {
            throw new IllegalArgumentException("a name and images must be given, or --folder with a folder per person");
        }
        String name = Arguments.name(words.get(0));
        return words.stream()
                .skip(1)
                .map(file -> new Named(name, Path.of(file)))
                .toList();
    }

    private List<Named> inFolder(Path root) {
        if (!words.isEmpty()) {
            throw new IllegalArgumentException("--folder must stand alone, but " + words + " was given beside it");
        }
        List<Named> all = new ArrayList<>();
        PassedOver passedOver = new PassedOver();
        ImageFiles.Listing people = ImageFiles.list(root, passedOver);
        passedOver.addLooseImages(people.images().size());
        int empty = 0;
        for (Path person : ImageFiles.withReadableNames(people.folders(), passedOver)) {
            List<Path> images = ImageFiles.withReadableNames(ImageFiles.below(person, passedOver), passedOver);
            empty += images.isEmpty() ? 1 : 0;
            String name = person.getFileName().toString();
            try {
                String checked = Gallery.checkName(name);
                images.forEach(image -> all.add(new Named(checked, image)));
            } catch (IllegalArgumentException e) {
                leftOut.put(person.toString(), "folder " + GalleryCommand.printable(name) + ": " + e.getMessage());
            }
        }
        if (all.isEmpty() && leftOut.isEmpty()) {
            throw new DataException(
                    "folder " + root + " must have a folder of images per person, but " + passedOver.instead());
        }
        PrintWriter err = spec.commandLine().getErr();
        if (empty > 0) {
            err.println("left out: " + empty + (empty == 1 ? " person" : " people") + " without images");
        }
        passedOver.note().ifPresent(err::println);
        return all;
    }

    private int enroll(List<EnrollmentPlan.Image> images, Recognizer recognizer, Gallery gallery) {
        int enrolled = 0;
        try (ImagesProgress progress = new ImagesProgress("enrolling", images.size())) {
            for (int from = 0; from < images.size(); from += AT_A_TIME) {
                List<Enrollment> some =
                        embedded(images.subList(from, Math.min(images.size(), from + AT_A_TIME)), recognizer, progress);
                gallery.enroll(some);
                enrolled += some.size();
            }
        }
        return enrolled;
    }

    /** Together, and where one cannot be used, one after the other. */
    private List<Enrollment> embedded(
            List<EnrollmentPlan.Image> images, Recognizer recognizer, ImagesProgress progress) {
        List<Enrollment> all = new ArrayList<>();
        try {
            List<float[]> embeddings = recognizer.embed(
                    images.stream().map(EnrollmentPlan.Image::file).toList());
            for (int i = 0; i < images.size(); i++) {
                EnrollmentPlan.Image image = images.get(i);
                if (image.hasChanged()) {
                    leftOut.put(
                            image.file().toString(), image.file() + " was changed while it was read; enroll it again");
                } else {
                    all.add(new Enrollment(image.name(), embeddings.get(i), image.note(), image.contentKey()));
                }
                progress.step();
            }
        } catch (DataException e) {
            if (images.size() == 1) {
                leftOut.put(images.get(0).file().toString(), e.getMessage());
                progress.step();
            } else {
                images.forEach(image -> all.addAll(embedded(List.of(image), recognizer, progress)));
            }
        }
        return all;
    }
}
