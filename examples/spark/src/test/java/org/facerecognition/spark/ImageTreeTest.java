package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.facerecognition.data.DataException;
import org.facerecognition.data.PassedOver;
import org.facerecognition.io.FileNames;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs({OS.LINUX, OS.MAC})
class ImageTreeTest {
    @TempDir
    private Path folder;

    private final PassedOver passedOver = new PassedOver();
    private Path people;

    @BeforeEach
    void makePeople() throws IOException {
        people = folder.resolve("people");
        for (String file : List.of("loose.jpg", "Bob/1.jpg", "Bob/2023/a:b c.png", "Bob/3.heic", "Bob/.4.jpg")) {
            add(people.resolve(file));
        }
    }

    private static void add(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "");
    }

    /** Returns identity and path below the folder of each image. */
    private List<String> list(String root, FileSystem system) {
        return ImageTree.list(new org.apache.hadoop.fs.Path(root), system, passedOver).stream()
                .map(row -> row.getString(1) + " " + row.getString(0).replace(people.toString(), ""))
                .toList();
    }

    private List<String> list() throws IOException {
        return list(people.toString(), FileSystem.getLocal(new Configuration()));
    }

    @Test
    void listsImagesAndSaysWhatItPassesOver() throws IOException {
        assertThat(list())
                .containsExactlyInAnyOrder(
                        "null file:/loose.jpg", "Bob file:/Bob/1.jpg", "Bob file:/Bob/2023/a:b c.png");
        assertThat(passedOver.note())
                .contains("passed over: 1 HEIC image (convert them to JPEG), 1 hidden or system file");
        assertThat(list(people.resolve("loose.jpg").toString(), FileSystem.getLocal(new Configuration())))
                .containsExactly("null file:/loose.jpg");
    }

    @Test
    void followsLinksToFoldersThatDoNotLeadBack() throws IOException {
        add(folder.resolve("ann/1.jpg"));
        Files.createSymbolicLink(people.resolve("Ann"), Path.of("../ann"));
        Files.createSymbolicLink(people.resolve("Bob/all"), people);
        Files.createSymbolicLink(people.resolve("Bob/friends"), Path.of("../../ann"));
        assertThat(list()).hasSize(5).contains("Ann file:/Ann/1.jpg", "Bob file:/Bob/friends/1.jpg");
        assertThat(passedOver.note()).get().asString().contains("1 link to a folder above it");
    }

    /** Hadoop leaves out what it finds no file for. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void saysWhichLinksAndNamesCannotBeUsed() throws Exception {
        Files.createSymbolicLink(people.resolve("Cid"), Path.of("gone"));
        String script = "mkdir $'Jos\\xe9' && cp Bob/1.jpg $'Jos\\xe9/1.jpg'"; // in Latin-1
        Process bash = new ProcessBuilder("bash", "-c", script)
                .directory(people.toFile())
                .start();
        assertThat(bash.waitFor()).isZero();
        assertThat(list()).hasSize(3);
        assertThat(passedOver.note()).get().asString().contains("1 link that leads nowhere");
        assertThat(passedOver.problemNotes())
                .containsExactly(people + "/Jos\\xE9 cannot be used: " + FileNames.remedy());
    }

    @Test
    void otherFileSystemsAreListedByHadoop() throws IOException {
        assertThat(list("other:" + people, other("")))
                .containsExactly("Bob other:/Bob/1.jpg", "Bob other:/Bob/2023/a:b c.png", "null other:/loose.jpg");
        assertThat(passedOver.note())
                .contains("passed over: 1 HEIC image (convert them to JPEG), 1 hidden or system file");
    }

    /** The folder that was given was said not to exist. */
    @Test
    void namesTheFolderThatIsGone() throws IOException {
        FileSystem system = other("2023");
        assertThatThrownBy(() -> list("other:" + people, system))
                .isInstanceOf(DataException.class)
                .hasMessage("folder other:" + people + "/Bob/2023 does not exist");
    }

    /** Returns a file system in which a folder is removed while folders are listed. */
    private static FileSystem other(String removed) throws IOException {
        RawLocalFileSystem system = new RawLocalFileSystem() {
            @Override
            public URI getUri() {
                return URI.create("other:///");
            }

            @Override
            public FileStatus[] listStatus(org.apache.hadoop.fs.Path path) throws IOException {
                if (path.getName().equals(removed)) {
                    throw new FileNotFoundException("File " + path + " does not exist");
                }
                return super.listStatus(path);
            }
        };
        system.initialize(URI.create("other:///"), new Configuration());
        return system;
    }
}
