package org.facerecognition.gallery;

import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Selects the images that a gallery does not have, for {@link Gallery#enrollNewImages}. */
final class NewImages {
    private NewImages() {}

    /**
     * An image.
     *
     * @param nameKey of the identity; empty if it does not matter
     */
    private record Image(String contentKey, String nameKey) {
        static Image of(String contentKey, String name, UniqueIn uniqueIn) {
            return new Image(contentKey, uniqueIn == UniqueIn.IDENTITY ? Names.key(name) : "");
        }
    }

    /** Returns the content keys of the records that have one. */
    static List<String> keys(List<LogRecord.Enrolled> records) {
        return records.stream()
                .map(LogRecord.Enrolled::contentKey)
                .filter(Objects::nonNull)
                .toList();
    }

    /**
     * Returns the indices of the records whose images are neither there nor the same as an earlier one, in order.
     *
     * @param there all entries with one of the records' content keys
     */
    static int[] of(List<LogRecord.Enrolled> records, UniqueIn uniqueIn, List<Entry> there) {
        Set<Image> known = new HashSet<>();
        for (Entry entry : there) {
            known.add(Image.of(Objects.requireNonNull(entry.contentKey()), entry.identity(), uniqueIn));
        }
        return IntStream.range(0, records.size())
                .filter(i -> {
                    @Nullable String contentKey = records.get(i).contentKey();
                    return contentKey == null
                            || known.add(Image.of(contentKey, records.get(i).identity(), uniqueIn));
                })
                .toArray();
    }

    /** Returns the ids of all records: the given ones at these indices, and 0 for the others. */
    static long[] ids(int records, int[] indices, long[] ids) {
        long[] all = new long[records];
        for (int i = 0; i < indices.length; i++) {
            all[indices[i]] = ids[i];
        }
        return all;
    }
}
