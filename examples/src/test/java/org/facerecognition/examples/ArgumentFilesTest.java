package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

class ArgumentFilesTest {
    @TempDir
    Path folder;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    @Command
    private static final class Words {
        @Parameters
        private String[] words = {};
    }

    /** Returns what picocli makes of a file. */
    private static String[] byPicocli(String word) {
        Words words = new Words();
        new CommandLine(words).parseArgs("--", word); // -- lets options be words
        return words.words;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--data people --lr 1e-3",
                "--data\n  people\r\n\t--json\n",
                "# all of it\n--data people # but not this\n#--json\n--lr 1",
                "--data 'my people' --license \"it's mine\"",
                "'unclosed # here\nnext 'a'b",
                "'c\\'d' \"\\\\e\" \"\" back\\slash",
                "@@name @ @missing a@b",
                ""
            })
    void readsFilesAsPicocliDoes(String text) throws IOException {
        String word = "@" + file("options", text);
        assertThat(ArgumentFiles.expanded(word)).isEqualTo(byPicocli(word));
    }

    /** As picocli reads files, a comment began here, and --epochs was lost. */
    @Test
    void aNumberSignWithinAWordBelongsToIt() throws IOException {
        String word = "@" + file("options", "--data photos#1 --epochs 3 #4\n--out '#5'");
        assertThat(ArgumentFiles.expanded(word)).containsExactly("--data", "photos#1", "--epochs", "3", "--out", "#5");
    }

    /** A word was split at its quote. */
    @Test
    void aQuoteWithinAWordBelongsToIt() throws IOException {
        String word = "@" + file("options", "people/O'Brien --license=O'Brien 5\"x7\" -- it's");
        assertThat(ArgumentFiles.expanded(word))
                .containsExactly("people/O'Brien", "--license=O'Brien", "5\"x7\"", "--", "it's");
    }

    @Test
    void theValueOfAnOptionMayBeQuoted() throws IOException {
        String word = "@" + file("options", "--license=\"two words\" --data='a\\b c' x=\"d e\"");
        assertThat(ArgumentFiles.expanded(word))
                .containsExactly("--license=two words", "--data=a\\b c", "x=\"d", "e\"");
    }

    /** The path had a line break for {@code \n}, and a tab for {@code \t}. */
    @Test
    void aBackslashEscapesOnlyQuotesAndBackslashes() throws IOException {
        String word = "@" + file("options", "\"C:\\new people\\two\" 'a\\'b \\\"c\\\\' \"last\\");
        assertThat(ArgumentFiles.expanded(word)).containsExactly("C:\\new people\\two", "a'b \"c\\", "last\\");
    }

    @Test
    void filesNameFilesAndAreNotReadWithinThemselves() throws IOException {
        Path inner = file("inner", "--json @" + folder.resolve("outer"));
        String word = "@" + file("outer", "train @" + inner + " --lr 1");
        assertThat(ArgumentFiles.expanded(word)).containsExactly("train", "--json", "--lr", "1");
        assertThat(ArgumentFiles.expanded(word)).isEqualTo(byPicocli(word));
    }

    @Test
    void wordsThatNameNoFileStandForThemselves() {
        String[] words = {"embed", "@photo.png", "@", "a@b"};
        assertThat(ArgumentFiles.expanded(words)).isEqualTo(words);
        assertThat(ArgumentFiles.expanded("@@options")).containsExactly("@options");
        String[] literal = Arrays.stream(new String[] {"@a", "@@a", "@", "a"})
                .map(ArgumentFiles::literal)
                .toArray(String[]::new);
        assertThat(ArgumentFiles.expanded(literal)).containsExactly("@a", "@@a", "@", "a");
    }

    /** Words were decoded as the locale says, and PowerShell writes UTF-16. */
    @Test
    void readsUtf8AndMarkedUtf16() throws IOException {
        for (Charset charset :
                new Charset[] {StandardCharsets.UTF_8, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE}) {
            Path file = Files.write(folder.resolve("options"), "\ufeff--license J\u00f6rg".getBytes(charset));
            assertThat(ArgumentFiles.expanded("@" + file)).containsExactly("--license", "J\u00f6rg");
        }
    }

    /** A folder gave a stack trace, and the bytes of a model became arguments. */
    @Test
    void rejectsWhatIsNoText() throws IOException {
        Path binary = Files.write(folder.resolve("binary"), new byte[] {'a', ' ', (byte) 0xff, (byte) 0xfb, 0});
        Path zeros = Files.write(folder.resolve("zeros"), new byte[100]);
        assertThatThrownBy(() -> ArgumentFiles.expanded("train", "@" + folder))
                .hasMessage("@" + folder + " must name a text file with arguments, but it is a folder; write @@"
                        + folder + " for an argument that begins with @");
        assertThatThrownBy(() -> ArgumentFiles.expanded("@" + binary)).hasMessageContaining("it is not text in UTF-8");
        assertThatThrownBy(() -> ArgumentFiles.expanded("@" + zeros)).hasMessageContaining("but it is not text;");
    }

    @Test
    void commandsSayWhatIsWrongInOneSentence() throws IOException {
        Cli.Result folderGiven = Cli.run("train", "@" + folder);
        assertThat(folderGiven.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(folderGiven.err())
                .startsWith("error: @" + folder + " must name a text file with arguments")
                .hasLineCount(1);
        Cli.Result mistyped = Cli.run("train", "--data", "people", "@optoins");
        assertThat(mistyped.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(mistyped.err())
                .contains("error: Unmatched argument at index 3: '@optoins'; there is no file optoins to read arguments"
                        + " from");
        Path unreadable = file("unreadable", "train --license \ufffd");
        assertThat(Cli.run("@" + unreadable).err()).contains("characters that could not be read");
    }
}
