package org.facerecognition.gallery;

/** How a gallery finds the nearest entries. All methods return results of the same form. */
public enum SearchMethod {
    /**
     * Compares every entry, by one matrix product per block of memory. The result is always exact. The time grows with
     * the number of entries: for a million entries of 512 values, 2 GB are read per search, or per 64 probes that are
     * identified together.
     */
    EXACT,
    /**
     * Compares every identity by RaBitQ codes, which have one bit per value of the mean of its similar entries; the
     * best candidates are then compared entry by entry. In principle it may miss the nearest identity; among random
     * identities without any similarity it found all of 1,000 in a gallery of 1,000,000 entries, about a hundred times
     * as fast as an exact search. Enrolling costs almost nothing. In addition to the embeddings, it uses about 250
     * bytes of heap per identity, and a mean for each identity of several entries. The time grows with the number of
     * identities, of which that gallery had 100,000.
     */
    RABITQ,
    /**
     * Traverses a graph of nearest neighbors (HNSW: Malkov and Yashunin 2016; implemented by JVector) over the same
     * means, once there are more than 4,096 of them; fewer are compared as {@link #RABITQ} does. The time hardly grows
     * with their number, but the nearest identity may be missed. How often depends on the
     * embeddings: for random ones, where no identity resembles another, it found 98 % of the nearest among 10,000
     * identities and 64 % among 100,000. Measure it with your own embeddings before you rely on it, and see {@link
     * Gallery#setEfSearch}. Enrolling an identity costs as much as a few searches, and about 750 bytes of heap. Enroll
     * the images of an identity together: if they are enrolled one by one, the mean moves, and the old means remain in
     * the graph until {@link Gallery#compact}.
     */
    HNSW,
    /**
     * Searches like {@link #RABITQ}, but leaves embeddings, names and notes in the file, for galleries that are larger
     * than memory: codes and hashes of names are in memory, about 40 bytes of heap for each entry and 120 for each
     * identity, if embeddings have 512 values. The best candidates are read from the file and compared exactly;
     * candidates are ranked by their codes only, so that a higher efSearch matters more than with {@link #RABITQ}.
     * Closing the gallery saves what is in memory to {@code NAME.index} beside the file, so that the next opening reads
     * only what was enrolled since. Embeddings are verified when they are read by a search, and not all of them when
     * the gallery is opened.
     */
    ON_DISK
}
