package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * What the READMEs say is true: their snippets are compiled files, their commands parse, their links lead somewhere.
 */
class ReadmeTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern SNIPPET =
            Pattern.compile("<!-- (\\S+\\.java)(?:#(\\w+))? -->\n```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern SHELL = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("(?:\\]\\(|(?:src|srcset|href)=\")([^)\"\\s]+)[)\"]");
    private static final String JAR = "java -jar examples/target/face-recognition.jar ";

    static List<Path> documents() {
        return Stream.of(
                        "README.md",
                        "losses/README.md",
                        "augment/README.md",
                        "core/README.md",
                        "examples/README.md",
                        "examples/spark/README.md",
                        "benchmarks/README.md",
                        ".github/CONTRIBUTING.md",
                        ".github/SECURITY.md")
                .map(ROOT::resolve)
                .filter(Files::exists)
                .toList();
    }

    /** Rewrites the snippets with {@code -Dtests.writeGolden=true}. */
    @ParameterizedTest
    @MethodSource("documents")
    void snippetsAreCompiledFiles(Path document) throws IOException {
        String text = Files.readString(document);
        StringBuilder fresh = new StringBuilder();
        Matcher snippet = SNIPPET.matcher(text);
        while (snippet.find()) {
            String source = Files.readString(ROOT.resolve(snippet.group(1)));
            String name = snippet.group(2);
            String shown = name == null ? source.substring(source.indexOf("import ")) : region(source, name);
            String marker = snippet.group().lines().findFirst().orElseThrow();
            snippet.appendReplacement(fresh, Matcher.quoteReplacement(marker + "\n```java\n" + shown + "```"));
        }
        snippet.appendTail(fresh);
        if (Boolean.getBoolean("tests.writeGolden")) {
            Files.writeString(document, fresh);
            text = fresh.toString();
        }
        assertThat(text).isEqualTo(fresh.toString());
    }

    /** Returns the lines between {@code // [name} and {@code // name]}, indented from the margin. */
    private static String region(String source, String name) {
        Matcher region = Pattern.compile("( *)// \\[" + name + "\n(.*?) *// " + name + "]", Pattern.DOTALL)
                .matcher(source);
        assertThat(region.find()).as(name).isTrue();
        return region.group(2).replaceAll("(?m)^" + region.group(1), "");
    }

    @ParameterizedTest
    @MethodSource("documents")
    void everySnippetIsOfACompiledFile(Path document) throws IOException {
        String text = Files.readString(document);
        assertThat(SNIPPET.matcher(text).results().count())
                .isEqualTo(text.lines().filter(line -> line.equals("```java")).count());
    }

    @ParameterizedTest
    @MethodSource("documents")
    void commandsParse(Path document) throws IOException {
        Matcher block = SHELL.matcher(Files.readString(document));
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        while (block.find()) {
            for (String line : block.group(1).replace("\\\n", " ").split("\n")) {
                int start = line.indexOf(JAR);
                if (start >= 0) {
                    List<String> words = words(line.substring(start + JAR.length()));
                    if (!words.contains("...")) {
                        CommandLine command = Main.commandLine(new Main(), nowhere, nowhere);
                        assertThat(command.parseArgs(words.toArray(String[]::new))
                                        .subcommand())
                                .as(line)
                                .isNotNull();
                    }
                }
            }
        }
    }

    /** Splits a line as a shell does, without its comment and its pipe. */
    private static List<String> words(String line) {
        String command = line.split("\\s(#|\\||&&|2>|>)")[0];
        List<String> words = new ArrayList<>();
        Matcher word = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)").matcher(command);
        while (word.find()) {
            words.add(word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3));
        }
        return words;
    }

    @ParameterizedTest
    @MethodSource("documents")
    void relativeLinksLeadToFiles(Path document) throws IOException {
        Matcher link = LINK.matcher(Files.readString(document));
        while (link.find()) {
            String target = link.group(1).replaceAll("#.*", "");
            if (!target.isEmpty() && !target.contains(":") && !target.matches("\\.\\./\\.\\./(actions|issues)/.*")) {
                assertThat(document.resolveSibling(target)).as(link.group()).exists();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void anchorsLeadToHeadings(Path document) throws IOException {
        Matcher link = LINK.matcher(Files.readString(document));
        while (link.find()) {
            String[] target = link.group(1).split("#", 2);
            if (target.length == 2 && !target[0].contains(":") && (target[0].isEmpty() || target[0].endsWith(".md"))) {
                Path other = target[0].isEmpty() ? document : document.resolveSibling(target[0]);
                assertThat(anchors(Files.readString(other))).as(link.group()).contains(target[1]);
            }
        }
    }

    /** Returns the anchors that GitHub gives to the headings of a text without two equal ones. */
    private static List<String> anchors(String text) {
        return SHELL.matcher(text)
                .replaceAll("")
                .lines() // comments of commands are no headings
                .filter(line -> line.matches("#+ .*"))
                .map(line -> line.replaceFirst("#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-'))
                .toList();
    }
}
