package org.facerecognition.data;

import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.Transform;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * An immutable list of {@link Sample}s in a fixed order: images of faces with the identity of each. A factory reads
 * only the names of the images; the images themselves are read when they are needed.
 *
 * Long because each way to find, select, crop and augment samples is a method.
 */
public final class FaceDataset {
    private final List<LabeledImage> images;
    private final List<String> identities;
    private final Split split;
    private final Crop crop;
    private final List<Transform> augmentations;
    private final boolean compose;
    private final List<String> notes;

    private FaceDataset(
            List<LabeledImage> images,
            List<String> identities,
            Split split,
            Crop crop,
            List<Transform> augmentations,
            boolean compose,
            List<String> notes) {
        this.images = ImageList.immutable(images);
        this.identities = List.copyOf(identities);
        this.split = split;
        this.crop = crop;
        this.augmentations = List.copyOf(augmentations);
        this.compose = compose;
        this.notes = List.copyOf(notes);
    }

    static FaceDataset of(List<LabeledImage> images, List<String> identities, Split split, Crop crop) {
        return of(images, identities, split, crop, List.of());
    }

    static FaceDataset of(
            List<LabeledImage> images, List<String> identities, Split split, Crop crop, List<String> notes) {
        return new FaceDataset(images, identities, split, crop, List.of(), false, notes);
    }

    private FaceDataset withImages(List<LabeledImage> others) {
        return new FaceDataset(others, identities, split, crop, augmentations, compose, notes);
    }

    /**
     * Lists a data set in the CelebA-500 layout: {@code root/celebA_imgs/}, {@code root/celebA_anno.txt} with lines
     * {@code file identity}, and {@code root/celebA_train_split.txt} with lines {@code file 0|1|2} for train, val and
     * test. The crop is {@link Crop#CELEBA_CROP}, the study's; see {@link #withCrop} for the alignment.
     *
     * @throws DataException when a file is missing or a line is malformed
     * @throws NoImagesException when there are no images of that split
     */
    public static FaceDataset celeba500(Path root, Split split) {
        return CelebaLayout.read(root, split);
    }

    /**
     * Lists folders {@code root/person/image}: a fifth of each person's images, at least one, is for validation and the
     * rest for training. A person's only image is for training.
     *
     * @throws DataException when the folder is missing or has no images in folders of people
     */
    public static FaceDataset folders(Path root, Split split) {
        return folders(root, split, SplitSettings.DEFAULT);
    }

    /**
     * Lists folders {@code root/person/image}, split within each person; see {@link #folders(Path, Split,
     * SplitSettings)}.
     *
     * @param valFraction fraction of each person's images for validation, in [0, 1)
     * @param testFraction fraction of each person's images for the test, in [0, 1)
     * @param seed determines which images go to which part
     * @throws DataException when the folder is missing or has no images in folders of people
     * @throws NoImagesException when there are no images of that split
     */
    public static FaceDataset folders(Path root, Split split, double valFraction, double testFraction, long seed) {
        return folders(root, split, new SplitSettings(valFraction, testFraction, 1, seed));
    }

    /**
     * Lists folders {@code root/person/image}, split within each person. The same folder and settings give the same
     * split everywhere, and a new image does not move the images of other people. {@link ImageFiles} decides which
     * files are images; {@link #notes} counts everything that was passed over, including people without images.
     *
     * @throws DataException when the folder is missing or has no images in folders of people
     * @throws NoImagesException when there are no images of that split: its fraction is 0, or no person has enough
     *     images
     */
    public static FaceDataset folders(Path root, Split split, SplitSettings settings) {
        return FolderLayout.read(root, split, settings);
    }

    /**
     * Opens a file that {@link PackedFaces} wrote.
     *
     * @throws DataException when the file is missing or damaged
     * @throws NoImagesException when it has no images of that split
     */
    public static FaceDataset packed(Path file, Split split) {
        return PackedFaces.read(file, split);
    }

