package org.facerecognition.gallery;

/** How a gallery finds the nearest entries; the answers have the same form. */
public enum SearchMethod {
    /**
     * Every entry is compared, as one matrix product per block of memory. Always right. Time grows with the number of
     * entries: a million of 512 values are 2 GB to read for each search, or for each 64 probes asked together.
     */
    EXACT,
    /**
     * Every identity is compared, but by a bit for each value (RaBitQ codes) of the mean of its like entries; those that may be
     * nearest are then compared entry by entry. It may miss the nearest in principle; among drawn identities that have nothing in
     * common it found all of 1,000 in a gallery of 1,000,000 entries, some hundred times as fast as an exact search. Enrolling costs
     * next to nothing. To the embeddings some 250 bytes of heap for each identity are added, and a mean where it has several
     * entries. Time grows with the number of identities: those of that gallery were 100,000.
     */
    CODES,
    /**
     * A graph of neighbors (HNSW, Malkov and Yashunin 2016, by JVector) over the same means is walked: time hardly grows with
     * their number, but the nearest may be missed. How often depends on the embeddings: of drawn ones, where no identity is like
     * another, it found 98 % of the nearest among 10,000 identities and 64 % among 100,000. Measure it with your own before you
     * rely on it, and see {@link Gallery#setSearchWidth}. Enrolling an identity costs as much as a few searches, and some 750
     * bytes of heap. Enroll the images of an identity together: as they come in one by one, its mean moves, and former ones stay
     * in the graph until {@link Gallery#compact}.
     */
    HNSW
}
