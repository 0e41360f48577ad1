package org.facerecognition.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Lists folders {@code root/person/image} in one pass and splits the images of each person. */
final class FolderLayout {
    /** A limit, so that a wrong folder does not lead to a search of the whole disk. */
    private static final int MAX_DEEPER_FOLDERS = 10_000;

    private final Path root;
    private final PassedOver passedOver = new PassedOver();
    private int deeperFolders;

    private FolderLayout(Path root) {
        this.root = root;
    }

    static FaceDataset read(Path root, Split split, SplitSettings settings) {
        if (!Files.isDirectory(root)) {
            throw new DataException("data folder " + root.toAbsolutePath()
                    + (Files.exists(root) ? " is a file" : " does not exist")
                    + "; give a folder with one folder of images per person"
                    + (Files.exists(root) ? ", or another layout" : ""));
        }
        return new FolderLayout(root).read(split, settings);
    }

    private FaceDataset read(Split split, SplitSettings settings) {
        ImageFiles.Listing people = ImageFiles.list(root, passedOver);
        passedOver.addLooseImages(people.images().size());
        List<Path> folders = ImageFiles.withReadableNames(people.folders(), passedOver);
        String where = "data folder " + root.toAbsolutePath();
        if (folders.isEmpty()) {
            throw new DataException(
                    passedOver.isEmpty()
                            ? where + " is empty: it must have one folder of images per person"
                            : where + " must have one folder of images per person, but " + passedOver.instead());
        }
        PeopleParts parts = new PeopleParts(settings, split, new FileImageList(root));
        for (Path person : folders) {
            String name = person.getFileName().toString();
            ImageFiles.Listing inside = ImageFiles.list(person, passedOver);
            if (!Files.isSymbolicLink(person)) {
                countDeeper(inside);
            }
            parts.add(name, name.hashCode(), images(name, inside.images()));
        }
        if (parts.empty() == folders.size() && passedOver.deeperImages() > 0) {
            throw new DataException(where + " must have one folder of images per person, but " + passedOver.instead()
                    + "; give the folder that the people's folders are in");
        }
        return parts.dataset(where, passedOver);
    }

    private List<FileImage> images(String person, List<Path> files) {
        return ImageFiles.withReadableNames(files, passedOver).stream()
                .map(file -> new FileImage(root, person + "/" + file.getFileName()))
                .toList();
    }

    /** Counts images in folders below that of a person: they are not used, but the user may expect them to be. */
    private void countDeeper(ImageFiles.Listing listing) {
        for (Path folder : listing.folders()) {
            if (Files.isSymbolicLink(folder)) {
                passedOver.addLinkedFolder();
            } else if (deeperFolders++ >= MAX_DEEPER_FOLDERS) {
                passedOver.stopDeeper();
                return;
            } else {
                countDeeper(folder);
            }
        }
    }

    private void countDeeper(Path folder) {
        ImageFiles.Listing inside;
        try {
            inside = ImageFiles.list(folder, passedOver);
        } catch (DataException e) {
            passedOver.addClosedFolder(folder, e);
            return;
        }
        passedOver.addDeeperImages(inside.images().size());
        countDeeper(inside);
    }
}
