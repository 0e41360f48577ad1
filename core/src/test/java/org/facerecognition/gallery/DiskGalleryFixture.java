package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The file and the index of a gallery whose embeddings stay in the file. */
abstract class DiskGalleryFixture {
    static final int D = 64;
    static final int ALL = 65_536; // candidates, so that searches are exact

    @TempDir
    Path folder;

    Path file;
    Path index;

    @BeforeEach
    void nameFiles() {
        file = folder.resolve("people.gallery");
        index = folder.resolve("people.gallery.index");
    }

    Gallery open() {
        Gallery gallery = Gallery.open(file, "model", D, SearchMethod.ON_DISK);
        gallery.setEfSearch(ALL);
        return gallery;
    }

    static List<Enrollment> people(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> Traces.enrollment(i, D)).toList();
    }

    /** Flips a bit of the entry whose name or note begins with the name of a person. */
    void damageEntryOf(int person) throws IOException {
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.seek(bytes.indexOf(Traces.name(person)) + 100);
            int old = out.read();
            out.seek(out.getFilePointer() - 1);
            out.write(old ^ 1);
        }
    }
}
