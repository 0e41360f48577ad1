package org.facerecognition.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The faces of an open-set identification benchmark.
 *
 * @param queries several faces of each of some people
 * @param distractors faces of other people; labels only number them
 */
public record OpenSetFaces(FaceDataset queries, FaceDataset distractors) {
    private static final String ANNOTATIONS = "celebA_anno_query.csv";
    private static final String QUERIES = "celebA_query";
    private static final String DISTRACTORS = "celebA_distractors";

    /**
     * Lists the CelebA identification benchmark: {@code root/celebA_query/}, {@code root/celebA_distractors/} and
     * {@code root/celebA_anno_query.csv} with lines {@code image,identity} below a header line. The images are crops of
     * 83x100.
     *
     * @throws DataException when a file or folder is missing or a line is malformed
     */
    public static OpenSetFaces celebaIr(Path root, Crop crop) {
        Path file = root.resolve(ANNOTATIONS);
        Path images = root.resolve(QUERIES);
        if (!Files.exists(file)) {
            throw new DataException("data file " + file + " does not exist: give the folder that holds " + ANNOTATIONS
                    + ", " + QUERIES + " and " + DISTRACTORS);
        }
        List<String> lines = TextLines.read(file, "data file");
        Map<String, Integer> labels = new LinkedHashMap<>();
        List<LabeledImage> queries = new ArrayList<>();
        for (int i = 1; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            String[] parts = lines.get(i).strip().split(",");
            if (parts.length != 2 || !Files.exists(images.resolve(parts[0]))) {
                throw new DataException(
                        file + ", line " + (i + 1) + " must be \"image,identity\" with an image that is in " + images
                                + ", but was \"" + lines.get(i) + "\"");
            }
            int label = labels.computeIfAbsent(parts[1], name -> labels.size());
            queries.add(new LabeledImage(new FileImage(images, parts[0]), label));
        }
        if (queries.isEmpty()) {
            throw new DataException(file + " must have lines with images below its header, but has none");
        }
        return new OpenSetFaces(
                FaceDataset.of(queries, List.copyOf(labels.keySet()), Split.TEST, crop),
                distractors(root.resolve(DISTRACTORS), crop));
    }

    private static FaceDataset distractors(Path folder, Crop crop) {
        PassedOver passedOver = new PassedOver();
        List<String> names = ImageFiles.list(folder, passedOver).images().stream()
                .map(file -> file.getFileName().toString())
                .toList();
        if (names.isEmpty()) {
            throw new DataException("image folder " + folder + " must have images, but " + passedOver.instead());
        }
        List<LabeledImage> images = new ArrayList<>();
        for (String name : names) {
            images.add(new LabeledImage(new FileImage(folder, name), images.size()));
        }
        List<String> notes = passedOver.note().stream().toList();
        return FaceDataset.of(images, names, Split.TEST, crop, notes);
    }
}
