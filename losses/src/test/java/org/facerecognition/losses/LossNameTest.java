package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LossNameTest {
    @Test
    void idsAreThoseOfFilesAndTheCommandLine() {
        assertThat(Arrays.stream(LossName.values()).map(LossName::id))
                .containsExactly(
                        "arcface",
                        "cosface",
                        "sphereface",
                        "combined",
                        "adaface",
                        "magface",
                        "curricularface",
                        "elasticface-arc",
                        "elasticface-cos",
                        "subcenter-arcface",
                        "adacos",
                        "adacos-dynamic",
                        "normface",
                        "cross-entropy",
                        "circle",
                        "circle-pairs",
                        "triplet",
                        "triplet-semihard",
                        "supcon",
                        "contrastive",
                        "center");
    }

    @ParameterizedTest
    @EnumSource
    void isFoundByItsIdAndByTheNameInOlderFiles(LossName loss) {
        assertThat(LossName.of(loss.id())).isSameAs(loss);
        assertThat(LossName.of(loss.name())).isSameAs(loss);
    }

    @Test
    void rejectsUnknownIdsAndListsTheKnownOnes() {
        assertThatThrownBy(() -> LossName.of("arc"))
                .hasMessageStartingWith("loss must be one of arcface, cosface, ")
                .hasMessageEndingWith("center, but was \"arc\"");
    }

    @Test
    void unsetValuesAreThoseOfThePaper() {
        LossSettings none = LossSettings.DEFAULTS;
        assertThat(LossName.ARCFACE.margin(500, none)).isEqualTo(new ArcFaceMargin(64, 0.5));
        assertThat(LossName.COSFACE.margin(500, none)).isEqualTo(new CosFaceMargin(64, 0.35));
        assertThat(LossName.SPHEREFACE.margin(500, none)).isEqualTo(new SphereFaceMargin(64, 1.35));
        assertThat(LossName.COMBINED.margin(500, none)).isEqualTo(new CombinedMargin(64, 1, 0.3, 0.2));
        assertThat(LossName.ADAFACE.margin(500, none)).isEqualTo(new AdaFaceMargin(64, 0.4, 0.333, 0.01));
        assertThat(LossName.MAGFACE.margin(500, none)).isEqualTo(new MagFaceMargin(64, 10, 110, 0.45, 0.8, 35));
        assertThat(LossName.CURRICULARFACE.margin(500, none)).isEqualTo(new CurricularFaceMargin(64, 0.5, 1));
        assertThat(LossName.ELASTICFACE_ARC.margin(500, none)).isEqualTo(new ElasticArcMargin(64, 0.5, 0.05));
        assertThat(LossName.ELASTICFACE_COS.margin(500, none)).isEqualTo(new ElasticCosMargin(64, 0.35, 0.05));
        assertThat(LossName.ADACOS.margin(500, none).s()).isCloseTo(Math.sqrt(2) * Math.log(499), within(1e-12));
        assertThat(LossName.NORMFACE.margin(500, none).s()).isCloseTo(10.79, within(0.005));
        assertThat(LossName.CIRCLE.margin(500, none)).isEqualTo(new CircleMargin(256, 0.25));
        assertThat(LossName.SUBCENTER_ARCFACE.resolved(none, 500).subCenters()).isEqualTo(3);
        assertThat(LossName.COSFACE.resolved(none, 500).subCenters()).isEqualTo(1);
    }

    @Test
    void aLossOfPairsHasNoMargin() {
        assertThatThrownBy(() -> LossName.TRIPLET.margin(500, LossSettings.DEFAULTS))
                .hasMessage("loss must be a margin over cosines, but was triplet");
    }

    @Test
    void createsAHeadWithItsSettings() {
        LossSettings settings = new LossSettings(7.0, 0.2, 2, 0.1, 2, true);
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax arc = (MarginSoftmax) LossName.ARCFACE.create(5, 4, settings);
            assertThat(arc.margin()).isEqualTo(new ArcFaceMargin(7, 0.2, ArcFaceMargin.Gradient.STRAIGHT_THROUGH));
            assertThat(arc.subCenters()).isEqualTo(2);
            assertThat(Shapes.of(arc.parameters().get(0))).isEqualTo("[10, 4]");
            torch.manual_seed(1);
            Head plain = LossName.CROSS_ENTROPY.create(5, 4, LossSettings.DEFAULTS);
            torch.manual_seed(1);
            Head smooth = LossName.CROSS_ENTROPY.create(5, 4, settings);
            Tensor x = torch.randn(3, 4);
            Tensor y = Tensors.labels(1, 2, 3);
            assertThat(smooth.forward(x, y).loss().item_double())
                    .isNotCloseTo(plain.forward(x, y).loss().item_double(), within(1e-3));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theDefaultsGiveNoWarning(LossName loss) {
        assertThat(loss.warnings(LossSettings.DEFAULTS, 500)).isEmpty();
    }

    @Test
    void warnsOfAScaleThatIsTooSmall() {
        assertThat(LossName.ARCFACE.warnings(LossSettings.of(5, 0.1), 500))
                .containsExactly(
                        "s = 5.0 is small for 500 identities: even a perfect network would give the right one a"
                                + " probability of 0.23 at most; for 0.9 s must be at least 8.39");
        assertThat(LossName.ARCFACE.warnings(LossSettings.of(8.4, 0.1), 500)).isEmpty();
        assertThat(LossName.ARCFACE.warnings(LossSettings.of(1, 0.1), 1)).isEmpty();
    }

    @Test
    void warnsOfSettingsThatAreNotUsed() {
        assertThat(LossName.TRIPLET.warnings(new LossSettings(5.0, 0.2, 3, 0.1, 2, true), 500))
                .isEqualTo(List.of(
                        "s has no meaning for triplet and is not used",
                        "sub-centers has no meaning for triplet and is not used",
                        "label smoothing has no meaning for triplet and is not used",
                        "focal weighting has no meaning for triplet and is not used",
                        "the straight-through gradient has no meaning for triplet and is not used"));
        assertThat(LossName.CROSS_ENTROPY.warnings(LossSettings.of(5, 0.1), 500))
                .hasSize(2);
    }

    /** {@code check} rejects what {@code create} rejects, with the same message, before a network is allocated. */
    @ParameterizedTest
    @CsvSource({
        "arcface, , 28.6, m must be in [0",
        "arcface, 0, , s must be positive",
        "cosface, , 3, m must be in [0",
        "magface, , 3.0, 'm must be at least 0 and below 2.79 radians'",
        "triplet, , -1, margin must be in",
        "supcon, -2, , s must be positive",
        "center, , -1, m must be at least 0"
    })
    void rejectsValuesOutOfRangeBeforeAllocating(String name, Double s, Double m, String message) {
        LossName loss = LossName.of(name);
        LossSettings settings = LossSettings.DEFAULTS.with(s, m);
        assertThatThrownBy(() -> loss.check(50, settings)).hasMessageStartingWith(message);
        assertThatThrownBy(() -> loss.create(50, 8, settings)).hasMessageStartingWith(message);
    }
}
