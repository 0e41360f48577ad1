package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The four commands of "Train on your own photographs" in the top README, one after another. */
class OwnPhotographsTest {
    private static final int PEOPLE = 86; // 26 of whom are left out: a threshold takes 25

    @TempDir
    Path root;

    /** Writes a photograph of a person: gray patches that are the person's, noise, and the square of a face. */
    static void photograph(Path file, int person, int shot) throws IOException {
        BufferedImage image = new BufferedImage(160, 176, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        Random patches = new Random(person);
        for (int x = 0; x < image.getWidth(); x += 8) {
            for (int y = 0; y < image.getHeight(); y += 8) {
                int gray = patches.nextInt(200);
                graphics.setColor(new Color(gray, gray, gray));
                graphics.fillRect(x, y, 8, 8);
            }
        }
        Random noise = new Random(1000L * person + shot);
        for (int i = 0; i < image.getWidth() * image.getHeight(); i++) {
            int x = i % image.getWidth();
            int y = i / image.getWidth();
            int gray = (image.getRGB(x, y) & 0xff) + noise.nextInt(16);
            image.setRGB(x, y, gray * 0x10101);
        }
        graphics.setColor(Color.RED);
        graphics.fillRect(72, 80, 8, 8);
        graphics.dispose();
        Files.createDirectories(file.getParent());
        ImageIO.write(image, "png", file.toFile());
    }

    private static Cli.Result run(Object... words) {
        Cli.Result result = Cli.run(words);
        assertThat(result.code()).as(result.err()).isZero();
        return result;
    }

    @Test
    void theCommandsOfTheReadmeGiveAModelWithAThreshold() throws IOException {
        Path people = root.resolve("people");
        for (int person = 0; person < PEOPLE; person++) {
            for (int shot = 0; shot < 2; shot++) {
                photograph(people.resolve("Person " + person + "/" + shot + ".png"), person, shot);
            }
        }
        Path crops = root.resolve("crops");
        run("align", "--detector", CliData.DETECTOR, "--out", crops, people);
        assertThat(crops.resolve("Person 85/1.png")).exists();

        Path out = root.resolve("model");
        Object[] unseen = {"--verify-on-unseen", 0.3, "--encoder", "resnet18", "--epochs", 1, "--batch-size", 60};
        Cli.Result trained = Cli.train(crops, out, unseen);
        assertThat(trained.code()).as(trained.err()).isZero();
        assertThat(Cli.number(trained.json(), "unseen_auc")).isBetween(0.5, 1.0);

        Path own = root.resolve("own.model");
        Object[] words = {
            "evaluate", "--protocol", "all-pairs", "--data", people, "--detector", CliData.DETECTOR, "--json"
        };
        Object[] more = {"--model", out.resolve("best.ckpt"), "--unseen", 0.3, "--calibrate", own};
        JsonNode figures =
                run(Stream.of(words, more).flatMap(Arrays::stream).toArray()).json();
        assertThat(Cli.number(figures, "people")).isEqualTo(26);
        assertThat(Cli.number(figures, "people_in_training")).isZero();
        assertThat(Cli.number(figures, "faces_not_found")).isZero();
        assertThat(Cli.number(figures.get("calibration").get(0), "people")).isEqualTo(26);

        Path one = people.resolve("Person 3/0.png");
        Path other = people.resolve("Person 4/0.png");
        assertThat(run("verify", "--detector", CliData.DETECTOR, "--model", own, one, other)
                        .out())
                .containsPattern("^different people: cosine .*, threshold .*, false accept rate 0.01 \\(at most .* on");
    }
}
