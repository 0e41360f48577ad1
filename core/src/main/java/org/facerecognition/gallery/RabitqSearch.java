package org.facerecognition.gallery;

/**
 * Approximate search that scans the {@link SignCodes} of all prototypes: the efSearch candidates of {@link CodeScan}
 * are ranked by exact cosines of their vectors.
 */
final class RabitqSearch extends PrototypeSearch {
    private final CodeScan scan = new CodeScan(codes());

    RabitqSearch(Vectors vectors) {
        super(vectors);
    }

    @Override
    void connect(int first, int end) {
        // the index consists only of the codes
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int k, int efSearch) {
        int[] near = scan.nearest(
                query.estimates(), count, efSearch, prototype -> prototypes().has(prototype, view));
        return CodeScan.bestFirst(near, query::cosine).limit(k).toArray();
    }
}
