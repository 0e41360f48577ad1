package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextLinesTest {
    private static final String TEXT = "José\t1\t2\r\n\nÅsa\t3\t4";

    @TempDir
    Path folder;

    private Path write(String text, Charset charset) throws IOException {
        return Files.write(folder.resolve("list.txt"), text.getBytes(charset));
    }

    /** Notepad and PowerShell write marks; earlier, the mark became part of the first name. */
    @Test
    void readsTextFilesOfAnySystem() throws IOException {
        for (Charset charset : new Charset[] {
            StandardCharsets.UTF_8, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE,
        }) {
            assertThat(TextLines.read(write("\ufeff" + TEXT, charset), "list"))
                    .as("%s", charset)
                    .containsExactly("José\t1\t2", "", "Åsa\t3\t4");
        }
        assertThat(TextLines.read(write(TEXT, StandardCharsets.UTF_8), "list")).hasSize(3);
        assertThat(TextLines.read(write("", StandardCharsets.UTF_8), "list")).isEmpty();
        assertThat(TextLines.read(write("\ufeff", StandardCharsets.UTF_8), "list"))
                .isEmpty();
    }

    @Test
    void namesTheLineInAnotherEncoding() throws IOException {
        Path file = write("Ann\t1\t2\nÅsa\t3\t4\n", StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> TextLines.read(file, "list"))
                .isInstanceOf(DataException.class)
                .hasMessage(file + ", line 2 has letters that are not in UTF-8; save the file as UTF-8");
        Files.write(file, new byte[] {'A', (byte) 0xc3}); // cut off in a letter
        assertThatThrownBy(() -> TextLines.read(file, "list")).hasMessageContaining("line 1 has letters");
    }

    @Test
    void listsOfPairsMayBeginWithAMark() throws IOException {
        TestImages.write(folder.resolve("Ann/Ann_0001.jpg"), 20, 20, 1);
        TestImages.write(folder.resolve("Ann/Ann_0002.jpg"), 20, 20, 2);
        assertThat(FacePairs.lfw(write("\ufeffAnn\t1\t2\n", StandardCharsets.UTF_16LE), folder)
                        .pairs())
                .hasSize(1);
    }

    /** A file of records in place of a list ended with an OutOfMemoryError. */
    @Test
    void aFileThatIsTooLargeForAListIsNotRead() throws IOException {
        Path file = folder.resolve("train.rec");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(Runtime.getRuntime().maxMemory() / 8 + 1);
        }
        assertThatThrownBy(() -> FacePairs.list(file, folder))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("list of pairs " + file + " must be lines of text of at most ")
                .hasMessageContaining("give a text file");
    }
}
