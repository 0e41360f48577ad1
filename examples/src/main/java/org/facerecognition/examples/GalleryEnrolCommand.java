package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.gallery.Enrolment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery enrol}: pictures of people go into the gallery. */
@Command(
        name = "enrol",
        description =
                "Enrol pictures: of one person by name, or with --folder of many. Those that are in the gallery already"
                        + " are passed over, so that a folder can be enrolled again after pictures were added.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryEnrolCommand implements Callable<Integer> {
    private static final int AT_A_TIME = 32; // as many as are embedded together, and then on the disk

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "NAME IMAGE",
            description = "A name and pictures of that person: the largest face of each with --detector.")
    private List<String> words = List.of();

    @Mixin
    private GalleryCommand.FileOption gallery = new GalleryCommand.FileOption();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Option(names = "--folder", paramLabel = "DIR", description = "Enrol all pictures below: one folder per person.")
    private @Nullable Path folder;

    @Option(names = "--no-flip", description = "Embed each picture as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    /** A picture of somebody. */
    private record Picture(String name, Path file) {}

    private final Map<String, String> leftOut = new LinkedHashMap<>();

    @Override
    public Integer call() throws IOException {
        List<Picture> pictures = folder == null ? named() : inFolder(folder);
        PrintWriter err = spec.commandLine().getErr();
        Optional<FaceDetector> finder = detector.open(err);
        int enrolled;
        int known;
        int total;
        try (Recognizer recognizer = model.load();
                Gallery open = gallery.open(recognizer)) {
            finder.ifPresent(recognizer::useDetector);
            recognizer.useFlip(!noFlip);
            List<Picture> fresh = withoutKnown(pictures, open);
            known = pictures.size() - fresh.size();
            enrolled = enrol(fresh, recognizer, open);
            total = open.size();
        } finally {
            finder.ifPresent(FaceDetector::close);
        }
        leftOut.forEach((file, why) -> err.println("left out: " + why));
        err.printf(
                "enrolled %d, already there %d, left out %d; %s has %d%n",
                enrolled, known, leftOut.size(), gallery.file(), total);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("enrolled", enrolled);
            result.put("already_there", known);
            result.put("left_out", leftOut);
            result.put("entries", total);
            spec.commandLine().getOut().println(Json.line(result));
        }
        return leftOut.isEmpty() ? 0 : Main.FAILED;
    }

    private List<Picture> named() {
        if (words.size() < 2) {
            throw new IllegalArgumentException(
                    "a name and pictures must be given, or --folder with a folder per person");
        }
        String name = words.get(0);
        return words.stream()
                .skip(1)
                .map(file -> new Picture(name, Path.of(file)))
                .toList();
    }

    private List<Picture> inFolder(Path root) {
        if (!words.isEmpty()) {
            throw new IllegalArgumentException("--folder must stand alone, but " + words + " was given beside it");
        }
        List<Picture> all = new ArrayList<>();
        PassedOver passedOver = new PassedOver();
        ImageFiles.Listing people = ImageFiles.list(root, passedOver);
        passedOver.addLooseImages(people.images().size());
        int empty = 0;
        for (Path person : ImageFiles.withReadableNames(people.folders(), passedOver)) {
            List<Path> images = ImageFiles.withReadableNames(ImageFiles.below(person, passedOver), passedOver);
            empty += images.isEmpty() ? 1 : 0;
            images.forEach(image -> all.add(new Picture(person.getFileName().toString(), image)));
        }
        if (all.isEmpty()) {
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

    private static List<Picture> withoutKnown(List<Picture> pictures, Gallery gallery) {
        Set<String> known = new HashSet<>();
        for (Entry entry : gallery.entries()) {
            known.add(entry.note());
        }
        return pictures.stream()
                .filter(picture -> !known.contains(note(picture)))
                .toList();
    }

    private static String note(Picture picture) {
        return picture.file().toAbsolutePath().normalize().toString();
    }

    private int enrol(List<Picture> pictures, Recognizer recognizer, Gallery gallery) {
        int enrolled = 0;
        try (ImagesProgress progress = new ImagesProgress("enrolling", pictures.size())) {
            for (int from = 0; from < pictures.size(); from += AT_A_TIME) {
                List<Enrolment> some = embedded(
                        pictures.subList(from, Math.min(pictures.size(), from + AT_A_TIME)), recognizer, progress);
                gallery.enrol(some);
                enrolled += some.size();
            }
        }
        return enrolled;
    }

    /** Together, and where one cannot be used, one after the other. */
    private List<Enrolment> embedded(List<Picture> pictures, Recognizer recognizer, ImagesProgress progress) {
        List<Enrolment> all = new ArrayList<>();
        try {
            List<float[]> embeddings =
                    recognizer.embed(pictures.stream().map(Picture::file).toList());
            for (int i = 0; i < pictures.size(); i++) {
                all.add(new Enrolment(pictures.get(i).name(), embeddings.get(i), note(pictures.get(i))));
                progress.step();
            }
        } catch (DataException e) {
            if (pictures.size() == 1) {
                leftOut.put(pictures.get(0).file().toString(), e.getMessage());
                progress.step();
            } else {
                pictures.forEach(picture -> all.addAll(embedded(List.of(picture), recognizer, progress)));
            }
        }
        return all;
    }
}
