package org.facerecognition.gallery;

/** How a gallery finds the nearest entries; the answers have the same form. */
public enum SearchMethod {
    /**
     * Every entry is compared, as one matrix product per block of memory. Always right. Time grows with the number of
     * entries: a million of 512 values are 2 GB to read for each search, or for each 64 probes asked together.
     */
    EXACT,
    /**
     * A graph of neighbours (HNSW, Malkov and Yashunin 2016, by JVector) is walked. For millions of entries: a search looks at
     * some thousand of them, most by a bit for each value only (RaBitQ), and may miss the nearest, less than one time in a
     * hundred. Enrolling costs about as much as a few searches, and 220 to 370 bytes of heap for each entry are added to the
     * embeddings.
     */
    HNSW
}
