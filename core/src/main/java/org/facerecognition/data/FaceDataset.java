package org.facerecognition.data;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.Transform;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * Faces with the identity of each, in a fixed order: an immutable list of {@link Sample}s. Reads nothing but names when
 * made; images are read when they are needed.
 */
public final class FaceDataset {
    /** An image of a known identity. */
    record Labelled(ImageSource image, int label) {}

    private final List<Labelled> images;
    private final List<String> identities;
    private final Split split;
    private final Crop crop;
    private final List<Transform> augmentations;
    private final boolean compose;
    private final List<String> notes;

    private FaceDataset(
            List<Labelled> images,
            List<String> identities,
            Split split,
            Crop crop,
            List<Transform> augmentations,
            boolean compose,
            List<String> notes) {
        this.images = List.copyOf(images);
        this.identities = List.copyOf(identities);
        this.split = split;
        this.crop = crop;
        this.augmentations = List.copyOf(augmentations);
        this.compose = compose;
        this.notes = List.copyOf(notes);
    }

    static FaceDataset of(List<Labelled> images, List<String> identities, Split split, Crop crop) {
        return of(images, identities, split, crop, List.of());
    }

    static FaceDataset of(List<Labelled> images, List<String> identities, Split split, Crop crop, List<String> notes) {
        return new FaceDataset(images, identities, split, crop, List.of(), false, notes);
    }

    /**
     * The CelebA-500 layout: {@code root/celebA_imgs/}, {@code root/celebA_anno.txt} with lines {@code file identity},
     * {@code root/celebA_train_split.txt} with lines {@code file 0|1|2} for train, val and test. Framed by the study's
     * crop; see {@link #withCrop} for the alignment.
     *
     * @throws DataException when a file is missing or a line does not fit
     */
    public static FaceDataset celeba500(Path root, Split split) {
        return CelebaLayout.read(root, split);
    }

    /**
     * Folders {@code root/person/image}: a fifth of each person's images, at least one, is for validation and the rest
     * for training. A person's only image is for training.
     *
     * @throws DataException when the folder is missing or has no images in folders of people
     */
    public static FaceDataset folders(Path root, Split split) {
        return folders(root, split, SplitSettings.DEFAULT);
    }

    /**
     * Folders {@code root/person/image}, split within each person; as {@link #folders(Path, Split, SplitSettings)}.
     *
     * @param valFraction share of each person's images for validation, in [0, 1)
     * @param testFraction share of each person's images for the test, in [0, 1)
     * @param seed of the choice
     * @throws DataException when the folder is missing, or there are no images of that split
     */
    public static FaceDataset folders(Path root, Split split, double valFraction, double testFraction, long seed) {
        return folders(root, split, new SplitSettings(valFraction, testFraction, 1, seed));
    }

    /**
     * Folders {@code root/person/image}, split within each person. The same folder and settings give the same split
     * everywhere; a new image does not move those of other people. Which files are images is decided by {@link
     * ImageFiles}; what is passed over, people without images among it, is counted in {@link #notes}.
     *
     * @throws DataException when the folder is missing, or there are no images of that split: its fraction is 0, or
     *     nobody has enough images
     */
    public static FaceDataset folders(Path root, Split split, SplitSettings settings) {
        return FolderLayout.read(root, split, settings);
    }

    /**
     * A file that {@link PackedFaces} wrote.
     *
     * @throws DataException when it is missing, damaged, or has no images of that split
     */
    public static FaceDataset packed(Path file, Split split) {
        return PackedFaces.read(file, split);
    }

    /**
     * insightface's training sets: {@code folder/train.rec} and {@code folder/train.idx} (MXNet's RecordIO), split
     * within each person as {@link #folders(Path, Split, double, double, long)} does.
     *
     * @throws DataException when a file is missing or damaged, or there are no images of that split
     */
    public static FaceDataset recordIo(Path folder, Split split, double valFraction, double testFraction, long seed) {
        return recordIo(folder, split, new SplitSettings(valFraction, testFraction, 1, seed));
    }

    /**
     * insightface's training sets: {@code folder/train.rec} and {@code folder/train.idx} (MXNet's RecordIO), split
     * within each person as {@link #folders(Path, Split, SplitSettings)} does.
     *
     * @throws DataException when a file is missing or damaged, or there are no images of that split
     */
    public static FaceDataset recordIo(Path folder, Split split, SplitSettings settings) {
        return RecordIoLayout.read(folder, split, settings);
    }

