package org.facerecognition;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.File;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.Date;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.augment.JpegCompression;
import org.facerecognition.data.ImageReader;
import org.facerecognition.io.WriterLock;
import org.facerecognition.natives.ParallelStreams;
import org.facerecognition.train.ParameterOptimizer;

/** Checks the design rules that the compiler cannot check. */
@AnalyzeClasses(packages = "org.facerecognition", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String BASE = "org.facerecognition";

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("org.facerecognition.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule nothingDependsOnTheBasePackage = noClasses()
            .that()
            .resideOutsideOfPackage(BASE)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(BASE);

    @ArchTest
    static final ArchRule lossesDependOnNativesOnly = dependsOnlyOn("org.facerecognition.losses..", "natives");

    @ArchTest
    static final ArchRule augmentDependsOnNothing = dependsOnlyOn("org.facerecognition.augment..");

    @ArchTest
    static final ArchRule nativesDependOnNothing = dependsOnlyOn("org.facerecognition.natives..");

    @ArchTest
    static final ArchRule ioDependsOnNothing = dependsOnlyOn("org.facerecognition.io..");

    @ArchTest
    static final ArchRule ioNeedsNoNativeLibrary = noClasses()
            .that()
            .resideInAPackage("org.facerecognition.io..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    /** JavaCPP loads OpenCV's windows with most other modules, and they need GTK, which servers do not have. */
    @ArchTest
    static final ArchRule openCvShowsNoWindows = noClasses()
            .should()
            .dependOnClassesThat()
            .haveNameMatching("org\\.bytedeco\\.opencv\\.(global\\.)?opencv_(?!(core|imgproc|imgcodecs|dnn)\\b).*");

    @ArchTest
    static final ArchRule backbonesDependOnNativesAndGraphsOnly =
            dependsOnlyOn("org.facerecognition.backbone..", "natives", "graph");

    @ArchTest
    static final ArchRule graphsDependOnJsonOnly = dependsOnlyOn("org.facerecognition.graph..", "io");

    @ArchTest
    static final ArchRule inferenceDependsOnGraphsAndNativesOnly =
            dependsOnlyOn("org.facerecognition.inference..", "graph", "natives", "io"); // the file of choices

    @ArchTest
    static final ArchRule exportDependsOnGraphsWeightsAndDataOnly =
            dependsOnlyOn("org.facerecognition.export..", "graph", "natives", "io", "backbone", "weights", "data");

    @ArchTest
    static final ArchRule visionDependsOnNativesAndFilesOnly =
            dependsOnlyOn("org.facerecognition.vision..", "natives", "io");

    @ArchTest
    static final ArchRule weightsDependOnNativesAndIoOnly =
            dependsOnlyOn("org.facerecognition.weights..", "natives", "io");

    @ArchTest
    static final ArchRule dataDependsOnImagesAndTransformsOnly =
            dependsOnlyOn("org.facerecognition.data..", "augment", "vision", "synthetic", "natives", "io");

    @ArchTest
    static final ArchRule syntheticFacesDependOnNativesOnly =
            dependsOnlyOn("org.facerecognition.synthetic..", "natives");

    @ArchTest
    static final ArchRule trainingDependsOnEverythingButInference = dependsOnlyOn(
            "org.facerecognition.train..",
            "losses",
            "backbone",
            "weights",
            "data",
            "eval",
            "natives",
            "io",
            "distributed");

    @ArchTest
    static final ArchRule distributedDependsOnNativesOnly =
            dependsOnlyOn("org.facerecognition.distributed..", "natives");

    @ArchTest
    static final ArchRule evaluationDependsOnDataNativesAndIoOnly =
            dependsOnlyOn("org.facerecognition.eval..", "data", "natives", "io");

    @ArchTest
    static final ArchRule galleryDependsOnNativesAndIoOnly =
            dependsOnlyOn("org.facerecognition.gallery..", "natives", "io");

    @ArchTest
    static final ArchRule onlyTheGalleryUsesJVector = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("org.facerecognition.gallery.HnswSearch")
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.gallery.HnswSearch$PrototypeScores")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.github.jbellis..");

    @ArchTest
    static final ArchRule onlyOneDnnClassesUseOneDnn = noClasses()
            .that()
            .haveNameNotMatching(".*\\.OneDnn.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco.dnnl..");

    /** Returns the rule that {@code itself} depends, within this library, only on itself and the named packages. */
    private static ArchRule dependsOnlyOn(String itself, String... packages) {
        String[] allowed = new String[packages.length + 1];
        allowed[0] = itself;
        for (int i = 0; i < packages.length; i++) {
            allowed[i + 1] = "org.facerecognition." + packages[i] + "..";
        }
        return noClasses()
                .that()
                .resideInAPackage(itself)
                .should()
                .dependOnClassesThat(resideInAPackage("org.facerecognition..").and(not(resideInAnyPackage(allowed))));
    }

    @ArchTest
    static final ArchRule tensorCodeDoesNotUseOpenCv = noClasses()
            .that()
            .resideInAnyPackage(
                    "org.facerecognition.losses..",
                    "org.facerecognition.backbone..",
                    "org.facerecognition.weights..",
                    "org.facerecognition.train..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco.opencv..");

    @ArchTest
    static final ArchRule imageCodeDoesNotUseLibtorch = noClasses()
            .that()
            .resideInAnyPackage("org.facerecognition.augment..", "org.facerecognition.vision..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco.pytorch..");

    /**
     * The libtorch functions that create a tensor from no other tensor, on the CPU unless their options say otherwise.
     */
    private static final Set<String> FACTORIES = Set.of(
            "arange",
            "create",
            "empty",
            "eye",
            "from_blob",
            "full",
            "linspace",
            "ones",
            "rand",
            "randint",
            "randn",
            "randperm",
            "scalar_tensor",
            "tensor",
            "zeros");

    private static final DescribedPredicate<JavaMethodCall> CREATES_A_CPU_TENSOR = describe(
            "creates a tensor on the CPU",
            call -> FACTORIES.contains(call.getName())
                    && (call.getTargetOwner().isEquivalentTo(torch.class)
                            || call.getTargetOwner().isAssignableTo(Tensor.class))
                    && call.getTarget().getRawParameterTypes().stream()
                            .noneMatch(type -> type.isEquivalentTo(TensorOptions.class)));

    /**
     * A CPU tensor cannot be combined with the tensors of a network on a GPU. The excluded classes work on the CPU
     * only, create their tensors before the network is moved, or move them themselves.
     */
    @ArchTest
    static final ArchRule tensorsAreCreatedOnTheDeviceThatNeedsThem = noClasses()
            .that()
            .resideInAnyPackage(
                    "org.facerecognition",
                    "org.facerecognition.losses..",
                    "org.facerecognition.natives..",
                    "org.facerecognition.backbone..",
                    "org.facerecognition.graph..",
                    "org.facerecognition.inference..",
                    "org.facerecognition.export..",
                    "org.facerecognition.train..",
                    "org.facerecognition.data..")
            // random values are generated on the CPU, so that they do not depend on the device, and then moved
            .and(isNot("losses.PartialFc", "losses.ElasticArcMargin"))
            // parameters and buffers of a new head, which move with it
            .and(isNot("losses.MarginSoftmax", "losses.CenterLoss", "losses.MetricHead"))
            // moved at once, or by their receiver: setCenters, the cached weights of a kernel
            .and(isNot(
                    "RecognizerFactory",
                    "TrainingRun",
                    "train.OneImageTrial",
                    "train.RanksOfGroup",
                    "backbone.FrozenFeatureCache",
                    "data.BatchBuffer"))
            .and(isNot("graph.Constant"))
            // CPU only
            .and(isNot(
                    "natives.Precision",
                    "natives.Libtorch",
                    "natives.OneDnnInstructions",
                    "inference.PrecisionTrial",
                    "inference.OneDnnExecution"))
            .and(isNot("inference.AtenExecution", "train.GradientBucket")) // move what they create to their device
            .and(isNot("inference.OnnxRuntimeExecution")) // CPU only
            .should()
            .callMethodWhere(CREATES_A_CPU_TENSOR);

    /**
     * Reading through a pointer into a GPU tensor crashes the JVM. The excluded classes move the tensor to the CPU
     * first or created it there.
     */
    @ArchTest
    static final ArchRule pointersIntoTensorsAreTakenOnTheCpuOnly = noClasses()
            .that()
            .resideInAPackage("org.facerecognition..")
            .and()
            .resideOutsideOfPackage("org.facerecognition.benchmarks..")
            .and(isNot("natives.TensorRows", "weights.Fingerprint", "train.EmbeddingStats"))
            .and(isNot("backbone.FrozenFeatureCache", "inference.OneDnnExecution"))
            .and(isNot("weights.SafeTensorsWriter", "weights.TensorBytes", "gallery.ExactSearch"))
            .and(isNot("data.BatchBuffer", "data.DecodedImageCache"))
            .and(isNot("graph.TensorConstant", "inference.CurrentNet")) // ask for the address alone
            .should()
            .callMethodWhere(describe(
                    "asks for a pointer into a tensor",
                    call -> call.getName().startsWith("data_ptr")
                            && call.getTargetOwner().isAssignableTo(TensorBase.class)));

    private static DescribedPredicate<JavaClass> isNot(String... names) {
        Set<String> all = Arrays.stream(names).map(name -> BASE + "." + name).collect(Collectors.toSet());
        return describe("are not " + all, type -> !all.contains(type.getName()));
    }

    @ArchTest
    static final ArchRule onlyTheTrainStepUpdatesParameters = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("org.facerecognition.train.TrainStep")
            .should()
            .callMethod(Tensor.class, "backward")
            .orShould()
            .callMethod(ParameterOptimizer.class, "step", double.class);

    @ArchTest
    static final ArchRule onlyTrainingZeroesGradients = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("org.facerecognition.train.TrainStep")
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.TrainingRun") // before the first step and after the last
            .should()
            .callMethod(ParameterOptimizer.class, "zeroGrad");

    @ArchTest
    static final ArchRule onlyTheImageReaderDecodesImages = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(ImageReader.class.getName())
            .and()
            .doNotHaveFullyQualifiedName(JpegCompression.class.getName()) // decodes what it has just encoded
            .should()
            .dependOnClassesThat()
            .belongToAnyOf(opencv_imgcodecs.class);

    /** They would use more threads than the user gives, so ParallelStreams runs them. */
    @ArchTest
    static final ArchRule nothingElseRunsParallelStreams = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(ParallelStreams.class.getName())
            .should()
            .callMethodWhere(describe(
                    "runs work in the common pool",
                    call -> call.getName().startsWith("parallel")
                                    && call.getTargetOwner().getPackageName().startsWith("java.util")
                            || call.getName().equals("commonPool")));

    @ArchTest
    static final ArchRule nothingPrintsToStandardStreams = NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

    @ArchTest
    static final ArchRule nothingCallsSystemExit = noClasses().should().callMethod(System.class, "exit", int.class);

    /** The wall clock can be set forward or back, so timeouts and expiry use System.nanoTime. */
    @ArchTest
    static final ArchRule nothingDependsOnTheWallClock = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(WriterLock.class.getName()) // the error for a rejected writer says since when
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.weights.WeightsCache") // records the time of a download
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.io.FileState") // only whether it is another time
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Instant.class, "now")
            .orShould()
            .dependOnClassesThat()
            .belongToAnyOf(
                    Clock.class,
                    Date.class,
                    FileTime.class,
                    LocalDateTime.class,
                    OffsetDateTime.class,
                    ZonedDateTime.class)
            .orShould()
            .callMethod(File.class, "lastModified");
}
