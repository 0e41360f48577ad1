package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseAddressTest {
    private static final Map<String, String> ENVIRONMENT = Map.of("PGUSER", "anna", "PGPASSWORD", "hunter2");

    private static void check(String text, String url, String user, String password, String shown) {
        DatabaseAddress address = DatabaseAddress.of(text, ENVIRONMENT);
        try (HikariDataSource pool = address.connections()) {
            assertThat(pool.getJdbcUrl()).isEqualTo(url);
            assertThat(pool.getUsername()).isEqualTo(user);
            assertThat(pool.getPassword()).isEqualTo(password);
        }
        assertThat(address).hasToString(shown);
    }

    @Test
    void takesTheUserAndThePasswordFromTheEnvironmentOrTheUrl() {
        String server = "jdbc:postgresql://db:5433/faces";
        check(server, server, "anna", "hunter2", "gallery faces in " + server);
        check(
                server + "?gallery=staff&sslmode=disable&user=bob&password=p%26%C3%A4+",
                server + "?sslmode=disable",
                "bob",
                "p&ä+",
                "gallery staff in " + server);
    }

    /** "ssl" means a verified connection; it used to be left out. */
    @Test
    void keepsParametersWithoutAValue() {
        String server = "jdbc:postgresql://db/faces";
        check(server + "?ssl&gallery=staff", server + "?ssl", "anna", "hunter2", "gallery staff in " + server);
    }

    @Test
    void rejectsParametersThatNobodyKnows() {
        assertThatThrownBy(() -> DatabaseAddress.of("jdbc:postgresql://db/faces?galery=staff&password=x", ENVIRONMENT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a gallery's address must have the parameters gallery, user, password or those of"
                        + " PostgreSQL's driver, such as sslmode, but has \"galery\"");
    }

    /** The driver then looks the password up in ~/.pgpass. */
    @Test
    void leavesAMissingPasswordToTheDriver() {
        DatabaseAddress address = DatabaseAddress.of("jdbc:postgresql://db/faces?user=bob", Map.of());
        try (HikariDataSource pool = address.connections()) {
            assertThat(pool.getPassword()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://anna:hunter2@db/faces",
                "postgresql://anna:hunter2@db/faces",
                "jdbc:mysql://db/faces?password=hunter2",
                "jdbc:postgres://db/faces?password=hunter2",
                "JDBC:postgresql://db/faces?password=hunter2"
            })
    void rejectsOtherAddressesWithoutRepeatingThem(String wrong) {
        assertThat(DatabaseAddress.isOne(wrong)).isTrue();
        assertThatThrownBy(() -> DatabaseAddress.of(wrong, ENVIRONMENT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a gallery must be a file or jdbc:postgresql://HOST/DATABASE?gallery=NAME")
                .hasMessageNotContaining("hunter2");
    }

    /** An option that is mistyped is repeated in the error, but not its value. */
    @ParameterizedTest
    @ValueSource(strings = {"--galery=", "--gallery\uFFFD="})
    void commandLinesThatCannotBeParsedAreNotRepeatedWithCredentials(String option) {
        Cli.Result result =
                Cli.run("gallery", "list", option + "jdbc:postgresql://db/faces?user=anna&password=hunter2");
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(result.err()).startsWith("error: ").doesNotContain("hunter2");
    }

    @Test
    void aServerThatIsAwayIsOneSentenceWithoutCredentials() {
        Cli.Result result =
                Cli.run("gallery", "list", "--gallery", "jdbc:postgresql://127.0.0.1:1/x?user=anna&password=hunter2");
        assertThat(result.code()).isEqualTo(Main.FAILED);
        assertThat(result.err())
                .startsWith("error: cannot reach gallery faces in the database after ")
                .contains("check that the database runs and accepts connections, and try again")
                .doesNotContain("hunter2")
                .doesNotContain("anna")
                .hasLineCount(1);
    }
}
