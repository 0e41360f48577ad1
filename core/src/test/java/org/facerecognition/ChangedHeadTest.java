package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.facerecognition.losses.AdaFaceMargin;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.Margin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests files and resumed trainings of heads that were changed by their setters after a recipe had made them. */
class ChangedHeadTest {
    private static final ArcFaceMargin RECIPE = new ArcFaceMargin(5, 0.1);
    private static final AdaFaceMargin ADA = new AdaFaceMargin(64, 0.4);

    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static RecognizerArgs args() {
        return RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(TinyTraining.PEOPLE)
                .imageSizePx(32)
                .build();
    }

    /** Loads a file of the changed recipe as the warning says. */
    private static Recognizer loadedWithParts(Path file) {
        RecognizerArgs args = args();
        Backbone encoder = args.encoder().create(args.encoderLastLayerName(), args.embeddingSizes(), args.backbone());
        MarginSoftmax head = (MarginSoftmax) LossName.ARCFACE.create(TinyTraining.PEOPLE, 16, LossSettings.DEFAULTS);
        head.setMargin(ADA);
        return Recognizer.load(file, encoder, head);
    }

    private static Recognizer recognizer(Consumer<MarginSoftmax> change) {
        Recognizer recognizer = Recognizer.arcFace(args());
        change.accept((MarginSoftmax) recognizer.head());
        return recognizer;
    }

    private void fit(Consumer<MarginSoftmax> change, TrainerArgs.Builder args) {
        try (Recognizer recognizer = recognizer(change)) {
            TinyTraining.fit(recognizer, faces, args);
        }
    }

    private TrainerArgs.Builder args(int steps) {
        return TinyTraining.args().epochs(1).checkpoints(folder).maxSteps(steps);
    }

    private static Margin margin(Recognizer recognizer) {
        return ((MarginSoftmax) recognizer.head()).margin();
    }

    /** Neither the model nor a checkpoint could be loaded: the file had the state of AdaFace, and args say ArcFace. */
    @Test
    void aMarginOfAnotherKindIsSavedAndNamedOnLoading() {
        Path file = folder.resolve("some.model");
        Map<String, float[]> saved;
        try (Recognizer recognizer = recognizer(head -> head.setMargin(ADA))) {
            TinyTraining.fit(recognizer, faces, args(2));
            recognizer.save(file);
            saved = TinyTraining.weights(recognizer);
        }
        for (String name : List.of("some.model", "last.ckpt")) {
            try (Recognizer loaded = Recognizer.load(folder.resolve(name))) {
                assertThat(margin(loaded)).isEqualTo(RECIPE);
                assertThat(loaded.warnings())
                        .filteredOn(warning -> warning.startsWith("the head in "))
                        .containsExactly("the head in " + folder.resolve(name)
                                + " had other settings than it was made with: margin " + ADA
                                + "; before it is trained on, load it with its parts, Recognizer.load(file, encoder,"
                                + " head)");
                TinyTraining.weights(loaded)
                        .forEach((tensor, values) ->
                                assertThat(values).as(tensor).isEqualTo(saved.get(tensor)));
            }
        }
    }

    /** Nothing told of the change any more once a file was loaded as the warning says, and saved again. */
    @Test
    void aHeadThatIsGivenOnLoadingIsStillAChangedOne() {
        Consumer<MarginSoftmax> ada = head -> head.setMargin(ADA);
        fit(ada, args(1));
        Path last = folder.resolve("last.ckpt");
        Path again = folder.resolve("again.model");
        try (Recognizer loaded = loadedWithParts(last)) {
            TinyTraining.fit(loaded, faces, args(2).resume(true));
            loaded.save(again);
        }
        for (Path file : List.of(last, again)) {
            try (Recognizer loaded = Recognizer.load(file)) {
                assertThat(loaded.warnings())
                        .anyMatch(warning -> warning.startsWith("the head in ") && warning.contains(": margin " + ADA));
            }
        }
        try (Recognizer other = loadedWithParts(last)) {
            ((MarginSoftmax) other.head()).setMargin(new AdaFaceMargin(32, 0.4));
            assertThatThrownBy(() -> TinyTraining.fit(other, faces, args(3).resume(true)))
                    .hasMessageContaining("is of another training: head margin was ");
        }
    }

    /** The recipe's network has the state of AdaFace, which its files must have whatever the margin is now. */
    @Test
    void aRecipesStateIsInFilesOfAnotherMargin() {
        Path file = folder.resolve("some.model");
        try (Recognizer recognizer = Recognizer.adaFace(args())) {
            ((MarginSoftmax) recognizer.head()).setMargin(RECIPE);
            TinyTraining.fit(recognizer, faces, args(1));
            recognizer.save(file);
            TinyTraining.fit(recognizer, faces, args(2).resume(true));
        }
        for (String name : List.of("some.model", "last.ckpt")) {
            try (Recognizer loaded = Recognizer.load(folder.resolve(name))) {
                assertThat(loaded.warnings()).anyMatch(warning -> warning.startsWith("the head in "));
            }
        }
    }

