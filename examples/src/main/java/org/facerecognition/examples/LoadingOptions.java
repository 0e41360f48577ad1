package org.facerecognition.examples;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.facerecognition.TrainerArgs;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Sampler;
import org.facerecognition.examples.HelpSection.Heading;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of how training images become batches. */
@HelpSection(Heading.LOADING)
final class LoadingOptions {
    private static final Pattern PEOPLE_AND_IMAGES = Pattern.compile("(\\d{1,6})x(\\d{1,6})");

    @Option(names = "--batch-size", paramLabel = "N", defaultValue = "16", description = "Images per batch.")
    private int batchSize;

    @Option(
            names = "--sampler",
            defaultValue = "shuffled",
            paramLabel = "NAME",
            description =
                    "shuffled; balanced (every person equally often); or PxK, such as 16x4 (batches of P people with K"
                            + " images each; --batch-size is then P*K).")
    private String sampler;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "Threads that read and augment images, at most 256. Default: 2, or 1 where there is one processor.")
    private @Nullable Integer threads;

    @Option(
            names = "--bad-images",
            paramLabel = "WHAT",
            defaultValue = "fail",
            description = "What to do about an image that cannot be used: fail; or skip, which takes another image"
                    + " instead and reports it.")
    private BadImages badImages;

    @Option(
            names = "--image-cache-mib",
            defaultValue = "512",
            paramLabel = "MIB",
            description = "Memory for decoded images, for each part of the data; 0 to decode every time.")
    private int imageCacheMib;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Applies the options. Sets --batch-size to P*K where --sampler decides it, for {@code args.json}. */
    TrainerArgs.Builder apply(TrainerArgs.Builder args) {
        Sampler order = sampler(); // before the batch size is read
        if (threads != null) {
            args.loaderThreads(threads);
        }
        return args.sampler(order).batchSize(batchSize).badImages(badImages).imageCacheMib(imageCacheMib);
    }

    private Sampler sampler() {
        Matcher peopleAndImages = PEOPLE_AND_IMAGES.matcher(sampler);
        if (peopleAndImages.matches()) {
            Sampler groups = Sampler.identities(
                    Integer.parseInt(peopleAndImages.group(1)), Integer.parseInt(peopleAndImages.group(2)));
            if (!command.commandLine().getParseResult().hasMatchedOption("--batch-size")) {
                batchSize = groups.groupSize();
            }
            return groups;
        }
        return switch (sampler) {
            case "shuffled" -> Sampler.shuffled();
            case "balanced" -> Sampler.balanced();
            default ->
                throw new IllegalArgumentException(
                        "--sampler must be shuffled, balanced or PxK, such as 16x4, but was \"" + sampler + "\"");
        };
    }
}
