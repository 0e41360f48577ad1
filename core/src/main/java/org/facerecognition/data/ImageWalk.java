package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.facerecognition.io.AtomicFile;

/**
 * Collects the images in a folder and below it. A link that leads back to a folder it is in would never end, and links
 * within what links lead to could take as many ways as there are orders of folders.
 */
final class ImageWalk {
    private final List<Path> images = new ArrayList<>();
    private final Deque<Path> within = new ArrayDeque<>(); // the folders that are being walked
    private final PassedOver passedOver;

    ImageWalk(PassedOver passedOver) {
        this.passedOver = passedOver;
    }

    /** @throws DataException when the folder itself cannot be read */
    List<Path> images(Path folder) {
        walk(folder, false);
        return images;
    }

    private void walk(Path folder, boolean inLink) {
        ImageFiles.Listing listing = ImageFiles.list(folder, passedOver);
        images.addAll(listing.images());
        within.push(folder);
        for (Path below : listing.folders()) {
            boolean link = Files.isSymbolicLink(below);
            try {
                if (link && inLink) {
                    passedOver.addLinkedFolder();
                } else if (link && leadsBack(below)) {
                    passedOver.addLinkAbove();
                } else {
                    walk(below, link || inLink);
                }
            } catch (DataException e) {
                passedOver.addClosedFolder(below, e);
            }
        }
        within.pop();
    }

    /** Returns whether a link is to a folder above it, or to one that has one of those above it. */
    private boolean leadsBack(Path link) {
        try {
            Path target = link.toRealPath();
            for (Path above : within) {
                if (above.toRealPath().startsWith(target)) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw new DataException("folder " + link + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }
}