    @Test
    void aMarginThatIsAsItWasMadeAgainLeavesNothingInFiles() {
        Path file = folder.resolve("some.model");
        Consumer<MarginSoftmax> thereAndBack = head -> {
            head.setMargin(ADA);
            head.setMargin(RECIPE);
        };
        fit(thereAndBack, args(1));
        try (Recognizer recognizer = recognizer(thereAndBack)) {
            recognizer.save(file);
        }
        for (String name : List.of("some.model", "last.ckpt")) {
            try (SafeTensors tensors = SafeTensors.open(folder.resolve(name));
                    Recognizer loaded = Recognizer.load(folder.resolve(name))) {
                assertThat(tensors.names()).doesNotContain("model.head.norm_mean");
                assertThat(loaded.warnings()).noneMatch(warning -> warning.startsWith("the head in "));
            }
        }
        fit(head -> {}, args(2).resume(true));
        fit(thereAndBack, args(3).resume(true));
    }

    /** Its training used to be resumed with any other. */
    @Test
    void aTrainingIsResumedWithTheChangedHeadOnly() {
        Consumer<MarginSoftmax> stronger = head -> head.setMargin(new ArcFaceMargin(64, 0.5));
        fit(stronger, args(1));
        assertThatThrownBy(() -> fit(head -> {}, args(2).resume(true)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is of another training: head margin was ArcFaceMargin[s=64.0, m=0.5,"
                        + " gradient=TRUE], is now as it was made; use");
        assertThatThrownBy(() -> fit(stronger.andThen(head -> head.setPartialFraction(0.5)), args(2).resume(true)))
                .hasMessageContaining("head sampling was as it was made, is now PartialFc[fraction=0.5]");
        assertThatThrownBy(() -> fit(
                        stronger.andThen(head -> head.setChunks(ClassChunks.DEFAULT.withBf16Logits(true))),
                        args(2).resume(true)))
                .hasMessageContaining("head bf16 logits was as it was made, is now true");
        fit(stronger, args(2).resume(true));
    }

    @Test
    void aTrainingWithTheStateOfAnotherMarginIsResumedExactly(@TempDir Path whole) {
        Consumer<MarginSoftmax> ada = head -> head.setMargin(ADA);
        fit(ada, args(3));
        fit(ada, args(6).resume(true));
        fit(ada, args(6).checkpoints(whole));
        try (SafeTensors resumed = SafeTensors.open(folder.resolve("last.ckpt"));
                SafeTensors reference = SafeTensors.open(whole.resolve("last.ckpt"))) {
            assertThat(resumed.names()).isEqualTo(reference.names()).contains("model.head.norm_mean");
            for (String name : List.of("model.head.norm_mean", "model.head.norm_std", "model.head.weight")) {
                assertThat(floats(resumed, name)).as(name).isEqualTo(floats(reference, name));
            }
        }
    }

    private static float[] floats(SafeTensors file, String name) {
        long count = Arrays.stream(file.shape(name)).reduce(1, (a, b) -> a * b);
        FloatBuffer values = FloatBuffer.allocate((int) count);
        file.readFloats(name, values);
        return values.array();
    }

    /** A margin that is warming up is not the head's own; files of that time used to be those of any other. */
    @Test
    void aMarginThatWarmsUpIsNoChange() {
        Path file = folder.resolve("some.model");
        try (Recognizer recognizer = recognizer(head -> {})) {
            TrainingListener saving = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    assertThat(margin(recognizer)).isNotEqualTo(RECIPE);
                    recognizer.save(file);
                }
            };
            TinyTraining.fit(recognizer, faces, args(1).marginWarmupEpochs(1).listeners(saving));
        }
        for (String name : List.of("some.model", "last.ckpt")) {
            try (Recognizer loaded = Recognizer.load(folder.resolve(name))) {
                assertThat(loaded.warnings()).noneMatch(warning -> warning.startsWith("the head in "));
            }
        }
    }

    @Test
    void aHeadOfOnesOwnIsResumedInTheSameArithmeticOnly() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, args(1));
        }
        MarginSoftmax head = TinyTraining.head();
        head.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
        try (Recognizer recognizer =
                Recognizer.of(new TinyBackbone(16), head, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args(2).resume(true)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("head bf16 logits was false, is now true");
        }
    }
}