    /** Opens one of insightface's training sets; see {@link #recordIo(Path, Split, SplitSettings)}. */
    public static FaceDataset recordIo(Path folder, Split split, double valFraction, double testFraction, long seed) {
        return recordIo(folder, split, new SplitSettings(valFraction, testFraction, 1, seed));
    }

    /**
     * Opens one of insightface's training sets, {@code folder/train.rec} and {@code folder/train.idx} (MXNet's
     * RecordIO), split within each person as by {@link #folders(Path, Split, SplitSettings)}.
     *
     * @throws DataException when a file is missing or damaged, or the index is not that of the records
     * @throws NoImagesException when there are no images of that split
     */
    public static FaceDataset recordIo(Path folder, Split split, SplitSettings settings) {
        return RecordIoLayout.read(folder, split, settings);
    }

    /**
     * Lists synthetic faces for demonstrations and tests: {@code synthetic(faces.identities(0, 6).images(0, 8), TRAIN)}
     * has the first 8 images of each of the first 6 people.
     */
    public static FaceDataset synthetic(SyntheticFaces.Selection selection, Split split) {
        return SyntheticLayout.read(selection, split);
    }

    /**
     * Adds one separately augmented copy of every image per augmentation, as the study does: 1 + n times as many
     * samples.
     *
     * @throws IllegalArgumentException when this is not the training part
     */
    public FaceDataset withAugmentations(List<? extends Transform> augmentations) {
        return withAugmentations(augmentations, false);
    }

    /**
     * Returns the same images with augmentations.
     *
     * @param augmentations transforms of the images; empty for none
     * @param compose false to add one separate copy per augmentation to the original; true to apply all of them, one
     *     after another, to each image without adding copies
     * @throws IllegalArgumentException when this is not the training part: models are evaluated on unmodified images
     */
    public FaceDataset withAugmentations(List<? extends Transform> augmentations, boolean compose) {
        if (split != Split.TRAIN && !augmentations.isEmpty()) {
            throw new IllegalArgumentException("augmentations must be on the TRAIN split, but this is " + split
                    + ": models are evaluated on unmodified images");
        }
        return new FaceDataset(images, identities, split, crop, List.copyOf(augmentations), compose, notes);
    }

    /**
     * Returns the same samples with another crop.
     *
     * @throws IllegalArgumentException when the images were packed after they had been cropped
     */
    public FaceDataset withCrop(Crop crop) {
        if (crop != this.crop
                && images.stream().anyMatch(image -> image.image().croppedPx() > 0)) { // some, after a union
            throw new IllegalArgumentException(
                    "crop must be " + this.crop + ", since these images are cropped already, but was " + crop);
        }
        return new FaceDataset(images, identities, split, crop, augmentations, compose, notes);
    }

    /**
     * Returns the same samples with the face of each image found by a detector and aligned by its own landmarks,
     * instead of a crop at a fixed place. Of several faces the most prominent one is used.
     *
     * @param detector borrowed; must stay open while samples are read
     * @param sizePx side of the result, the model's input
     * @param notFound receives each image in which no face was found that can be embedded; such an image gets the
     *     crop of this data set instead. Called from any thread
     * @return a data set whose crop is {@link Crop#WHOLE}, or {@link Crop#WIDE} as before
     */
    public FaceDataset withFacesFound(FaceDetector detector, int sizePx, Consumer<ImageSource> notFound) {
        return cropped(new FaceCropper(crop, sizePx, detector, FaceChoice.MOST_PROMINENT), notFound);
    }

    /**
     * Returns the same samples, cropped exactly as a model's {@code embed} does it: images are decoded at full size,
     * and an image in which no face is found is rejected when it is read. Without a detector, images that were packed
     * after they had been cropped stay unchanged.
     *
     * @return a data set whose crop is {@link Crop#WHOLE}, or {@link Crop#WIDE} as before
     */
    public FaceDataset cropped(FaceCropper cropper) {
        return cropped(cropper, (CroppedFace.@Nullable Fallback) null);
    }

