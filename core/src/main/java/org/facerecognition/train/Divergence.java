package org.facerecognition.train;

import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.losses.NonFinite;

/** Messages for trainings that reach NaN or infinite values: where it happened, in which tensor, and what to try. */
public final class Divergence {
    private static final String WHAT_TO_TRY =
            "try a lower learning rate, gradient clipping, a smaller s or m, or precision fp32";
    private static final int MAX_SAMPLES = 5; // named in a message

    private Divergence() {}

    /**
     * Where it happened.
     *
     * @param epoch from 1
     * @param step from 1, the step that failed
     * @param rate learning rate of that step
     * @param checkpoint where the latest good state is, after a semicolon; empty where there is none
     */
    public record Where(int epoch, long step, double rate, String checkpoint) {
        @Override
        public String toString() {
            return " in epoch " + epoch + ", step " + step + ", at learning rate " + rate;
        }
    }

    /** @param names of the batch's images */
    public static NonFiniteLossException ofLoss(double loss, Tensor embeddings, List<String> names, Where where) {
        return new NonFiniteLossException("loss must stay finite, but was " + loss + where + "; "
                + samples(NonFinite.rows(embeddings), names) + "; " + WHAT_TO_TRY + where.checkpoint());
    }

    /** Names the non-finite samples, unless all are: then the network is the cause. */
    private static String samples(List<Integer> rows, List<String> names) {
        if (rows.isEmpty()) {
            return "all embeddings of the batch are finite";
        }
        if (rows.size() == names.size()) {
            return "no embedding of the batch is finite";
        }
        return "not finite are the embeddings of "
                + rows.stream()
                        .limit(MAX_SAMPLES)
                        .map(row -> "row " + row + " (" + names.get(row) + ")")
                        .collect(Collectors.joining(", "))
                + (rows.size() > MAX_SAMPLES ? " and " + (rows.size() - MAX_SAMPLES) + " more" : "");
    }

    /** @param parameters whose gradients are not finite; empty when only all together are too large */
    public static NonFiniteLossException ofGradients(List<String> parameters, double loss, Where where) {
        String whose = parameters.isEmpty()
                ? "all parameters together"
                : parameters.get(0)
                        + (parameters.size() > 1 ? " and " + (parameters.size() - 1) + " other parameters" : "");
        return new NonFiniteLossException("gradients must stay finite, but that of " + whose
                + " was NaN, infinite or too large to be squared" + where + ", though the loss was " + loss + "; "
                + WHAT_TO_TRY + where.checkpoint());
    }

    /**
     * For weights or optimizer state that are not finite when a checkpoint is to be written.
     *
     * @param tensor name of the non-finite tensor
     * @param step the last step
     */
    public static NonFiniteLossException ofState(String tensor, long step, double loss, String checkpoint) {
        return new NonFiniteLossException("all values must stay finite to be kept, but after step " + step + " some of "
                + tensor + " are NaN or infinite, though the loss was " + loss + "; " + WHAT_TO_TRY + checkpoint);
    }
}