    /**
     * Drawn faces, for demonstrations and tests: identities {@code first..first+count-1}, the images {@code
     * firstImage..firstImage+imagesEach-1} of each.
     */
    public static FaceDataset synthetic(
            SyntheticFaces faces, int first, int count, int firstImage, int imagesEach, Split split) {
        List<Labelled> images = new ArrayList<>();
        List<String> identities = new ArrayList<>();
        for (int identity = first; identity < first + count; identity++) {
            identities.add("synthetic-" + identity);
            for (int index = firstImage; index < firstImage + imagesEach; index++) {
                images.add(new Labelled(new SyntheticImage(faces, identity, index), identity - first));
            }
        }
        return of(images, identities, split, Crop.WHOLE);
    }

    private record SyntheticImage(SyntheticFaces faces, int identity, int index) implements ImageSource {
        @Override
        public String name() {
            return "synthetic-" + identity + "/" + index;
        }

        @Override
        public Mat read() {
            return faces.image(identity, index);
        }

        /** The name determines what is drawn. */
        @Override
        public long contentChecksum() {
            return Checksum.of(faces + name());
        }
    }

    /**
     * Adds, for each augmentation, one separately augmented copy of every image: the data set becomes 1 + n times as
     * large. The study's way.
     *
     * @throws IllegalArgumentException when this is not the training part
     */
    public FaceDataset withAugmentations(List<? extends Transform> augmentations) {
        return withAugmentations(augmentations, false);
    }

    /**
     * Augments.
     *
     * @param augmentations what to do to the images; empty for nothing
     * @param compose false for one separate copy per augmentation beside the original; true for all of them, one after
     *     another, on each image, and no copies
     * @throws IllegalArgumentException when this is not the training part: what a model is measured on stays as it is
     */
    public FaceDataset withAugmentations(List<? extends Transform> augmentations, boolean compose) {
        if (split != Split.TRAIN && !augmentations.isEmpty()) {
            throw new IllegalArgumentException("augmentations must be on the TRAIN split, but this is " + split
                    + ": a model is measured on images as they are");
        }
        return new FaceDataset(images, identities, split, crop, List.copyOf(augmentations), compose, notes);
    }

    /**
     * The same samples, cut out of their images in another way.
     *
     * @throws IllegalArgumentException when the images are packed as they were cut out already
     */
    public FaceDataset withCrop(Crop crop) {
        if (crop != this.crop && images.get(0).image().framedPx() > 0) {
            throw new IllegalArgumentException(
                    "framing must be " + this.crop + ", as these images were packed, but was " + crop);
        }
        return new FaceDataset(images, identities, split, crop, augmentations, compose, notes);
    }

    /**
     * The same samples with the face of each image found by a detector and aligned by its own landmarks, rather than
     * cut out where such faces mostly are. Of several faces it is the most prominent one.
     *
     * @param sizePx side of the result, the model's input
     * @param notFound is told each image in which no face was found; such an image is cut out by the framing of this
     *     data set instead. Called from any thread
     * @return framed {@link Crop#WHOLE}
     */
    public FaceDataset withFacesFound(FaceDetector detector, int sizePx, Consumer<ImageSource> notFound) {
        return cropped(new FaceCropper(crop, sizePx, detector, FaceChoice.MOST_PROMINENT), notFound);
    }

    /**
     * The same samples cut out exactly as a model's {@code embed} does it: decoded at full size, and an image in which
     * no face is found is rejected when it is read. Images that were packed as they are cut out stay as they are where
     * there is no detector.
     *
     * @return framed {@link Crop#WHOLE}
     */
    public FaceDataset cropped(FaceCropper cropper) {
        return cropped(cropper, (CroppedFace.@Nullable Fallback) null);
    }

    /**
     * As {@link #cropped(FaceCropper)}, but an image in which no face is found is cut out by this data set's framing.
     *
     * @param notFound is told each such image; called from any thread
     */
    public FaceDataset cropped(FaceCropper cropper, Consumer<ImageSource> notFound) {
        return cropped(cropper, new CroppedFace.Fallback(crop, notFound));
    }

