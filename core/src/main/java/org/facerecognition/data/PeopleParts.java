package org.facerecognition.data;

import static org.facerecognition.data.PassedOver.count;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Collects one part of a data set person by person, and counts people who are left out or have few images. */
final class PeopleParts {
    private final SplitSettings settings;
    private final Split split;
    private final Chosen chosen;
    private final List<String> identities = new ArrayList<>();
    private int empty;
    private int belowMin;
    private int maxImages;
    private int inTrainingOnly;
    private int withoutTest;

    /** The images of the part, of which there may be tens of millions. */
    interface Chosen {
        void add(ImageSource image, int label);

        List<LabeledImage> images();
    }

    PeopleParts(SplitSettings settings, Split split, Chosen chosen) {
        this.settings = settings;
        this.split = split;
        this.chosen = chosen;
    }

    /** @param person a number that makes the choice of images different for each person */
    void add(String name, int person, List<? extends ImageSource> images) {
        maxImages = Math.max(maxImages, images.size());
        if (images.isEmpty()) {
            empty++;
            return;
        }
        if (images.size() < settings.minImages()) {
            belowMin++;
            return;
        }
        if (settings.missesAPart(images.size())) {
            if (images.size() == 1) {
                inTrainingOnly++;
            } else {
                withoutTest++;
            }
        }
        settings.part(images, person, split).forEach(image -> chosen.add(image, identities.size()));
        identities.add(name);
    }

    /** Returns the number of people who had no images at all. */
    int empty() {
        return empty;
    }

    /**
     * Returns the part as a data set.
     *
     * @param where the source in messages, such as {@code data folder x}
     * @param passedOver is reported in the notes
     * @throws DataException when no part has images
     * @throws NoImagesException when this part has none
     */
    FaceDataset dataset(String where, PassedOver passedOver) {
        List<LabeledImage> images = chosen.images();
        if (images.isEmpty()) {
            String message = where + " must have " + why(passedOver);
            throw identities.isEmpty() ? new DataException(message) : new NoImagesException(message);
        }
        List<String> notes = new ArrayList<>();
        String people = people();
        if (!people.isEmpty()) {
            notes.add(people);
        }
        List<PersonNames.Alike> alike = PersonNames.alike(identities);
        if (!alike.isEmpty()) {
            int others = alike.size() - 1;
            notes.add(alike.get(0) + (others == 0 ? "" : ", and " + count(others, "other name", "other names") + ",")
                    + " differ only in case, spaces or Unicode form, but count as different people; if they are one"
                    + " person, put the images into one folder");
        }
        notes.addAll(passedOver.problemNotes());
        passedOver.note().ifPresent(notes::add);
        return FaceDataset.of(images, identities, split, Crop.WHOLE, notes);
    }

    private String why(PassedOver passedOver) {
        if (identities.isEmpty() && belowMin > 0) {
            return "people with at least " + settings.minImages() + " images, but the most that one has is " + maxImages
                    + "; ask for fewer images of each";
        }
        if (identities.isEmpty()) {
            return "images in the folders of its people, but " + passedOver.instead();
        }
        if (settings.fraction(split) == 0) {
            return "images of split " + split + ", but its fraction is 0";
        }
        return "images of split " + split
                + ", but no person has enough: images are for training first, then for validation,"
                + " then for the test; add images or set the fraction to 0";
    }

    /** Returns one line on the people who were left out and those who are not in every part. */
    private String people() {
        List<String> excluded = new ArrayList<>();
        if (empty > 0) {
            excluded.add(count(empty, "person", "people") + " without images");
        }
        if (belowMin > 0) {
            excluded.add(count(belowMin, "person", "people") + " with fewer than "
                    + count(settings.minImages(), "image", "images"));
        }
        List<String> all = new ArrayList<>();
        if (!excluded.isEmpty()) {
            all.add("left out: " + String.join(", ", excluded));
        }
        if (inTrainingOnly > 0) {
            all.add(
                    inTrainingOnly == 1
                            ? "1 person has one image, which is in training"
                            : String.format(
                                    Locale.ROOT, "%,d people have one image, which is in training", inTrainingOnly));
        }
        if (withoutTest > 0) {
            all.add(count(withoutTest, "person has", "people have")
                    + " two images, which are in training and validation");
        }
        return String.join("; ", all);
    }
}
