package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.examples.DataOptions.Layout;

/** Which layout a data set has, by the names of what lies in its folder; no file is read. */
final class LayoutDetection {
    private static final List<String> CELEBA_FILES = List.of("celebA_anno.txt", "celebA_train_split.txt");
    private static final List<String> RECORDIO_FILES = List.of("train.rec", "train.idx");

    private LayoutDetection() {}

    /**
     * The layouts that fit: one, or several that exclude each other. Annotation files decide for celeba500, whose
     * images lie in a folder too.
     *
     * @throws DataException when none fits, or nothing is there
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
                            + " (--layout folders), celebA_anno.txt (celeba500) or train.rec (recordio), or be a file that the"
                            + " pack command wrote (packed), but "
                            + (passedOver.isEmpty() ? "is empty" : passedOver.instead()));
        }
        return found;
    }

    private static boolean hasOneOf(Path folder, List<String> names) {
        return names.stream().anyMatch(name -> Files.isRegularFile(folder.resolve(name)));
    }

    /** As the command line takes them: {@code folders or recordio}. */
    static String names(List<Layout> layouts) {
        return layouts.stream()
                .map(layout -> layout.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" or "));
    }
}
