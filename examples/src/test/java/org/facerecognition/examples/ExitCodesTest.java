package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Exit code 2 means wrong use, where another command line with the same files would work; exit code 1 means files that
 * cannot be used. Earlier, everything that the library calls an illegal argument was wrong use: lists with one kind of
 * pairs, folders with one image per person, packs of another size.
 */
class ExitCodesTest {
    @TempDir
    private static Path root;

    private static CliData data;
    private static Path faces;
    private static Path model;
    private static Path photo;
    private static Path nowhere;

    @BeforeAll
    static void makeData() throws IOException {
        data = new CliData(root);
        faces = data.faces();
        Cli.Result trained = Cli.train(
                faces,
                root.resolve("model"),
                "--encoder",
                "mobilefacenet",
                "--image-size",
                112,
                "--augmentations",
                "none",
                "--max-steps",
                1);
        assertThat(trained.code()).as(trained.err()).isZero();
        model = root.resolve("model/last.ckpt");
        photo = data.photograph("photo.png", true, 320, 240);
        nowhere = root.resolve("nowhere");
    }

    private static Arguments line(String message, Object... words) {
        return Arguments.of(
                "face-recognition "
                        + String.join(
                                " ", Arrays.stream(words).map(Object::toString).toList()),
                message,
                words);
    }