    /**
     * Returns the same samples as {@link #cropped(FaceCropper)}, except that an image without a face that can be
     * embedded gets the crop of this data set.
     *
     * @param notFound receives each such image; called from any thread
     */
    public FaceDataset cropped(FaceCropper cropper, Consumer<ImageSource> notFound) {
        return cropped(cropper, new CroppedFace.Fallback(crop, notFound));
    }

    private FaceDataset cropped(FaceCropper cropper, CroppedFace.@Nullable Fallback notFound) {
        List<LabeledImage> crops = CroppedFace.of(images, cropper, notFound);
        Crop framed = cropper.crop() == Crop.WIDE ? Crop.WIDE : Crop.WHOLE;
        return new FaceDataset(crops, identities, split, framed, augmentations, compose, notes);
    }

    /**
     * Returns the images of identities with enough images in this part; labels are renumbered without gaps. The other
     * parts must keep the same identities, or their labels mean other people: {@code
     * validation.withIdentities(train.identities())}. To count all parts together, take {@code
     * train.with(validation).withAtLeast(5).identities()} for both, or {@link SplitSettings#withMinImages} when the
     * folder is read.
     *
     * @param images minimum number of images, not counting copies by augmentation
     * @throws DataException when no identity has as many
     */
    public FaceDataset withAtLeast(int images) {
        return withIdentities(FaceSubsets.identitiesWithAtLeast(this, images));
    }

    /**
     * Returns the images of some identities only, labeled by their place in the list.
     *
     * @throws NoImagesException when no image is left
     */
    public FaceDataset withIdentities(List<String> chosen) {
        return new FaceDataset(
                FaceSubsets.ofIdentities(this, chosen), chosen, split, crop, augmentations, compose, notes);
    }

    /**
     * A split between people; the labels of each part are renumbered without gaps.
     *
     * @param seen the people to train on
     * @param unseen other people, with all their images, to evaluate on
     */
    public record ByIdentity(FaceDataset seen, FaceDataset unseen) {}

    /**
     * Splits between people: a model that is trained on one part and evaluated on the other shows how well it
     * generalizes to new people. The same names, fraction and seed give the same people in every part of the data.
     *
     * @param fraction fraction of the people that stay unseen, in (0, 1); at least one person, and not all
     * @param seed determines which people
     * @throws IllegalArgumentException when the fraction is out of range
     * @throws DataException when there are fewer than two people, or one of the two parts has no images
     */
    public ByIdentity byIdentity(double fraction, long seed) {
        return FaceSubsets.byIdentity(this, fraction, seed);
    }

    /**
     * Returns these images and those of another part of the same people.
     *
     * @param other has the same identities and crop
     * @return a part of kind {@link Split#TEST}, without augmentation
     * @throws IllegalArgumentException when identities or crop differ
     */
    public FaceDataset with(FaceDataset other) {
        return FaceSubsets.union(this, other);
    }

    /**
     * Returns the first images of each person.
     *
     * @param images maximum number of images per person, at least 1
     */
    public FaceDataset withAtMost(int images) {
        return withImages(FaceSubsets.withAtMost(this, images));
    }

    /**
     * Returns a data set without some images; identities and labels stay.
     *
     * @param excluded numbers of the images to leave out, not counting copies by augmentation
     * @throws NoImagesException when no image is left
     */
    public FaceDataset without(Set<Integer> excluded) {
        return withImages(FaceSubsets.without(this, excluded));
    }

    /**
     * Reads the image of a sample and crops it as training does, without its augmentations.
     *
     * @param sizePx side of the network's input
     * @return RGB, CV_8UC3, sizePx x sizePx; owned
     * @throws DataException when the image cannot be used
     * @throws IllegalArgumentException when the images are cropped already, to another size
     */
    public Mat readCropped(int index, int sizePx) {
        ImageSource image = sample(index).image();
        SampleReader.requireSize(image, sizePx);
        return SampleReader.cropped(image, crop, sizePx);
    }

