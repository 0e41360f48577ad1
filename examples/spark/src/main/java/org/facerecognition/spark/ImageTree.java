package org.facerecognition.spark;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.ImageFiles.Kind;
import org.facerecognition.data.PassedOver;
import org.facerecognition.io.FileNames;
import org.jspecify.annotations.Nullable;

/**
 * Lists the image files in a folder and below it. Folders of this machine are listed as the library lists them: Hadoop
 * leaves out without a word what it finds no file for, such as names that this process cannot decode.
 */
final class ImageTree {
    private final FileSystem system;
    private final PassedOver passedOver;
    private final List<Row> rows = new ArrayList<>();

    private ImageTree(FileSystem system, PassedOver passedOver) {
        this.system = system;
        this.passedOver = passedOver;
    }

    /**
     * Lists a tree.
     *
     * @param passedOver counts everything else, and says what may have images and cannot be used
     * @return path and identity of each image
     * @throws DataException when a folder does not exist or cannot be read
     */
    static List<Row> list(Path root, FileSystem system, PassedOver passedOver) {
        ImageTree tree = new ImageTree(system, passedOver);
        Path folder = root.makeQualified(system.getUri(), system.getWorkingDirectory());
        java.nio.file.@Nullable Path local = local(folder);
        if (local != null && Files.isDirectory(local)) {
            tree.addLocal(folder, local);
        } else {
            tree.add(folder, null, true);
        }
        return tree.rows;
    }

    private static java.nio.file.@Nullable Path local(Path folder) {
        try {
            return "file".equals(folder.toUri().getScheme())
                    ? new File(folder.toUri().getPath()).toPath()
                    : null;
        } catch (InvalidPathException e) {
            throw new DataException("folder " + folder + " cannot be opened: " + FileNames.remedy(), e);
        }
    }

    private void addLocal(Path root, java.nio.file.Path local) {
        ImageFiles.Listing top = ImageFiles.list(local, passedOver);
        addLocal(root, local, null, top.images());
        for (java.nio.file.Path person : ImageFiles.withReadableNames(top.folders(), passedOver)) {
            String name = person.getFileName().toString();
            addLocal(root, local, name, ImageFiles.below(person, passedOver));
        }
    }

    private void addLocal(
            Path root, java.nio.file.Path local, @Nullable String identity, List<java.nio.file.Path> images) {
        String separator = local.getFileSystem().getSeparator();
        for (java.nio.file.Path image : ImageFiles.withReadableNames(images, passedOver)) {
            String below = local.relativize(image).toString().replace(separator, "/");
            Path path = new Path(root, new Path(null, null, below)); // names may have colons
            rows.add(RowFactory.create(path.toString(), identity));
        }
    }

    private void add(Path folder, @Nullable String identity, boolean top) {
        for (FileStatus entry : entries(folder)) {
            Path path = entry.getPath();
            String name = path.getName();
            if (entry.isDirectory()) {
                if (ImageFiles.isLeftBehindFolder(name)) {
                    passedOver.addHiddenFolder();
                } else {
                    add(path, top ? name : identity, false);
                }
            } else if (ImageFiles.kindOf(name) == Kind.IMAGE) {
                rows.add(RowFactory.create(path.toString(), identity));
            } else {
                passedOver.addFile(name);
            }
        }
    }

    private FileStatus[] entries(Path folder) {
        try {
            FileStatus[] entries = system.listStatus(folder);
            Arrays.sort(entries, Comparator.comparing(FileStatus::getPath));
            return entries;
        } catch (FileNotFoundException e) {
            throw new DataException("folder " + folder + " does not exist", e);
        } catch (IOException e) {
            throw new DataException("folder " + folder + " cannot be read: " + e.getMessage(), e);
        }
    }
}