    private static Object[] and(Object[] words, Object... more) {
        Object[] all = Arrays.copyOf(words, words.length + more.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return all;
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class WrongUse {
        Stream<Arguments> lines() throws IOException {
            Object[] detect = {"detect", photo, "--detector", CliData.DETECTOR};
            Object[] evaluate = {"evaluate", "--model", model, "--data", faces};
            Path copy = Files.copy(model, root.resolve("copy.model"));
            Path link = Files.createSymbolicLink(root.resolve("link.model"), model);
            Object[] evaluateCopy = {"evaluate", "--model", copy, "--data", faces, "--protocol", "all-pairs"};
            Path two = Files.createDirectories(root.resolve("two/person"));
            Files.writeString(two.resolveSibling("train.rec"), "x");
            String header = "{\"weight\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
            Path weights = Files.writeString(
                    root.resolve("weights.pth"), (char) header.length() + "\0".repeat(7) + header + "\1");
            return Stream.of(
                    line("Missing required subcommand"),
                    line("Unmatched argument at index 0: 'fly'", "fly"),
                    line("Unknown option: '--color'", "detect", photo, "--color", "red"),
                    line("--people and --epochs must be at least 1", "demo", "--people", 0),
                    line("--people and --epochs must be at least 1", "demo", "--epochs", 0),
                    line("Missing required option: '--data=DIR'", "train"),
                    line("already holds a training", "train", "--data", faces, "--out", root.resolve("model")),
                    line(
                            "--sampler must be",
                            "train",
                            "--data",
                            faces,
                            "--out",
                            root.resolve("s"),
                            "--sampler",
                            "best"),
                    line("--verify-on-unseen must be in (0, 1)", "train", "--data", faces, "--verify-on-unseen", 1.5),
                    line("Missing required option: '--data=DIR'", "augment"),
                    line("did you mean Grayscale?", "augment", "--data", faces, "--augmentations", "Grayscal(3)"),
                    line("Missing required option: '--data=DIR'", "pack"),
                    line("can be read as recordio or folders", "pack", "--data", two.getParent()),
                    line("--detector must be given", "detect", photo),
                    line("--face must be given with --detector", "embed", photo, "--model", model, "--face", "largest"),
                    line(
                            "--max-side must be given with --detector",
                            "embed",
                            photo,
                            "--model",
                            model,
                            "--max-side",
                            640),
                    line("--unseen must be at least 0", and(evaluate, "--protocol", "all-pairs", "--unseen", -0.3)),
                    line("--unseen must be at least 0", and(evaluate, "--protocol", "open-set", "--unseen", "NaN")),
                    line("--layout must go with", and(evaluate, "--protocol", "lfw", "--layout", "folders")),
                    line("--min-images must go with", and(evaluate, "--protocol", "bin", "--min-images", 2)),
                    line("--min-score must be in [0, 1]", and(detect, "--min-score", 2)),
                    line(
                            "--size must be",
                            "align",
                            photo,
                            "--detector",
                            CliData.DETECTOR,
                            "--size",
                            "big",
                            "--out",
                            nowhere),
                    line("Missing required parameter: 'IMAGE'", "embed", "--model", model),
                    line("name it with --encoder", "embed", photo, "--model", weights),
                    line(
                            "degrees must be from 0 to 180, but were NaN",
                            "find-label-noise",
                            "--data",
                            faces,
                            "--model",
                            model,
                            "--degrees",
                            "NaN"),
                    line(
                            "--detector-cache must be given with --detector fetch",
                            "detect",
                            photo,
                            "--detector",
                            CliData.DETECTOR,
                            "--detector-cache",
                            root),
                    line("needs a model that train, or", "find-label-noise", "--data", faces, "--model", weights),
                    line(
                            "--out must not be a file that is read",
                            "export",
                            "--model",
                            copy,
                            "--format",
                            "safetensors",
                            "--out",
                            copy),
                    line(
                            "--out must not be a file that is read",
                            "find-label-noise",
                            "--data",
                            faces,
                            "--model",
                            copy,
                            "--out",
                            copy),
                    line("--report must not be a file that is read", and(evaluateCopy, "--report", copy)),
                    line(
                            "--out must not be a file that is read",
                            "augment",
                            "--data",
                            faces,
                            "--out",
                            faces.resolve("person0/../person1/2.png")),
                    line("the checkpoint of a training", "export", "--model", copy, "--format", "onnx", "--out", link),
                    line("encoder must be one of", "embed", photo, "--model", model, "--encoder", "lenet"),
                    line(
                            "error: only one of --threshold and --far can be given",
                            "verify",
                            photo,
                            photo,
                            "--model",
                            model,
                            "--threshold",
                            1,
                            "--far",
                            1),
                    line(
                            "must be given, or --folder",
                            "gallery",
                            "enroll",
                            "Ann",
                            "--model",
                            model,
                            "--gallery",
                            nowhere),
                    line("a name or --entry must be given", "gallery", "remove", "--gallery", nowhere),
                    line("Invalid value for option '--protocol'", and(evaluate, "--protocol", "guess")),
                    line("--calibrate must go with", and(evaluate, "--protocol", "bin", "--calibrate", nowhere)),
                    line(
                            "--unseen must be at least 0 and less than 1",
                            and(evaluate, "--protocol", "open-set", "--unseen", 1.5)),
                    line("--max-side must be 32 to", and(evaluate, "--detector", CliData.DETECTOR, "--max-side", 1)),
                    line("Missing required option: '--model=FILE'", "find-label-noise", "--data", faces),
                    line(
                            "must be without normalization",
                            "export",
                            "--model",
                            model,
                            "--format",
                            "safetensors",
                            "--normalize",
                            "--out",
                            nowhere),
                    line("port must be", "serve", "--model", model, "--detector", CliData.DETECTOR, "--port", 99_999),
                    line("--unseen must go with all-pairs or open-set", and(evaluate, "--unseen", 0.3)),
                    line("--pairs must go with lfw, view1 or pairs", and(evaluate, "--pairs", nowhere)),
                    line(
                            "--min-score must be given with --detector",
                            "embed",
                            photo,
                            "--model",
                            model,
                            "--min-score",
                            0.9),
                    line(
                            "--on-disk must be given with --gallery",
                            "serve",
                            "--model",
                            model,
                            "--detector",
                            CliData.DETECTOR,
                            "--on-disk"),
                    line("--image-size 1 to 4096", "augment", "--data", faces, "--image-size", -8),
                    line("must not be the checkpoint of a training", and(evaluate, "--calibrate", model)),
                    line("must not be the checkpoint", "quantize", photo, "--model", model, "--out", model),
                    line(
                            "must not be the checkpoint of a training",
                            "export",
                            "--model",
                            model,
                            "--format",
                            "safetensors",
                            "--out",
                            model),
                    line("--out must be a folder without a training", "demo", "--out", model.getParent()),
                    line("command must be one of", "schema", "serve"),
                    line(
                            "error: option --far must be given only once",
                            "verify",
                            "a",
                            "b",
                            "--model",
                            "m",
                            "--far",
                            0.1,
                            "--far",
                            0.2),
                    line(
                            "error: --top must be at least 1, but was 0",
                            "gallery",
                            "identify",
                            "--gallery",
                            "none",
                            "--top",
                            0,
                            "--model",
                            model,
                            photo),
                    line("error: --far must be in (0, 1), but was 7.0", "verify", "a", "b", "--model", "m", "--far", 7),
                    line(
                            "error: --far must be in (0, 1), but was NaN",
                            "gallery",
                            "identify",
                            "a",
                            "--gallery",
                            "g",
                            "--model",
                            "m",
                            "--far",
                            "NaN"),
                    line(
                            "error: --far must be in (0, 1), but was -1.0",
                            "serve",
                            "--detector",
                            "d",
                            "--model",
                            "m",
                            "--far",
                            -1),
                    line("error: --threshold must be a cosine", "verify", "a", "b", "--model", "m", "--threshold", 2),
                    line(
                            "error: --threshold must be a cosine",
                            "gallery",
                            "info",
                            "--gallery",
                            "g",
                            "--model",
                            "m",
                            "--threshold",
                            2),
                    line(
                            "error: --images and --image-size must give a sheet of at most 1,000,000 pixels",
                            "augment",
                            "--data",
                            faces,
                            "--image-size",
                            4096,
                            "--images",
                            500),
                    train(
                            "a size must not begin with 0, but one was 024; write 1024, not 1,024",
                            "--embedding-size",
                            "1,024"),
                    train(
                            "error: --embedding-size must be more than 1 for a layer before another, but was 1,500",
                            "--embedding-size",
                            "1,500"),
                    line("error: --shards must be at least 1, but was 0", "pack", "--data", faces, "--shards", 0),
                    line("error: --decoded must be 0 to 10000 pixels", "pack", "--data", faces, "--decoded", -1),
                    train("error: --lr must be positive and finite, but was -1.0", "--lr", -1),
                    train("error: --accumulate must be at least 1, but was 0", "--accumulate", 0),
                    train("error: --threads must be at least 1, but was -1", "--threads", -1),
                    train("error: --verify-on-unseen must be in (0, 1), but was 1.0", "--verify-on-unseen", 1),
                    train(
                            "error: --val-fraction and --test-fraction must be at least 0 and together below 1",
                            "--val-fraction",
                            1),
                    train("error: option --epochs must be given only once", "--epochs", 2, "--epochs", 3));
        }

        private Arguments train(String message, Object... options) {
            Path out = root.resolve("never-made");
            return line(message, and(new Object[] {"train", "--data", faces, "--out", out}, options));
        }

        @ParameterizedTest(name = "{0}")
        @MethodSource("lines")
        void exitsWith2AndAHint(String name, String message, Object[] words) {
            Cli.Result result = Cli.run(words);
            assertThat(result.err())
                    .contains("error: ", message, "See 'face-recognition")
                    .doesNotContain("\tat ");
            assertThat(result.code()).isEqualTo(2);
            assertThat(result.out()).isEmpty();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class UnusableFiles {
        Stream<Arguments> lines() throws IOException {
            Object[] evaluate = {"evaluate", "--model", model, "--protocol"};
            Path others = Cli.faces(root.resolve("others"));
            Files.move(others.resolve("person0"), others.resolve("somebody"));
            Path oneEach = root.resolve("one-each");
            for (String person : new String[] {"a", "b", "c", "d"}) {
                copy(faces.resolve("person0/0.png"), oneEach.resolve(person + "/0.png"));
            }
            Path alone = root.resolve("alone");
            copy(faces.resolve("person0/0.png"), alone.resolve("a/0.png"));
            copy(faces.resolve("person0/1.png"), alone.resolve("a/1.png"));
            Path single = root.resolve("single");
            copy(faces.resolve("person0/0.png"), single.resolve("a/0.png"));
            Path loose = root.resolve("loose");
            copy(faces.resolve("person0/0.png"), loose.resolve("0.png"));
            Path pack = root.resolve("small.pack");
            assertThat(Cli.run("pack", "--data", faces, "--decoded", 32, "--out", pack)
                            .code())
                    .isZero();
            Path text = Files.writeString(root.resolve("text.pth"), "this is no model");
            Path empty = Files.writeString(root.resolve("empty.pth"), "");
            Path pointer =
                    Files.writeString(root.resolve("pointer.pth"), "version https://git-lfs.github.com/spec/v1\n");
            Path page = Files.writeString(root.resolve("page.pth"), "\n<!DOCTYPE html><title>404</title>");
            Path genuine = data.pairs("genuine.tsv", 12, 0);
            Path impostor = data.pairs("impostor.tsv", 0, 3);
            Path bin = data.bin(Collections.nCopies(3, true));
            Path ir = new CliData(root.resolve("lonely")).celebaIr(2);
            Files.writeString(ir.resolve("celebA_anno_query.csv"), "img,id\n0.png,1\n1.png,2\n2.png,3\n3.png,4\n");
            return Stream.of(
                    line("does not exist", "train", "--data", nowhere, "--out", root.resolve("t")),
                    line("there is nothing to resume", "train", "--resume", "--out", nowhere),
                    line(
                            "the training data has one sample",
                            "train",
                            "--data",
                            single,
                            "--out",
                            root.resolve("u"),
                            "--encoder",
                            "mobilefacenet",
                            "--augmentations",
                            "none",
                            "--embedding-size",
                            16),
                    line(
                            "form none of the same person",
                            "train",
                            "--data",
                            oneEach,
                            "--out",
                            root.resolve("v"),
                            "--encoder",
                            "mobilefacenet",
                            "--verify-on-unseen",
                            0.5),
                    line("does not exist", "augment", "--data", nowhere),
                    line("must have one folder of images per person (--layout folders)", "pack", "--data", loose),
                    line("face detector " + nowhere + " does not exist", "detect", photo, "--detector", nowhere),
                    line("does not exist", "detect", nowhere, "--detector", CliData.DETECTOR, "--json"),
                    line("does not exist", "embed", nowhere, "--model", model),
                    line("does not exist", "embed", photo, "--model", nowhere),
                    line("is a text file, not weights", "embed", photo, "--model", text, "--encoder", "mobilefacenet"),
                    line("is empty; fetch it again", "embed", photo, "--model", empty),
                    line("is a Git LFS pointer", "verify", photo, photo, "--model", pointer, "--threshold", 1),
                    line("is a web page", "find-label-noise", "--model", page, "--data", faces),
                    line(
                            "is a web page",
                            "train",
                            "--data",
                            faces,
                            "--init",
                            page,
                            "--out",
                            root.resolve("w"),
                            "--encoder",
                            "mobilefacenet"),
                    line("does not exist", "verify", nowhere, photo, "--model", model, "--threshold", 0.5),
                    line("must have been calibrated", "verify", photo, photo, "--model", model),
                    line("gallery " + nowhere + " does not exist", "gallery", "list", "--gallery", nowhere),
                    line(
                            "gallery " + nowhere.getParent() + " must be a file, but is a folder; name a file in it",
                            "gallery",
                            "info",
                            "--gallery",
                            nowhere.getParent()),
                    line(" does not exist", "gallery", "remove", "Ann", "--gallery", nowhere),
                    line("does not exist", and(evaluate, "closed-set", "--data", nowhere)),
                    line("does not exist", and(evaluate, "bin", "--data", nowhere)),
                    line("all 3 are genuine; add impostor pairs", and(evaluate, "bin", "--data", bin)),
                    line("does not exist", and(evaluate, "lfw", "--data", nowhere)),
                    line("list of pairs", and(evaluate, "view1", "--data", faces)),
                    line("all 12 are genuine", and(evaluate, "pairs", "--data", faces, "--pairs", genuine)),
                    line("all 3 are impostor", and(evaluate, "pairs", "--data", faces, "--pairs", impostor)),
                    line("form none of different people", and(evaluate, "all-pairs", "--data", alone)),
                    line("form none of the same person", and(evaluate, "all-pairs", "--data", oneEach)),
                    line("at least 2 people", and(evaluate, "open-set", "--data", alone, "--val-fraction", 0.5)),
                    line("queries must include two of the same person", and(evaluate, "celeba-ir", "--data", ir)),
                    line("must be packed at 112 px", and(evaluate, "all-pairs", "--data", pack)),
                    line(
                            "identities that this model was trained on",
                            "find-label-noise",
                            "--model",
                            model,
                            "--data",
                            others),
                    line("must be packed at 112 px", "find-label-noise", "--model", model, "--data", pack),
                    line("does not exist", "export", "--model", nowhere, "--format", "onnx", "--out", nowhere));
        }

        private void copy(Path from, Path to) throws IOException {
            Files.createDirectories(to.getParent());
            Files.copy(from, to);
        }

        @ParameterizedTest(name = "{0}")
        @MethodSource("lines")
        void exitsWith1(String name, String message, Object[] words) {
            Cli.Result result = Cli.run(words);
            assertThat(result.err()).contains(message).doesNotContain("\tat ", "See 'face-recognition");
            assertThat(result.code()).isEqualTo(1);
        }
    }

    @Test
    void suggestsSimilarCommands() {
        assertThat(Cli.run("detekt").err()).contains("Did you mean: ", "detect");
        assertThat(Cli.run("detect", "--detecter", "x", photo).err()).contains("See 'face-recognition detect --help'.");
    }
}
