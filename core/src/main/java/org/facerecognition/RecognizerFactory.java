package org.facerecognition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ModelInput;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;

/** Makes recognizers: from a loss and args, from pretrained weights, from a file. */
final class RecognizerFactory {
    private static final int MAX_OUTPUTS = 1 << 14; // of an encoder whose length is in its file

    private RecognizerFactory() {}

    static Recognizer withLoss(LossName loss, RecognizerArgs args) {
        RecognizerArgs resolved = args.resolved(loss);
        LossSettings settings = resolved.lossSettings(loss);
        loss.check(resolved.classes(), settings); // before anything is allocated
        requireCenters(loss, resolved);
        List<String> warnings = new ArrayList<>(loss.warnings(args.lossSettings(loss), args.classes()));
        if (args.bf16Logits() && (settings.labelSmoothing() > 0 || settings.focalGamma() > 0)) {
            warnings.add("bf16Logits has no meaning with label smoothing or focal weighting and is not used");
        }
        if (args.backbone().smallFaces() && args.encoder().origin() != Encoder.Origin.TORCHVISION) {
            warnings.add("smallFaces has no meaning for " + args.encoder()
                    + ", which has no stride and pooling to leave out, and is not used");
        }
        if (args.partialFraction() < 1 && settings.labelSmoothing() > 0) {
            warnings.add("with partialFraction below 1 label smoothing is spread over the sampled identities in"
                    + " training and over all in validation, so that the two losses cannot be compared");
        }
        return NativeErrors.explained(
                () -> RandomStream.seeded(resolved.seed(), () -> assemble(loss, resolved, settings, warnings)));
    }

    private static void requireCenters(LossName loss, RecognizerArgs args) {
        if (!loss.hasCenters() && (args.partialFraction() < 1 || args.bf16Logits())) {
            throw new IllegalArgumentException((args.bf16Logits() ? "bf16Logits" : "partialFraction below 1")
                    + " must go with a loss that has a center for each identity, such as arcface, but the loss was "
                    + loss);
        }
    }

    private static Recognizer assemble(
            LossName loss, RecognizerArgs args, LossSettings settings, List<String> warnings) {
        Backbone encoder = args.encoder().create(args.encoderLastLayerName(), args.embeddingSizes(), args.backbone());
        Head head;
        try {
            head = loss.create(args.classes(), args.embeddingSize(), settings);
        } catch (RuntimeException e) { // there may be no memory for the centers
            encoder.close();
            throw e;
        }
        if (head instanceof MarginSoftmax margins) {
            if (args.partialFraction() < 1) {
                margins.setPartialFraction(args.partialFraction());
            }
            if (args.bf16Logits()) {
                margins.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            }
        }
        return new Recognizer(ModelInfo.of(loss, args).withWarnings(warnings).withHead(head.settings()), encoder, head);
    }

    static Recognizer pretrained(Encoder encoder, Weights weights) {
        RecognizerArgs.Builder args = RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(outputs(encoder, weights))
                .classes(1);
        Optional<ModelInput> input = ModelFiles.input(weights);
        input.ifPresent(stated -> args.imageSizePx(stated.sizePx()).normalization(stated.normalization()));
        Recognizer recognizer = Initialization.skippedDuring(() -> withLoss(LossName.ARCFACE, args.build()));
        try {
            // strict: a random last layer would embed noise
            Weights.Report report = encoderPart(weights).into(recognizer.encoder());
            setUnusedCenters((MarginSoftmax) recognizer.head());
            recognizer.model().startedFrom(weights);
            if (!report.unexpected().isEmpty()) {
                recognizer.model().withWarnings(List.of(weights.file() + ": " + report.leftOver()));
            }
            return recognizer;
        } catch (RuntimeException e) {
            recognizer.close();
            throw e;
        }
    }

    /** Returns the length of embeddings that a file's last layer gives; the usual one if it does not tell. */
    private static int outputs(Encoder encoder, Weights weights) {
        String last = encoder.lastLayerName() + ".weight";
        long[] rows = weights.names().stream()
                .filter(name -> name.equals(last) || name.endsWith("." + last))
                .map(weights::shape)
                .filter(shape -> shape.length == 2)
                .mapToLong(shape -> shape[0])
                .distinct()
                .toArray();
        return rows.length == 1 && rows[0] > 0 && rows[0] <= MAX_OUTPUTS ? (int) rows[0] : encoder.originalOutputs();
    }

    /** Gives a head that is never trained or asked finite centers, since its initialization was skipped. */
    private static void setUnusedCenters(MarginSoftmax head) {
        try (PointerScope scope = new PointerScope()) {
            head.setCenters(torch.ones(head.classes(), head.embeddingSize()));
        }
    }

    /**
     * Returns the encoder's tensors of a file of this library by the encoder's names; those of any other file as they
     * are.
     */
    static Weights encoderPart(Weights weights) {
        boolean ours = ModelFiles.isModel(weights.metadata())
                && weights.names().stream().anyMatch(name -> name.startsWith(ModelFiles.ENCODER_PREFIX));
        return ours
                ? weights.renamed(name -> name.startsWith(ModelFiles.ENCODER_PREFIX)
                        ? name.substring(ModelFiles.ENCODER_PREFIX.length())
                        : null)
                : weights;
    }

    static Recognizer load(Path file) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            ModelInfo model = ModelFiles.read(tensors);
            RecognizerArgs args = model.args().resolved(model.loss()); // older files have settings their loss lacks
            Recognizer recognizer = ModelFiles.make(
                    tensors, args, () -> Initialization.skippedDuring(() -> withLoss(model.loss(), args)));
            recognizer.model().adopt(model);
            ModelFiles.warningOfHead(tensors).ifPresent(warning -> warn(recognizer, warning));
            return filled(recognizer, tensors);
        }
    }

    private static void warn(Recognizer recognizer, String warning) {
        List<String> all = new ArrayList<>(recognizer.warnings());
        all.add(warning);
        recognizer.model().withWarnings(List.copyOf(all));
    }

    static Recognizer load(Path file, Backbone encoder, Head head) {
        boolean made = false;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            ModelInfo model = ModelFiles.read(tensors);
            ModelFiles.headAsMade(tensors, head).ifPresent(model::withHead);
            Recognizer recognizer = new Recognizer(model, encoder, head);
            made = true;
            return filled(recognizer, tensors);
        } finally {
            if (!made) {
                encoder.close();
                head.close();
            }
        }
    }

    private static Recognizer filled(Recognizer recognizer, SafeTensors file) {
        try {
            ModelFiles.fill(recognizer.model(), recognizer.net(), recognizer.head(), file);
            return recognizer;
        } catch (RuntimeException e) {
            recognizer.close();
            throw e;
        }
    }
}
