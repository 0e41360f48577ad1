package org.facerecognition;

import java.util.Arrays;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;

/**
 * Makes the net that a model's file describes. A damaged file may describe one of terabytes, so that its sizes are
 * compared with those of the tensors in it before anything of those sizes is made.
 */
final class ClaimedNet {
    private static final String HEAD = RecognizerModel.TENSOR_PREFIX + "head.";

    private ClaimedNet() {}

    /**
     * @param args that the file holds
     * @throws WeightsException when the file has no tensors of such sizes, or there is no such net
     */
    static <T> T made(SafeTensors file, RecognizerArgs args, Supplier<T> maker) {
        for (int size : args.embeddingSizes()) {
            check(file, "embedding size", size, largest(file, ""));
        }
        long classes = largest(file, HEAD); // 0 where its loss needs no centers
        check(file, "number of classes", args.classes(), classes == 0 ? Integer.MAX_VALUE : classes);
        try {
            return maker.get();
        } catch (WeightsException e) {
            throw e;
        } catch (RuntimeException e) { // of arguments that do not fit each other, or more memory than there is
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new WeightsException(
                    file.file() + " is damaged: the net that it describes cannot be made: " + reason, e);
        }
    }

    private static long largest(SafeTensors file, String prefix) {
        return file.names().stream()
                .filter(name -> name.startsWith(prefix))
                .flatMapToLong(name -> LongStream.concat(LongStream.of(1), Arrays.stream(file.shape(name))))
                .max()
                .orElse(0);
    }

    private static void check(SafeTensors file, String what, int claimed, long largest) {
        if (claimed > largest) {
            throw new WeightsException(file.file() + " is damaged: its " + what + " must be at most " + largest
                    + ", the largest side of its tensors, but was " + claimed + "; use another copy");
        }
    }
}
