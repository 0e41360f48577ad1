package consumer;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.train.History;

/** Trains three steps on a folder of images, one folder per person, and embeds an image. */
public final class Consumer {
    private Consumer() {}

    public static void main(String[] args) throws Exception {
        Path people = Files.createTempDirectory(Path.of("target"), "people");
        for (int person = 0; person < 3; person++) {
            Path folder = Files.createDirectory(people.resolve("person " + person));
            for (int image = 0; image < 4; image++) {
                BufferedImage pixels = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
                pixels.createGraphics().fillOval(8 * person, 8 * image, 24, 32);
                ImageIO.write(pixels, "png", folder.resolve(image + ".png").toFile());
            }
        }
        FaceDataset train = FaceDataset.folders(people, Split.TRAIN, 0, 0, 0);
        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(64)
                .classes(train.classes())
                .build();
        TrainerArgs training = TrainerArgs.builder().batchSize(4).maxSteps(3).build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            History history = new Trainer(training).fit(recognizer, train);
            float[] embedding = recognizer.embed(people.resolve("person 0/0.png"));
            double norm = Recognizer.similarity(embedding, embedding);
            System.out.println(history.steps() + " steps, embedding of " + embedding.length + " values");
            if (history.steps() != 3 || embedding.length != 64 || Math.abs(norm - 1) > 1e-6) {
                throw new IllegalStateException("unexpected result");
            }
        }
    }
}
