package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Compares the public API of the three library jars with the list in {@code public-api.txt}, so that every change of it
 * is visible in a review. {@code -Dtests.writeGolden=true} rewrites the list.
 */
class PublicApiTest {
    private static final Path LIST = Path.of("src/test/resources/public-api.txt");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.facerecognition");

    /** A public method must not take or return a type that its callers cannot name. */
    @Test
    void usesOnlyVisibleTypes() {
        List<String> hidden = CLASSES.stream()
                .filter(PublicApiTest::isVisible)
                .flatMap(type -> Stream.concat(type.getConstructors().stream(), type.getMethods().stream()))
                .filter(unit -> isVisible(unit.getModifiers()))
                .filter(unit -> Stream.concat(unit.getRawParameterTypes().stream(), Stream.of(unit.getRawReturnType()))
                        .map(JavaClass::getBaseComponentType)
                        .anyMatch(type -> type.getPackageName().startsWith("org.facerecognition") && !isVisible(type)))
                .map(JavaCodeUnit::getFullName)
                .toList();
        assertThat(hidden).isEmpty();
    }

    @Test
    void matchesTheList() throws IOException {
        String api = CLASSES.stream()
                .filter(PublicApiTest::isVisible)
                .sorted(Comparator.comparing(JavaClass::getName))
                .flatMap(PublicApiTest::lines)
                .collect(Collectors.joining("\n", "", "\n"));
        if (Boolean.getBoolean("tests.writeGolden")) {
            Files.writeString(LIST, api);
        }
        assertThat(api.lines()).containsExactlyElementsOf(Files.readAllLines(LIST));
    }

    /** Returns whether a class is visible to other programs: it and its enclosing classes are public or protected. */
    private static boolean isVisible(JavaClass type) {
        return !type.getSimpleName().isEmpty()
                && isVisible(type.getModifiers())
                && type.getEnclosingClass().map(PublicApiTest::isVisible).orElse(true);
    }

    private static boolean isVisible(Set<JavaModifier> modifiers) {
        return (modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED))
                && !modifiers.contains(JavaModifier.SYNTHETIC);
    }

    private static Stream<String> lines(JavaClass type) {
        Stream<String> fields = type.getFields().stream()
                .filter(field -> isVisible(field.getModifiers()))
                .map(PublicApiTest::line);
        Stream<String> codeUnits = Stream.concat(type.getConstructors().stream(), type.getMethods().stream())
                .filter(unit -> isVisible(unit.getModifiers()))
                .map(PublicApiTest::line);
        return Stream.concat(
                Stream.of(kind(type) + " " + type.getName()),
                Stream.concat(fields, codeUnits).sorted());
    }

    private static String kind(JavaClass type) {
        return type.isInterface()
                ? "interface"
                : type.isEnum() ? "enum" : type.isRecord() ? "record" : type.isAnnotation() ? "annotation" : "class";
    }

    private static String line(JavaField field) {
        return "  " + field.getName() + ": " + shortName(field.getRawType());
    }

    private static String line(JavaCodeUnit unit) {
        List<String> parameters = unit.getRawParameterTypes().stream()
                .map(PublicApiTest::shortName)
                .toList();
        return "  " + (unit.getModifiers().contains(JavaModifier.STATIC) ? "static " : "") + unit.getName() + "("
                + String.join(", ", parameters) + "): " + shortName(unit.getRawReturnType());
    }

    private static String shortName(JavaClass type) {
        return type.getSimpleName();
    }
}
