package org.facerecognition.benchmarks;

/**
 * The time of a training step of several ranks, as the library makes it: embed and go back, then add up the gradients
 * in a ring, which nothing overlaps. Before that, the embeddings of all ranks are gathered.
 *
 * @param computeSeconds of a rank's share of the batch, with the optimizer's step
 * @param gradientBytes of the encoder
 * @param embeddingBytes of the whole batch
 */
record StepModel(double computeSeconds, double gradientBytes, double embeddingBytes) {
    /**
     * How ranks are connected: by the slowest link of the ring.
     *
     * @param bytesPerSecond in one direction
     * @param latencySeconds of a message
     */
    record Link(double bytesPerSecond, double latencySeconds) {
        /**
         * Returns the link that explains two measured sums; without latency where the smaller one took as long.
         *
         * @param ranks that added them up
         */
        static Link fitted(int ranks, double bytes, double seconds, double moreBytes, double moreSeconds) {
            double passes = 2.0 * (ranks - 1) / ranks;
            if (moreSeconds <= seconds) {
                return new Link(passes * moreBytes / moreSeconds, 0);
            }
            double rate = passes * (moreBytes - bytes) / (moreSeconds - seconds);
            double latency = (seconds - passes * bytes / rate) / (2 * (ranks - 1));
            return new Link(rate, Math.max(0, latency));
        }
    }

    /** Returns the seconds of communication in a step. */
    double communicationSeconds(int ranks, Link link) {
        double sum = 2.0 * (ranks - 1) / ranks * gradientBytes / link.bytesPerSecond;
        double gather = (ranks - 1.0) / ranks * embeddingBytes / link.bytesPerSecond;
        return sum + gather + 3 * (ranks - 1) * link.latencySeconds;
    }

    /** Returns the seconds of a step. */
    double seconds(int ranks, Link link) {
        return computeSeconds + communicationSeconds(ranks, link);
    }
}
