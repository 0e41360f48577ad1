package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.PassedOver;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.gallery.UniqueIn;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery enroll}: adds images of people to a gallery. */
@Command(
        name = "enroll",
        description = {
            "Enroll images of one person by name, or of many people with --folder.",
            "Images that are already in the gallery under the same name are skipped, so that a folder can be enrolled"
                    + " again after images were added. The exit code is 1 if an image or a folder cannot be used, or an"
                    + " image is in the gallery under another name."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class GalleryEnrollCommand implements Callable<Integer> {
    private static final int BATCH = 32; // images that are embedded together and then written to the disk
    private static final int MAX_LISTED = 20; // files that were skipped

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "NAME IMAGE",
            description =
                    "A name, and images or folders of images of that person. With --detector, the face that --face"
                            + " chooses is used.")
    private List<String> words = List.of();

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Enroll all images below this folder, which has one folder per person.")
    @HelpSection(Heading.GALLERY)
    private @Nullable Path folder;

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    private final Map<String, String> leftOut = new LinkedHashMap<>(); // key: file
    private int enrolled;

    @Override
    public Integer call() throws IOException {
        List<EnrollmentPlan.NamedImage> images = folder == null ? named() : inFolder(folder);
        PrintWriter err = spec.commandLine().getErr();
        Optional<FaceDetector> faceDetector = detector.open(err);
        EnrollmentPlan plan;
        int total;
        String where;
        try (GalleryPlace place = gallery.place();
                LoadedEmbedder loaded = model.loadToEmbed(faceDetector.orElse(null), face.choice(), !noFlip);
                Gallery open = place.open(
                        loaded.embedder().fingerprint(), loaded.embedder().embeddingSize());
                GalleryPlace.Unused unused = place.unused(open)) {
            place.eraseOtherThumbnails(open);
            where = place.toString();
            if (open.size() > 0) { // a new one is bound when there is something to enroll
                open.bindEmbeddingMode(loaded.embedder().embeddingMode().toString());
            }
            plan = new EnrollmentPlan(open);
            plan.add(images);
            leftOut.putAll(plan.leftOut());
            int before = open.size();
            try {
                enroll(plan, loaded.embedder(), open);
            } catch (GalleryException e) { // earlier batches stay; the gallery may not answer any more
                report(plan, where, before + enrolled, "; run this again to enroll the others");
                throw e;
            }
            plan.settleRepeated(leftOut);
            total = open.size();
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        report(plan, where, total, "");
        return leftOut.isEmpty() ? 0 : Main.FAILED;
    }

    private void report(EnrollmentPlan plan, String where, int total, String end) {
        PrintWriter err = spec.commandLine().getErr();
        List<String> alreadyThere = plan.alreadyThere();
        alreadyThere.stream().limit(MAX_LISTED).forEach(file -> err.println("already there: " + file));
        if (alreadyThere.size() > MAX_LISTED) {
            err.println("already there: and " + (alreadyThere.size() - MAX_LISTED) + " more");
        }
        plan.notes().forEach(note -> err.println("note: " + note));
        leftOut.forEach((file, why) -> err.println("left out: " + why));
        err.printf(
                "enrolled %d, already there %d, left out %d; %s has %d%s%n",
                enrolled, alreadyThere.size(), leftOut.size(), where, total, end);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("enrolled", enrolled);
            result.put("already_there", alreadyThere.size());
            result.put("left_out", leftOut);
            result.put("entries", total);
            result.put("passed_over", alreadyThere);
            Json.print(spec.commandLine().getOut(), result);
        }
    }

    private List<EnrollmentPlan.NamedImage> named() {
        if (words.size() < 2) {
            throw new IllegalArgumentException(
                    "a name and images must be given, or --folder with one folder per person");
        }
        requireNoImage(words.get(0));
        String name = Arguments.name(words.get(0));
        List<Path> places = words.stream().skip(1).map(PathConverter::path).toList();
        ImageFileNames.Given given = ImageFileNames.of(places);
        places.stream().filter(place -> Files.isDirectory(place)).forEach(place -> requireFlat(place, name));
        leftOut.putAll(given.leftOut()); // and reported with what else is left out
        given.notes().stream()
                .filter(note -> !given.leftOut().containsValue(note))
                .forEach(spec.commandLine().getErr()::println);
        return given.paths().stream()
                .map(file -> new EnrollmentPlan.NamedImage(name, file))
                .toList();
    }

    /** Rejects a folder of folders: these are of several people, as a rule, and would all get one name. */
    private static void requireFlat(Path place, String name) {
        PassedOver unread = new PassedOver();
        for (Path folder : ImageFiles.list(place, unread).folders()) {
            if (!ImageFiles.below(folder, unread).isEmpty()) {
                throw new IllegalArgumentException("folder " + place + " must have images of " + name
                        + " in it, but has folders of images: --folder " + place
                        + " enrolls each of them as a person; if all are " + name + "'s, name each, as " + folder);
            }
        }
    }

    /** Rejects an image in the place of the name, as where a pattern of files comes first. */
    private static void requireNoImage(String name) {
        ImageFiles.Kind kind = ImageFiles.kindOf(name);
        if ((kind == ImageFiles.Kind.IMAGE || kind == ImageFiles.Kind.UNREADABLE_IMAGE) && exists(name)) {
            throw new IllegalArgumentException("the first word must be the person's name, but " + name
                    + " is an image; give the name before the" + " images");
        }
    }

    private static boolean exists(String file) {
        try {
            return Files.exists(Path.of(file));
        } catch (InvalidPathException e) { // such as a name with a colon on Windows
            return false;
        }
    }

    private List<EnrollmentPlan.NamedImage> inFolder(Path root) {
        if (!words.isEmpty()) {
            throw new IllegalArgumentException(
                    "--folder must be given without names and images, but was given with " + words);
        }
        List<EnrollmentPlan.NamedImage> all = new ArrayList<>();
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
                images.forEach(image -> all.add(new EnrollmentPlan.NamedImage(checked, image)));
            } catch (IllegalArgumentException e) {
                leftOut.put(person.toString(), "folder " + GalleryCommand.printable(name) + ": " + e.getMessage());
            }
        }
        leftOut.putAll(passedOver.problems());
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

    private void enroll(EnrollmentPlan plan, FaceEmbedder embedder, Gallery gallery) {
        List<EnrollmentPlan.Image> images = plan.newImages();
        Map<EnrollmentPlan.Image, Enrollment> some = new LinkedHashMap<>();
        Stream<ImageSource> sources = images.stream().map(image -> ImageSource.of(image.file()));
        PrintWriter err = spec.commandLine().getErr();
        try (ImagesProgress progress = new ImagesProgress(err, "enrolling", images.size());
                Stream<EmbeddedImage> results = embedder.embedEach(sources)) {
            Iterator<EmbeddedImage> next = results.iterator();
            for (EnrollmentPlan.Image image : images) {
                EmbeddedImage result = next.next();
                String file = image.file().toString();
                if (result.problem().isPresent()) {
                    leftOut.put(file, result.problem().get().getMessage());
                } else if (image.hasChanged()) {
                    leftOut.put(file, file + " changed while it was read; enroll it again");
                } else {
                    float[] embedding = result.embedding().orElseThrow();
                    some.put(image, new Enrollment(image.name(), embedding, image.note(), image.contentKey()));
                }
                if (some.size() == BATCH) {
                    enrolled += store(some, plan, embedder, gallery);
                    some.clear();
                }
                progress.step();
            }
            enrolled += store(some, plan, embedder, gallery);
        }
    }

    private int store(
            Map<EnrollmentPlan.Image, Enrollment> some, EnrollmentPlan plan, FaceEmbedder embedder, Gallery gallery) {
        if (!some.isEmpty()) {
            gallery.bindEmbeddingMode(embedder.embeddingMode().toString());
        }
        long[] ids = gallery.enrollNewImages(List.copyOf(some.values()), UniqueIn.GALLERY);
        int added = 0;
        int next = 0;
        for (EnrollmentPlan.Image image : some.keySet()) {
            if (ids[next++] != 0) {
                added++;
            } else {
                plan.settleEnrolledMeanwhile(image)
                        .ifPresent(reason -> leftOut.put(image.file().toString(), reason));
            }
        }
        return added;
    }
}
