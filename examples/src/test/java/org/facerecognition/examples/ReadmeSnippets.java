package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import javax.sql.DataSource;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.EmbeddedFace;
import org.facerecognition.FaceBatcher;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Threshold;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.VerificationResult;
import org.facerecognition.augment.Pipeline;
import org.facerecognition.augment.Presets;
import org.facerecognition.augment.Transform;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;

/** The short snippets of the module READMEs: the lines between {@code // [name} and {@code // name]}. */
final class ReadmeSnippets {
    private ReadmeSnippets() {}

    static void threeLayers(Path folder, Path out, FaceDetector detector, Path photo, Path otherPhoto) {
        // [threeLayers
        // the original of each image and five augmented copies
        var train = FaceDataset.celeba500(folder, Split.TRAIN)
                .withCrop(Crop.CELEBA_ALIGNED) // so that the model also takes faces from photographs
                .withAugmentations(Presets.fiveColor());
        var validation = FaceDataset.celeba500(folder, Split.VAL).withCrop(Crop.CELEBA_ALIGNED);
        var model = RecognizerArgs.builder()
                .encoder(Encoder.RESNET34)
                .embeddingSize(512)
                .classes(500)
                .s(5)
                .m(0.1)
                .build();
        var training = TrainerArgs.builder()
                .optimizer(new AdamW(3e-4, 0.01))
                .batchSize(16)
                .epochs(50)
                .checkpoints(out)
                .build();
        try (var recognizer = Recognizer.arcFace(model)) {
            History history = new Trainer(training).fit(recognizer, train, validation);
            recognizer.useDetector(detector);
            double cosine = Recognizer.similarity(recognizer.embed(photo), recognizer.embed(otherPhoto)); // in [-1, 1]
        }
        // threeLayers]
    }

    static void photographs(Path yunet, Path model, Path a, Path b, Path groupPhoto, Path file, Path anna, Path probe) {
        // [photographs
        try (var detector = FaceDetector.open(yunet);
                var recognizer = Recognizer.load(model)) {
            recognizer.useDetector(detector);
            recognizer.useFlip(true); // adds the embedding of the mirror image: slightly more accurate
            Threshold threshold = recognizer.threshold(0.01); // calibrated for a false accept rate of 1 %, see below
            VerificationResult result = recognizer.verify(ImageSource.of(a), ImageSource.of(b), threshold);
            List<EmbeddedFace> faces = recognizer.faces(ImageSource.of(groupPhoto)); // box, landmarks, score, embedding
            try (Gallery gallery = recognizer.openGallery(file)) {
                gallery.enroll("Anna", recognizer.embed(anna), "anna.jpg");
                Outcome outcome = gallery.identify(recognizer.embed(probe), 5, threshold.cosine()); // or unknown
            }
        }
        // photographs]
    }

    static void prepare(Recognizer recognizer, Path face) throws InterruptedException {
        // [prepare
        try (PreparedRecognizer prepared = recognizer.prepare(); // immutable, for any number of threads
                FaceBatcher batcher = prepared.batcher()) { // batches the calls of many threads
            CompletableFuture<float[]> embedding = batcher.embed(face);
        }
        recognizer.export(Path.of("model.onnx"), ExportFormat.ONNX, true);
        // prepare]
    }

    static void int8(Recognizer recognizer, List<ImageSource> faces, Path face) {
        // [int8
        System.out.println(recognizer.calibrateInt8(faces)); // 200 or more; cosine to float32, changed decisions
        recognizer.save(Path.of("model.safetensors"));
        try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.INT8)) { // or PreparedRecognizer.load
            float[] embedding = prepared.embed(face);
        }
        // int8]
    }

    static void load(Path photograph) {
        // [load
        try (FaceDetector detector = FaceDetector.open(Path.of("yunet.onnx"));
                PreparedRecognizer prepared = PreparedRecognizer.load(Path.of("model.safetensors"), detector)) {
            float[] embedding = prepared.embed(photograph);
        }
        // load]
    }

    static void onnx(FaceDetector detector, Path photograph) {
        // [onnx
        try (OnnxModel onnx = OnnxModel.open(Path.of("w600k_r50.onnx"), InputContract.parse("insightface"));
                PreparedRecognizer prepared = PreparedRecognizer.load(
                        onnx, PrepareOptions.DEFAULT, detector, FaceChoice.MOST_PROMINENT, false)) {
            float[] embedding = prepared.embed(photograph);
        }
        // onnx]
    }

    static void distributed(Recognizer recognizer, FaceDataset faces) {
        // [distributed
        try (Distributed group = Distributed.fromEnvironment()) { // of torchrun, mpirun, srun, Kubeflow; or alone
            new Trainer(TrainerArgs.builder().distributed(group).batchSize(256).build()).fit(recognizer, faces);
        }
        // distributed]
    }

    static void augment(Mat rgb) {
        // [augment
        List<Transform> transforms = TransformLine.parse("Grayscale(3), ColorJitter(brightness=0.5, hue=0.3)");
        try (Mat changed = new Pipeline(transforms).apply(rgb, new SplittableRandom(7))) {
            // rgb and changed are RGB, CV_8UC3, and of the same size
        }
        // augment]
    }

    static void database(DataSource pool, Recognizer recognizer, float[] embedding, float[] probe) {
        // [database
        try (var gallery = Gallery.connect(pool, "people", recognizer.fingerprint(), recognizer.embeddingSize())) {
            gallery.bindEmbeddingMode(recognizer.embeddingMode().toString()); // refuses embeddings made in another way
            Enrollment anna = new Enrollment("Anna", embedding, "anna.jpg").withAttributes(Map.of("site", "north"));
            gallery.enroll(List.of(anna)); // one transaction for the whole list
            Outcome outcome = gallery.identify(probe, 5, 0.4, Map.of("site", "north")); // entries with this attribute
        }
        // database]
    }

    static List<Match> shards(List<Gallery> shards, String personId, float[] embedding, float[] probe) {
        // [shards
        shards.get(Math.floorMod(personId.hashCode(), shards.size())).enroll(personId, embedding);

        List<Match> best = shards.parallelStream()
                .flatMap(shard -> shard.identify(probe, 5, 0.4).matches().stream())
                .sorted(Comparator.comparingDouble(Match::cosine).reversed())
                .limit(5)
                .toList();
        // shards]
        return best;
    }

    static void head() {
        // [head
        Libtorch.load(); // before the first module is created
        try (MarginSoftmax head = new MarginSoftmax(500, 128, new ArcFaceMargin(10, 0.1)); // 500 people, 128 values
                SGD optimizer = new SGD(head.parameters(), new SGDOptions(0.1))) {
            for (int step = 0; step < 10; step++) {
                try (PointerScope scope = new PointerScope()) { // closes the step's tensors
                    Tensor embeddings = torch.randn(16, 128); // [B, D]; put the output of your network here
                    Tensor labels = torch.randint(500, new long[] {16}).to(torch.ScalarType.Long); // [B], in [0, 500)
                    Tensor loss = head.forward(embeddings, labels).loss();
                    loss.backward();
                    optimizer.step();
                    optimizer.zero_grad();
                }
            }
        }
        // head]
    }
}
