package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.List;

/** Checks the arguments of all kinds of galleries, and brings them into the form that is stored or searched for. */
final class GalleryArguments {
    static final int MIN_DIMENSION = 2;
    static final int MAX_DIMENSION = 1 << 16;
    static final int DEFAULT_EF_SEARCH = 64;
    private static final int MAX_EF_SEARCH = 1 << 16;

    private GalleryArguments() {}

    static void checkDimension(int dimension) {
        checkDimension(dimension, MAX_DIMENSION);
    }

    /** @param most the largest dimension of this kind of gallery */
    static void checkDimension(int dimension, int most) {
        if (dimension < MIN_DIMENSION || dimension > most) {
            throw new IllegalArgumentException("dimension must be 2 to " + most + " values, but was " + dimension);
        }
    }

    static int efSearch(int efSearch) {
        if (efSearch < 1 || efSearch > MAX_EF_SEARCH) {
            throw new IllegalArgumentException("efSearch must be 1 to " + MAX_EF_SEARCH + ", but was " + efSearch);
        }
        return efSearch;
    }

    static void checkQuery(int topK, double threshold) {
        if (topK < 1) {
            throw new IllegalArgumentException("topK must be at least 1, but was " + topK);
        }
        if (!(threshold >= -1 && threshold <= Math.nextUp(1.0))) {
            throw new IllegalArgumentException("threshold must be a cosine in [-1, 1], but was " + threshold);
        }
    }

    static void checkLimit(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("limit must be at least 1, but was " + limit);
        }
    }

    /** Returns the probes, L2-normalized. */
    static List<float[]> units(List<float[]> probes, int dimension) {
        return probes.stream()
                .map(probe -> UnitVector.of(probe, dimension, "probe"))
                .toList();
    }

    static void checkWithoutAttributes(List<Enrollment> enrollments) {
        for (Enrollment enrollment : enrollments) {
            if (!enrollment.attributes().isEmpty()) {
                throw new IllegalArgumentException("attributes must be empty in a gallery in a file or in memory, but "
                        + enrollment.identity() + " has "
                        + enrollment.attributes().keySet()
                        + "; a gallery in a database stores them");
            }
        }
    }

    /** Returns the enrollments with checked texts and L2-normalized embeddings, without ids, in a list of its own. */
    static List<LogRecord.Enrolled> records(List<Enrollment> enrollments, int dimension) {
        List<LogRecord.Enrolled> records = new ArrayList<>(enrollments.size());
        for (Enrollment enrollment : enrollments) {
            String identity = Names.checked(enrollment.identity());
            float[] unit = UnitVector.of(enrollment.embedding(), dimension, "embedding of " + identity);
            String note = Texts.note(enrollment.note());
            records.add(new LogRecord.Enrolled(0, identity, note, Texts.contentKey(enrollment.contentKey()), unit));
        }
        return records;
    }
}
