package org.facerecognition.examples;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.train.Checkpoints;
import org.jspecify.annotations.Nullable;

/** The files that {@code evaluate} writes, none of which may replace one that it reads or another that it writes. */
final class EvaluationFiles {
    private final ModelOptions model;
    private final DataOptions data;
    private final @Nullable Path pairs;
    private final @Nullable Path detector;

    /**
     * @param pairs the file of --pairs, if given
     * @param detector the detector's file, if one was given
     */
    EvaluationFiles(ModelOptions model, DataOptions data, @Nullable Path pairs, @Nullable Path detector) {
        this.model = model;
        this.data = data;
        this.pairs = pairs;
        this.detector = detector;
    }

    /**
     * Checks the files to be written, before any work.
     *
     * @param calibrated the file of --calibrate, which may be the model; null if there is none
     * @param report the file of --report; null if there is none
     * @throws IllegalArgumentException naming the option and the file
     * @throws UncheckedIOException when the folder of one cannot be written
     */
    void requireOther(@Nullable Path calibrated, @Nullable Path report) {
        @Nullable Path thresholds = calibrated == null ? null : model.thresholdsOf(calibrated);
        if (thresholds != null) {
            Checkpoints.requireNotResumedFrom(thresholds);
            check("--calibrate", thresholds);
            OutputFile.requireWritable("--calibrate", thresholds);
        }
        if (report != null) {
            Checkpoints.requireNotResumedFrom(report);
            check("--report", report);
            model.requireOther("--report", report);
            Path json = EvaluationReport.jsonFile(report);
            check("the JSON file of --report", json);
            model.requireOther("the JSON file of --report", json);
            for (Path written : new Path[] {report, json}) {
                ModelFile.requireApart("--calibrate", thresholds, "--report", written);
            }
            OutputFile.requireWritable("--report", report);
            OutputFile.requireWritable("the JSON file of --report", json);
        }
    }

    private void check(String option, Path out) {
        List<@Nullable Path> read = new ArrayList<>();
        read.add(pairs);
        read.add(detector);
        read.add(model.beside(FormerOptions.FILE)); // the training could not be resumed without it
        ModelFile.requireOther(option, out, read.toArray(Path[]::new));
        data.requireOther(option, out);
    }
}