    private FaceDataset cropped(FaceCropper cropper, CroppedFace.@Nullable Fallback notFound) {
        List<Labelled> crops = images.stream()
                .map(image -> cropper.detector() == null && image.image().framedPx() > 0
                        ? image
                        : new Labelled(new CroppedFace(image.image(), cropper, notFound), image.label()))
                .toList();
        return new FaceDataset(crops, identities, split, Crop.WHOLE, augmentations, compose, notes);
    }

    /**
     * Without the identities that have fewer images in this part; labels close up. The other parts must have the same
     * identities, or their labels mean other people: {@code validation.withIdentities(train.identities())}. To count
     * all parts together, take {@code train.with(validation).withAtLeast(5).identities()} for both, or {@link
     * SplitSettings#withMinImages} when the folder is read.
     *
     * @param images least number, copies by augmentation not counted
     * @throws DataException when no identity has as many
     */
    public FaceDataset withAtLeast(int images) {
        int[] counts = new int[classes()];
        this.images.forEach(image -> counts[image.label()]++);
        List<String> left = IntStream.range(0, classes())
                .filter(label -> counts[label] >= images)
                .mapToObj(identities::get)
                .toList();
        if (left.isEmpty()) {
            throw new DataException("data must have people with at least " + images
                    + " images, but the most that one has is "
                    + Arrays.stream(counts).max().orElse(0) + "; ask for fewer images of each");
        }
        return withIdentities(left);
    }

    /**
     * The images of some identities only, labelled by their place in the list.
     *
     * @throws DataException when none is left
     */
    public FaceDataset withIdentities(List<String> chosen) {
        Map<String, Integer> labels = new HashMap<>();
        chosen.forEach(name -> labels.put(name, labels.size()));
        List<Labelled> left = images.stream()
                .filter(image -> labels.containsKey(identities.get(image.label())))
                .map(image -> new Labelled(image.image(), labels.get(identities.get(image.label()))))
                .toList();
        if (left.isEmpty()) {
            throw new DataException("the " + split + " data must have images of the chosen identities, but has none of "
                    + chosen.size() + "; ask for fewer images of each");
        }
        return new FaceDataset(left, chosen, split, crop, augmentations, compose, notes);
    }

    /**
     * People for training and others for the test of it.
     *
     * @param seen without the unseen ones; labels closed up
     * @param unseen some of the people, with all their images; labels closed up
     */
    public record ByIdentity(FaceDataset seen, FaceDataset unseen) {}

