package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.train.EpochReport.BestBy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private static final double NONE = Double.NaN;

    private static EpochReport epoch(int number, double accuracy, double auc) {
        EpochReport.@Nullable Unseen unseen = Double.isNaN(auc) ? null : new EpochReport.Unseen(auc, 0.1, 0.5, 1e-3);
        return new EpochReport(number, number, 1, 0.5, 1, accuracy, 0.1, 1, 0, 1, unseen);
    }

    /** @param aucs of each epoch, as the accuracies; NaN if it was not measured */
    private static History history(List<Double> accuracies, List<Double> aucs) {
        List<EpochReport> epochs = IntStream.range(0, accuracies.size())
                .mapToObj(i -> epoch(i + 1, accuracies.get(i), aucs.get(i)))
                .toList();
        return new History(epochs, epochs.size(), 1, 1, 1);
    }

    @Test
    void theBestEpochIsTheFirstOfTheHighest() {
        History both = history(List.of(0.5, 0.9, 0.9, 0.7), List.of(0.6, 0.7, 0.8, 0.5));
        assertThat(both.best()).contains(both.epochs().get(1));
        assertThat(both.best(BestBy.UNSEEN_AUC)).contains(both.epochs().get(2));

        History verified = history(List.of(NONE, NONE, NONE), List.of(0.6, 0.7, 0.7));
        assertThat(verified.best()).contains(verified.epochs().get(1));

        History partly = history(List.of(NONE, 0.4, 0.3), List.of(NONE, NONE, NONE));
        assertThat(partly.best()).contains(partly.epochs().get(1));
    }

    @Test
    void withoutMeasuresTheLastEpochIsTheBest() {
        assertThat(History.empty().best()).isEmpty();
        History none = history(List.of(NONE, NONE), List.of(NONE, NONE));
        assertThat(none.best()).contains(none.epochs().get(1));
    }
}
