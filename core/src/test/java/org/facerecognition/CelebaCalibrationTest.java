package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Verification;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Checks on real faces that thresholds calibrated on 250 people hold for 250 other people. */
@EnabledIfSystemProperty(
        named = "tests.long",
        matches = "true",
        disabledReason = "embeds 12,000 images; run it with -Dtests.long=true")
class CelebaCalibrationTest {
    @Test
    void thresholdsOf250PeopleHoldFor250OtherPeople() {
        Path root = SharedFiles.orSkip("data/celebA_train_500");
        Weights weights = Weights.read(SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt"));
        FaceDataset all = FaceDataset.celeba500(root, Split.TRAIN)
                .with(FaceDataset.celeba500(root, Split.VAL))
                .with(FaceDataset.celeba500(root, Split.TEST))
                .withCrop(Crop.CELEBA_ALIGNED);
        FaceDataset.ByIdentity halves = all.byIdentity(0.5, 1);
        try (Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, weights)) {
            recognizer.useFlip(true);
            List<Threshold> thresholds = recognizer.calibrate(halves.unseen());
            assertThat(thresholds).hasSize(3);
            Embedded others = recognizer.embed(halves.seen());
            Verification pairs = Verification.ofAllPairs(others);
            for (Threshold threshold : thresholds) {
                double far = pairs.roc().far(threshold.cosine());
                double bound = threshold.evidence().orElseThrow().upperBound();
                System.out.println(threshold + "; on 250 others " + far);
                assertThat(far).as(threshold.toString()).isLessThanOrEqualTo(bound);
            }
        }
    }
}
