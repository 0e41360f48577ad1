package org.facerecognition.train;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Reports what happens in a training to all of its listeners, in their order. */
public final class Listeners {
    private final List<TrainingListener> all;
    private int skippedBefore;

    public Listeners(List<TrainingListener> all) {
        this.all = all;
    }

    public List<TrainingListener> all() {
        return all;
    }

    public void note(String message) {
        report(listener -> listener.noted(message));
    }

    /** @param what the images are for, for example "validation" */
    public void passed(String what, int done, int images) {
        report(listener -> listener.passed(what, done, images));
    }

    /** Reports images that could not be used, if there are more of them than at the last report. */
    public void skipped(Map<String, String> reasonsByImage) {
        if (reasonsByImage.size() > skippedBefore) {
            skippedBefore = reasonsByImage.size();
            report(listener -> listener.skipped(reasonsByImage));
        }
    }

    public void report(Consumer<TrainingListener> event) {
        all.forEach(event);
    }
}
