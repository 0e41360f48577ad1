package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is chosen to calibrate on, and who is known from the training. */
class CalibratorTest {
    @TempDir
    Path folder;

    /** People with an image each; only its name is read. */
    private FaceDataset people(String... names) throws IOException {
        Path root = Files.createTempDirectory(folder, "people");
        for (String name : names) {
            Files.write(Files.createDirectories(root.resolve(name)).resolve("1.png"), new byte[] {1});
        }
        return FaceDataset.folders(root, Split.TRAIN, 0, 0, 1);
    }

    private static Embedded randomly(FaceDataset faces) {
        Random random = new Random(1);
        float[][] embeddings = new float[faces.size()][];
        int[] labels = new int[faces.size()];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = faces.sample(i).label();
            double angle = random.nextDouble() * Math.PI;
            embeddings[i] = new float[] {(float) Math.cos(angle), (float) Math.sin(angle)};
        }
        return new Embedded(embeddings, labels);
    }

    /** @param sizes gets the number of faces that are embedded */
    private static List<Calibration.Point> measured(
            int people, int imagesOfEach, List<Double> rates, int maxFaces, List<Integer> sizes) {
        return new Calibrator(Set.of(), faces -> {
                    sizes.add(faces.size());
                    return randomly(faces);
                })
                .measure(
                        FaceDataset.synthetic(
                                new SyntheticFaces(0, 48).identities(0, people).images(0, imagesOfEach), Split.TEST),
                        CalibrationSettings.DEFAULT.withFalseAcceptRates(rates).withMaxFaces(maxFaces));
    }

    /** People used to be dropped in favor of images, and with them the rates that take many people to be estimated. */
    @ParameterizedTest
    @CsvSource({"300, 2", "200, 2", "100, 1", "1000, 2"})
    void fewerImagesOfEachPersonRatherThanFewerPeople(int maxFaces, int rates) {
        List<Integer> sizes = new ArrayList<>();
        List<Calibration.Point> points = measured(100, 10, List.of(0.01, 0.001), maxFaces, sizes);
        assertThat(points).hasSize(rates);
        assertThat(sizes).allMatch(size -> size <= maxFaces && size > maxFaces - 10);
    }

    @Test
    void saysThatTooFewPeopleCannotShowThatARateHoldsOnOthers() {
        FaceDataset people = FaceDataset.synthetic(
                new SyntheticFaces(0, 48).identities(0, 30).images(0, 2), Split.TEST);
        CalibrationSettings settings =
                CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.01)).withBounded(true);
        assertThatThrownBy(() -> new Calibrator(Set.of(), CalibratorTest::randomly).measure(people, settings))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("none of the false accept rates [0.01] can be shown to hold on other people: 30"
                        + " people are too few");
    }

    /** It was an error of the program, or data with equal images was suspected. */
    @Test
    void tooFewUsableFacesAreAFaultOfTheData() {
        FaceDataset people = FaceDataset.synthetic(
                new SyntheticFaces(0, 48).identities(0, 30).images(0, 2), Split.TEST);
        for (int found : new int[] {1, 20}) {
            Calibrator calibrator = new Calibrator(Set.of(), faces -> {
                int[] first = IntStream.range(0, 2 * found).toArray();
                return randomly(faces).chosen(first);
            });
            assertThatThrownBy(() -> calibrator.measure(people, CalibrationSettings.DEFAULT))
                    .isInstanceOf(DataException.class)
                    .hasMessage("a false accept rate of 0.01 needs at least 25 people to be estimated, but only "
                            + found + " have usable faces; add more people or ask for a higher rate");
        }
        assertThatThrownBy(() -> measured(100, 4, List.of(0.01), 40, new ArrayList<>()))
                .isInstanceOf(DataException.class)
                .hasMessage("maxFaces must allow faces of 25 people for a false accept rate of 0.01, but 40 allow only"
                        + " 20; allow more, at least two for each");
    }

    /** It ended with an error where everybody has more images than half of the maximum. */
    @Test
    void peopleWithVeryManyImagesAreCalibratedOnWithSome() {
        List<Integer> sizes = new ArrayList<>();
        List<Calibration.Point> points = measured(30, 40, List.of(0.01), 60, sizes);
        assertThat(points).hasSize(1);
        assertThat(sizes).containsExactly(60);
    }

    /** Archives from macOS have decomposed names, copies of them on Linux composed ones. */
    @Test
    void peopleOfTheTrainingAreKnownHoweverTheirNamesAreWritten() throws IOException {
        String name = "Zo\u00eb";
        String decomposed = Normalizer.normalize(name, Normalizer.Form.NFD);
        assertThat(Calibrator.known(Set.of(decomposed), people(name, "bob"))).containsExactly(name);
        assertThat(Calibrator.known(Set.of("Ann  Lee"), people("ann lee", "bob")))
                .containsExactly("ann lee");
        assertThat(Calibrator.known(Set.of("ann"), people("anna", "bob"))).isEmpty();
    }

    /** They counted as two people, whose faces are alike, and the threshold rose. */
    @Test
    void aPersonInTwoSpellingsIsNotTwoPeople() throws IOException {
        FaceDataset people = people("ann  lee", "Ann Lee", "bob", "carl");
        CalibrationSettings settings = CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.5));
        Calibrator calibrator = new Calibrator(Set.of(), CalibratorTest::randomly);
        assertThatThrownBy(() -> calibrator.measure(people, settings))
                .isInstanceOf(DataException.class)
                .hasMessageContainingAll("\"ann  lee\"", "\"Ann Lee\"", "one folder", "--namesakes", "withNamesakes");
        assertThat(calibrator.measure(people, settings.withNamesakes(true))).hasSize(1);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aBackslashIsPartOfAName() throws IOException {
        String name = "AC\\DC";
        assertThat(Calibrator.known(Set.of(name), people(name, "bob"))).containsExactly(name);
    }

    /** One image under several names raised the threshold without a word. */
    @Test
    void notesOneImageUnderSeveralNames() throws IOException {
        FaceDataset people = people("ann", "bob", "carl", "dora");
        List<String> notes = new ArrayList<>();
        CalibrationSettings settings =
                CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(0.9)).withNotes(notes::add);
        new Calibrator(Set.of(), CalibratorTest::randomly).measure(people, settings);
        assertThat(notes).isEmpty();
        float[][] embeddings = {{1, 0}, {0, 1}, {-1, 0}, {0, 1}};
        new Calibrator(Set.of(), faces -> new Embedded(embeddings, new int[] {0, 1, 2, 3})).measure(people, settings);
        assertThat(notes).hasSize(1);
        assertThat(notes.get(0)).startsWith("1 impostor pair has a cosine above 0.9999: bob/1.png and dora/1.png;");
    }
}
