package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordIoIndexTest {
    /** Editors and scripts write them; other lists could have them already. */
    @Test
    void mayHaveBlankLinesAndAByteOrderMark(@TempDir Path folder) throws IOException {
        Files.copy(ImageFormatsTest.resource("recordio/train.rec"), folder.resolve("train.rec"));
        String index = Files.readString(ImageFormatsTest.resource("recordio/train.idx"));
        Files.writeString(folder.resolve("train.idx"), "\ufeff" + index.replaceFirst("\n", "\r\n\n") + " \n\n");
        assertThat(FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0).size()).isEqualTo(12);
    }
}
