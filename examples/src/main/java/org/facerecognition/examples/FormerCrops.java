package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;

/** What earlier runs of {@code align} left in the folder of the crops, which would be trained on. */
final class FormerCrops {
    private static final int MAX_FOLDERS = 1_000; // besides those of this run's crops: --out may be a home folder

    private final Path folder;
    private final List<Path> given;
    private final Set<Path> written = ConcurrentHashMap.newKeySet();

    /**
     * @param folder in which the crops are, or will be
     * @param given the photographs, which are no crops even if they are in that folder
     */
    FormerCrops(Path folder, List<Path> given) {
        this.folder = folder;
        this.given = given;
    }

    private static Path place(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) { // it is gone
            return file.toAbsolutePath().normalize();
        }
    }

    /** Takes note of a crop that this run has written, on any thread. */
    void written(Path crop) {
        written.add(place(crop));
    }

    /** Says how many other images there are among the crops, if any, and in which folders that could not be seen. */
    List<String> othersNotes() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        Search search = new Search();
        boolean whole = search.all();
        List<String> notes = new ArrayList<>();
        search.passedOver.problemNotes().forEach(problem -> notes.add("note: " + problem));
        if (search.others > 0) {
            String advice = search.amongPhotographs
                    ? "; for training, give the crops a folder of their own"
                    : "; remove what is not to be trained on";
            notes.add("note: " + folder + " has " + (whole ? "" : "at least ") + search.others
                    + (search.others == 1 ? " image file" : " image files") + " that this run did not write" + advice);
        }
        return notes;
    }

    /** Counts images that are neither photographs that were given nor crops of this run. */
    private final class Search {
        private final Set<Path> photographs = new HashSet<>();
        private final Set<Path> foldersOfRun = new HashSet<>();
        private final Set<Path> searched = new HashSet<>();
        private final Deque<Path> folders = new ArrayDeque<>(List.of(folder));
        private final PassedOver passedOver = new PassedOver();
        private long others;
        private boolean amongPhotographs;

        Search() {
            given.forEach(photograph -> photographs.add(place(photograph)));
            written.forEach(crop -> foldersOfRun.add(crop.getParent()));
        }

        /** Returns whether all folders were searched, and not only the first of very many. */
        boolean all() {
            int without = 0;
            while (!folders.isEmpty()) {
                Path next = folders.remove();
                Path place = place(next);
                if (!searched.add(place)) { // through a link
                    continue;
                }
                if (!foldersOfRun.contains(place) && ++without > MAX_FOLDERS) {
                    return false;
                }
                try {
                    search(ImageFiles.list(next, passedOver));
                } catch (DataException e) { // the crops are written nonetheless
                    passedOver.addClosedFolder(next, e);
                }
            }
            return true;
        }

        private void search(ImageFiles.Listing listing) {
            for (Path image : listing.images()) {
                Path place = place(image);
                if (photographs.contains(place)) {
                    amongPhotographs = true;
                } else if (!written.contains(place)) {
                    others++;
                }
            }
            folders.addAll(listing.folders());
        }
    }
}
