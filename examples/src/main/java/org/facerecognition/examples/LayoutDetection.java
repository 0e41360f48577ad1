package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.examples.DataOptions.Layout;

/** Detects which layout a data set has, by the names of the files in its folder; reads no file. */
final class LayoutDetection {
    private static final List<String> CELEBA_FILES = List.of("celebA_anno.txt", "celebA_train_split.txt");
    private static final List<String> RECORDIO_FILES = List.of("train.rec", "train.idx");
    private static final List<String> LISTS =
            List.of("celebA_anno_query.csv", "pairs.txt", "pairsDevTest.txt", "pairsDevTrain.txt", "pairs.tsv");

    private LayoutDetection() {}

    /**
     * Returns the layouts that fit: one, or several of which the user has to choose. A folder with CelebA's annotation
     * files is celeba500 and not also folders, although its images are in a folder.
     *
     * @throws DataException when no layout fits, or the folder does not exist
     */
    static List<Layout> of(Path data) {
        if (Files.isRegularFile(data)) {
            return List.of(Layout.PACKED);
        }
        if (!Files.isDirectory(data)) {
            throw new DataException("data folder " + data.toAbsolutePath() + " does not exist");
        }
        List<Layout> found = new ArrayList<>();
        boolean celeba = hasOneOf(data, CELEBA_FILES);
        if (celeba) {
            found.add(Layout.CELEBA500);
        }
        if (hasOneOf(data, RECORDIO_FILES)) {
            found.add(Layout.RECORDIO);
        }
        PassedOver passedOver = new PassedOver();
        ImageFiles.Listing inside = ImageFiles.list(data, passedOver);
        if (!celeba && !inside.folders().isEmpty()) {
            found.add(Layout.FOLDERS);
        }
        if (found.isEmpty()) {
            passedOver.addLooseImages(inside.images().size());
            throw new DataException(
                    "data folder " + data.toAbsolutePath() + " must have one folder of images per person"
                            + " (--layout folders), celebA_anno.txt (celeba500) or train.rec (recordio), or be a file"
                            + " that the pack command wrote (packed), but "
                            + (passedOver.isEmpty() ? "is empty" : passedOver.instead()));
        }
        return found;
    }

    /** Returns the files beside the images that a data set is read from; not all exist. */
    static Path[] files(Path data) {
        return Stream.of(CELEBA_FILES, RECORDIO_FILES, LISTS)
                .flatMap(List::stream)
                .map(data::resolve)
                .toArray(Path[]::new);
    }

    private static boolean hasOneOf(Path folder, List<String> names) {
        return names.stream().anyMatch(name -> Files.isRegularFile(folder.resolve(name)));
    }

    /** Returns the names of layouts in the form in which the command line takes them: {@code folders or recordio}. */
    static String names(List<Layout> layouts) {
        return layouts.stream()
                .map(layout -> layout.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" or "));
    }
}
