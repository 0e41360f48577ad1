package org.facerecognition.examples;

import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.OpenSetFaces;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.IdentificationRate;

/** {@code celeba-ir}: the CelebA identification benchmark, TPR at FPR over pairs of queries and distractors. */
final class CelebaIrProtocol implements EvaluationProtocol {
    private static final double[] FALSE_POSITIVE_RATES = {0.5, 0.2, 0.1, 0.05, 0.01, 0.001};

    @Override
    public void measure(Evaluation evaluation) {
        Crop crop = evaluation.data.crop(defaultCrop(evaluation.model()));
        OpenSetFaces faces = OpenSetFaces.celebaIr(evaluation.data.path(), crop.ofCrops());
        FaceDataset usableQueries = evaluation.usable(faces.queries());
        FaceDataset usableDistractors = evaluation.usable(faces.distractors());
        IdentificationRate.pairs(usableQueries.size(), usableDistractors.size()); // before the work
        Embedded queries = evaluation.embedNumbered("queries", usableQueries);
        Embedded distractors = evaluation.embedNameless("distractors", usableDistractors);
        IdentificationRate rate = IdentificationRate.of(queries, distractors.embeddings());
        int falsePairs = rate.pairs().different().length;
        for (double fpr : FALSE_POSITIVE_RATES) {
            boolean measured = fpr * falsePairs >= 1;
            evaluation.report.figure("tpr_at_fpr_" + fpr, measured ? rate.tprAtFpr(fpr) : Double.NaN);
        }
        evaluation.report.note(
                "False pairs are those of two queries of different people and of a query and a distractor; the"
                        + " threshold is the N-th largest of their similarities.");
        evaluation.report(rate.pairs(), evaluation.seen(usableQueries), evaluation.seen(usableDistractors));
    }

    /** Returns the crop that the model was trained with; weights from elsewhere are taken to expect aligned faces. */
    private static Crop defaultCrop(LoadedModel model) {
        return model.saysItsCrop() ? model.crop() : Crop.CELEBA_ALIGNED;
    }
}
