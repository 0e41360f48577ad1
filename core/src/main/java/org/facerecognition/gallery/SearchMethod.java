package org.facerecognition.gallery;

/** How a gallery finds the nearest entries; the answers have the same form. */
public enum SearchMethod {
    /**
     * Every entry is compared, as one matrix product per block of memory. Always right. Time grows with the number of
     * entries: a million of 512 values are 2 GB to read for each search, or for each 64 probes asked together.
     */
    EXACT,
    /**
     * A graph of neighbours (HNSW, Malkov and Yashunin 2016, by JVector) is walked: a search looks at some thousand entries, most
     * of them by a bit for each value only (RaBitQ). It may miss the nearest. How often depends on the embeddings and their
     * number: of drawn ones, where no identity is like another, it found .98 of the nearest among 100,000 entries and .58 among
     * 1,000,000. Measure it with your own before you rely on it, and see {@link Gallery#setSearchWidth}. Enrolling costs about
     * as much as a few searches, and 220 to 370 bytes of heap for each entry are added to the embeddings.
     */
    HNSW
}