    /**
     * Splits between people: what a model learns on one part says something about people in general when it is measured
     * on the other. The same names, fraction and seed give the same people, in whichever part of the data.
     *
     * @param fraction of the people that go unseen, in (0, 1); at least one, and not all
     * @param seed of the choice
     * @throws IllegalArgumentException when the fraction is out of range
     * @throws DataException when there are fewer than two people, or one of the two parts has no images
     */
    public ByIdentity byIdentity(double fraction, long seed) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new IllegalArgumentException("fraction must be in (0, 1), but was " + fraction);
        }
        if (classes() < 2) {
            throw new DataException("data must have at least 2 people to be split between them, but has " + classes());
        }
        List<String> names = new ArrayList<>(identities);
        Collections.sort(names);
        Collections.shuffle(names, new Random(seed));
        int count = (int) Math.min(classes() - 1L, Math.max(1, Math.round(classes() * fraction)));
        Set<String> unseen = Set.copyOf(names.subList(0, count));
        return new ByIdentity(
                withIdentities(identities.stream()
                        .filter(name -> !unseen.contains(name))
                        .toList()),
                withIdentities(identities.stream().filter(unseen::contains).toList()));
    }

    /**
     * These images and another part's of the same people.
     *
     * @param other of the same identities and framing
     * @return a part of kind {@link Split#TEST}, without augmentation
     * @throws IllegalArgumentException when identities or framing differ
     */
    public FaceDataset with(FaceDataset other) {
        if (!identities.equals(other.identities) || crop != other.crop) {
            throw new IllegalArgumentException(
                    "both parts must be of the same people and framed alike, but were " + this + " and " + other);
        }
        List<Labelled> both = new ArrayList<>(images);
        both.addAll(other.images);
        List<String> all =
                Stream.concat(notes.stream(), other.notes.stream()).distinct().toList();
        return of(both, identities, Split.TEST, crop, all);
    }

    /**
     * At most so many images of each person, the first ones.
     *
     * @param images greatest number, at least 1
     */
    public FaceDataset withAtMost(int images) {
        if (images < 1) {
            throw new IllegalArgumentException("images must be at least 1 of each person, but were " + images);
        }
        int[] counts = new int[classes()];
        List<Labelled> left = this.images.stream()
                .filter(image -> counts[image.label()]++ < images)
                .toList();
        return new FaceDataset(left, identities, split, crop, augmentations, compose, notes);
    }

    /**
     * Without some images; identities and labels stay.
     *
     * @param left numbers of the images to leave out, copies by augmentation not counted
     * @throws DataException when none is left
     */
    public FaceDataset without(Set<Integer> left) {
        List<Labelled> rest = IntStream.range(0, images.size())
                .filter(i -> !left.contains(i))
                .mapToObj(images::get)
                .toList();
        if (rest.isEmpty()) {
            throw new DataException(
                    "the " + split + " data must keep at least one image, but all " + images.size() + " were left out");
        }
        return new FaceDataset(rest, identities, split, crop, augmentations, compose, notes);
    }

    /** Labels that have at least one image. */
    public BitSet labelsShown() {
        BitSet shown = new BitSet(classes());
        images.forEach(image -> shown.set(image.label()));
        return shown;
    }

    /** Of all samples, copies by augmentation included. */
    int[] labels() {
        int[] labels = new int[size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = images.get(pictureOf(i)).label();
        }
        return labels;
    }

    /** The images without copies by augmentation. */
    List<Labelled> images() {
        return images;
    }

    /** Number of images, without copies by augmentation. */
    int pictures() {
        return images.size();
    }

    /** Which image a sample is a copy of. */
    int pictureOf(int sample) {
        return sample % images.size();
    }

    /** Number of samples, copies by augmentation included. */
    public int size() {
        return Math.multiplyExact(images.size(), copies());
    }

    private int copies() {
        return compose ? 1 : 1 + augmentations.size();
    }

    /** Number of identities; labels are below it. */
    public int classes() {
        return identities.size();
    }

    /** Names of the identities, by label. */
    public List<String> identities() {
        return identities;
    }

    /** What is done to the images of a training set; empty for nothing. */
    public List<Transform> augmentations() {
        return augmentations;
    }

    /** Whether all augmentations are done to each image, one after another, rather than each to a copy of its own. */
    public boolean composesAugmentations() {
        return compose;
    }

    /** Which part of the data this is. */
    public Split split() {
        return split;
    }

    /**
     * What a user should know of how these images were found: who was left out or is in training only, and how many
     * files were passed over, one line each. Empty where there is nothing to say.
     */
    public List<String> notes() {
        return notes;
    }

    /** What is cut out of the images. */
    public Crop crop() {
        return crop;
    }

    /**
     * Sample {@code index}: first all originals, then all copies by the first augmentation, and so on.
     *
     * @throws IndexOutOfBoundsException when there is no such sample
     */
    public Sample sample(int index) {
        Labelled image = images.get(pictureOf(index));
        int copy = index / images.size();
        if (copy >= copies()) {
            throw new IndexOutOfBoundsException("sample must be in [0, " + size() + "), but was " + index);
        }
        if (compose) {
            return new Sample(image.image(), image.label(), augmentations);
        }
        return new Sample(image.image(), image.label(), copy == 0 ? List.of() : List.of(augmentations.get(copy - 1)));
    }

    /**
     * A short hash of what this data set holds: names and labels in order, framing and augmentations. Two that differ
     * in it would not train alike.
     */
    public String fingerprint() {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (Labelled image : images) {
                sha.update((image.image().name() + '\t' + image.label() + '\n').getBytes(StandardCharsets.UTF_8));
            }
            sha.update(
                    (identities + " " + crop + " " + augmentations + " " + compose).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * A short hash of the images' sizes and contents, in order: it differs when an image was replaced under the same
     * name, which {@link #fingerprint} does not see. Up to 20,000 images are read whole; of more, all sizes and 20,000
     * evenly spread ones. Packed images are told by the checksums of their pack: a pack has the same hash as what it
     * was made of, unless its images were decoded. An image that cannot be read counts as one that is not there.
     */
    public String contentFingerprint() {
        return ContentFingerprint.of(images);
    }

    @Override
    public String toString() {
        return split + ": " + size() + " samples of " + classes() + " identities, framing " + crop
                + (augmentations.isEmpty() ? "" : (compose ? ", composed " : ", copies by ") + augmentations);
    }
}
