package org.facerecognition.gallery;

import java.nio.file.Path;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;

/** A child process that imports a folder into a gallery until it is killed. It prints how many entries it has done. */
final class TransferChild {
    private TransferChild() {}

    /** Arguments: folder; then the gallery's file, or the URL of a database and the gallery's name in it. */
    public static void main(String[] args) {
        GalleryInfo info = GalleryTransfer.info(Path.of(args[0])).gallery();
        try (Gallery to = args.length == 2
                ? Gallery.open(Path.of(args[1]), info.fingerprint(), info.dimension())
                : Gallery.connect(
                        TestDatabase.dataSource(args[1]),
                        args[2],
                        info.fingerprint(),
                        info.dimension(),
                        SearchMethod.EXACT)) {
            GalleryTransfer.importFrom(Path.of(args[0]), to, AttributesPolicy.KEEP, done -> {
                System.out.println(done);
                System.out.flush();
            });
        }
    }
}
