package org.facerecognition.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/**
 * A contestant that trains with {@link Trainer}: images are read, decoded, cropped and augmented while it trains. The
 * steps that are timed lie within one epoch, and there is no validation: the loops that it is compared with have
 * neither.
 */
final class TrainerLoop implements Contestant {
    private static final int WARM_UP_STEPS = 2; // of every call

    private final TrainingSetup setup;
    private final Precision precision;
    private final FaceDataset train;
    private final SortedMap<Integer, List<Double>> waitFractions = new TreeMap<>(); // by number of steps

    TrainerLoop(TrainingSetup setup, Precision precision, FaceDataset train) {
        this.setup = setup;
        this.precision = precision;
        this.train = train;
    }

    /** Returns how many images one epoch must have at least, copies included, for a number of timed steps. */
    static int images(int steps, int batch) {
        return (WARM_UP_STEPS + steps) * batch;
    }

    @Override
    public String name() {
        return "Trainer, loading and augmenting, " + TrainingSetup.name(precision);
    }

    @Override
    public double imagesPerSecond(int steps) {
        long[] times = new long[2];
        double[] waited = new double[1];
        TrainingListener timer = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (step.epoch() > 1) {
                    throw new IllegalStateException(String.format(
                            "the steps that are timed must be within one epoch, but step %d is in epoch %d with %d"
                                    + " batches in each; use more images",
                            step.step(), step.epoch(), step.batches()));
                }
                if (step.step() == WARM_UP_STEPS) {
                    times[0] = System.nanoTime();
                } else if (step.step() > WARM_UP_STEPS) {
                    waited[0] += step.waitSeconds();
                }
                times[1] = System.nanoTime();
            }
        };
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder().build())) {
            new Trainer(TrainerArgs.builder()
                            .device(setup.device())
                            .precision(precision)
                            .batchSize(setup.batch())
                            .loaderThreads(setup.loaderThreads())
                            .maxSteps(WARM_UP_STEPS + steps)
                            .listeners(timer)
                            .build())
                    .fit(recognizer, train);
        }
        double seconds = (times[1] - times[0]) / 1e9;
        waitFractions.computeIfAbsent(steps, absent -> new ArrayList<>()).add(waited[0] / seconds);
        return steps * setup.batch() / seconds;
    }

    /**
     * Returns the median over the rounds of the fraction of time that training waited for images, in [0, 1]. A call
     * with fewer steps than those of the rounds, which warms up, does not count: images are ready at its start.
     */
    double waitFraction() {
        return Rounds.median(Objects.requireNonNull(waitFractions.get(waitFractions.lastKey())));
    }

    @Override
    public void close() {}
}
