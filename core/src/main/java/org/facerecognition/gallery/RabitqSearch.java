package org.facerecognition.gallery;

/** Approximate search that scans the {@link SignCodes} of all prototypes. */
final class RabitqSearch extends PrototypeSearch {
    RabitqSearch(Vectors vectors) {
        super(vectors);
    }

    @Override
    void connect(int first, int end) {
        // the index consists only of the codes
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int k, int efSearch) {
        return scannedPrototypes(query, view, count, k, efSearch);
    }
}