    /** Returns the labels that have at least one image. */
    public BitSet labelsShown() {
        BitSet shown = new BitSet(classes());
        images.forEach(image -> shown.set(image.label()));
        return shown;
    }

    /** Returns the labels of all samples, including copies by augmentation. */
    int[] labels() {
        return IntStream.range(0, size())
                .map(sample -> images.get(imageOf(sample)).label())
                .toArray();
    }

    /** Returns the images, without copies by augmentation. */
    List<LabeledImage> images() {
        return images;
    }

    /** Returns the number of the image that a sample is a copy of. */
    int imageOf(int sample) {
        return sample % images.size();
    }

    /** Returns the number of samples, including copies by augmentation. */
    public int size() {
        return Math.multiplyExact(images.size(), copies());
    }

    private int copies() {
        return compose ? 1 : 1 + augmentations.size();
    }

    /** Returns the number of identities; all labels are below it. */
    public int classes() {
        return identities.size();
    }

    /** Returns the names of the identities, by label. */
    public List<String> identities() {
        return identities;
    }

    /** Returns the augmentations of a training set; empty for none. */
    public List<Transform> augmentations() {
        return augmentations;
    }

    /** Returns whether all augmentations apply to each image, one after another, rather than each to a copy. */
    public boolean composesAugmentations() {
        return compose;
    }

    /** Returns which part of the data this is. */
    public Split split() {
        return split;
    }

    /**
     * Returns remarks for the user on how these images were found, one line each: who was left out or is in training
     * only, and how many files were passed over. Empty when there is nothing to remark.
     */
    public List<String> notes() {
        return notes;
    }

    /** Returns how the face is cut out of the images. */
    public Crop crop() {
        return crop;
    }

    /**
     * Returns sample {@code index}: first come all originals, then all copies by the first augmentation, and so on.
     *
     * @throws IndexOutOfBoundsException when there is no such sample
     */
    public Sample sample(int index) {
        LabeledImage image = images.get(imageOf(index));
        int copy = index / images.size();
        if (copy >= copies()) {
            throw new IndexOutOfBoundsException("sample must be in [0, " + size() + "), but was " + index);
        }
        List<Transform> own = copy == 0 ? List.of() : List.of(augmentations.get(copy - 1));
        return new Sample(image.image(), image.label(), compose ? augmentations : own);
    }

    /**
     * Returns a short hash of the names and labels in order, the crop and the augmentations. Data sets with different
     * hashes give different training runs.
     */
    public String fingerprint() {
        return DatasetFingerprint.ofNames(this);
    }

    /**
     * Returns the {@link #fingerprint} that earlier versions gave, by which their checkpoints know the data: it differs
     * for {@link #recordIo} and for faces to verify of {@code .bin} files, whose names had the file's folder.
     */
    public String formerFingerprint() {
        return DatasetFingerprint.ofNames(this, NamedByFolder::formerName);
    }

    /**
     * Returns a short hash of the images' sizes and contents, in order: it differs when an image was replaced under the
     * same name, which {@link #fingerprint} does not detect. Up to 20,000 images are read completely; of larger data
     * sets, all sizes and 20,000 evenly spaced images. The contents of packed images are their checksums in the pack,
     * so a pack has the same hash as the images it was made of, unless they were decoded, or came from
     * {@link #recordIo}, whose sizes are not read. An image that cannot be read counts as absent.
     */
    public String contentFingerprint() {
        return DatasetFingerprint.ofContents(images);
    }

    @Override
    public String toString() {
        return split + ": " + size() + " samples of " + classes() + " identities, crop " + crop
                + (augmentations.isEmpty() ? "" : (compose ? ", composed " : ", copies by ") + augmentations);
    }
}
