package org.facerecognition;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

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
import java.util.Date;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.augment.JpegCompression;
import org.facerecognition.data.ImageReader;
import org.facerecognition.io.WriterLock;
import org.facerecognition.train.ParameterOptimizer;

/** The rules of the design that the compiler cannot check. */
@AnalyzeClasses(packages = "org.facerecognition", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String BASE = "org.facerecognition";

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("org.facerecognition.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule nobodyKnowsTheTop = noClasses()
            .that()
            .resideOutsideOfPackage(BASE)
            .should()
            .dependOnClassesThat()
            .resideInAPackage(BASE);

    @ArchTest
    static final ArchRule lossesKnowTensorsAndLabelsOnly = knowsOnly("org.facerecognition.losses..", "natives");

    @ArchTest
    static final ArchRule augmentKnowsImagesAndChanceOnly = knowsOnly("org.facerecognition.augment..");

    @ArchTest
    static final ArchRule nativesKnowNobody = knowsOnly("org.facerecognition.natives..");

    @ArchTest
    static final ArchRule filesKnowNobody = knowsOnly("org.facerecognition.io..");

    @ArchTest
    static final ArchRule filesNeedNoNativeLibrary = noClasses()
            .that()
            .resideInAPackage("org.facerecognition.io..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static final ArchRule backbonesKnowTensorsOnly = knowsOnly("org.facerecognition.backbone..", "natives", "graph");

    @ArchTest
    static final ArchRule graphsKnowTensorsOnly = knowsOnly("org.facerecognition.graph..");

    @ArchTest
    static final ArchRule preparedNetsKnowGraphs = knowsOnly("org.facerecognition.inference..", "graph", "natives");

    @ArchTest
    static final ArchRule exportsKnowGraphs = knowsOnly("org.facerecognition.export..", "graph", "natives", "io");

    @ArchTest
    static final ArchRule visionKnowsImagesOnly = knowsOnly("org.facerecognition.vision..");

    @ArchTest
    static final ArchRule weightsKnowFilesAndTensorsOnly =
            knowsOnly("org.facerecognition.weights..", "natives", "backbone", "io");

    @ArchTest
    static final ArchRule dataKnowsImagesAndTransforms =
            knowsOnly("org.facerecognition.data..", "augment", "vision", "natives", "io");

    @ArchTest
    static final ArchRule trainingPartsKnowTensorsOnly = knowsOnly("org.facerecognition.train..", "natives");

    @ArchTest
    static final ArchRule evaluationReceivesEmbeddings =
            knowsOnly("org.facerecognition.eval..", "data", "natives", "io");

    @ArchTest
    static final ArchRule theGalleryKnowsEmbeddingsAndNamesOnly =
            knowsOnly("org.facerecognition.gallery..", "natives", "io");

    @ArchTest
    static final ArchRule jvectorStaysBehindTheGallery = noClasses()
            .that()
            .doNotHaveFullyQualifiedName("org.facerecognition.gallery.HnswSearch")
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.gallery.HnswSearch$PrototypeScores")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.github.jbellis..");

    @ArchTest
    static final ArchRule oneDnnStaysBehindPreparedNets = noClasses()
            .that()
            .haveNameNotMatching(".*\\.OneDnn.*")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco.dnnl..");

    /** Of this library, only itself and the named packages. */
    private static ArchRule knowsOnly(String itself, String... packages) {
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
    static final ArchRule opencvStaysOutOfTensorCode = noClasses()
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
    static final ArchRule libtorchStaysOutOfImageCode = noClasses()
            .that()
            .resideInAnyPackage("org.facerecognition.augment..", "org.facerecognition.vision..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco.pytorch..");

    @ArchTest
    static final ArchRule onlyTheTrainerSteps = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(TrainingRun.class.getName())
            .should()
            .callMethod(Tensor.class, "backward")
            .orShould()
            .callMethod(ParameterOptimizer.class, "step", double.class)
            .orShould()
            .callMethod(ParameterOptimizer.class, "zeroGrad");

    @ArchTest
    static final ArchRule onlyTheImageReaderDecodes = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(ImageReader.class.getName())
            .and()
            .doNotHaveFullyQualifiedName(JpegCompression.class.getName()) // of what it has just encoded
            .should()
            .dependOnClassesThat()
            .belongToAnyOf(opencv_imgcodecs.class);

    @ArchTest
    static final ArchRule librariesDoNotPrint = NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

    @ArchTest
    static final ArchRule librariesDoNotExit = noClasses().should().callMethod(System.class, "exit", int.class);

    /** A clock may be put forward or back; what must wait or expire asks System.nanoTime. */
    @ArchTest
    static final ArchRule nothingIsDecidedByTheClock = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(WriterLock.class.getName()) // tells whoever is refused since when
            .and()
            .doNotHaveFullyQualifiedName("org.facerecognition.weights.WeightsCache") // writes down when it fetched
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
