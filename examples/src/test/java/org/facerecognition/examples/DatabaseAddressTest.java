package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Map;
import jdk.net.ExtendedSocketOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

    /** Requests used to hang for hours when the network went silent, and each process used to keep 8 connections. */
    @Test
    void noticesASilentNetworkAndKeepsFewConnections() throws IOException {
        try (HikariDataSource pool =
                DatabaseAddress.of("jdbc:postgresql://db/faces", ENVIRONMENT).connections()) {
            assertThat(pool.getMinimumIdle()).isEqualTo(1);
            assertThat(pool.getIdleTimeout()).isEqualTo(60_000);
            assertThat(pool.getDataSourceProperties())
                    .isEqualTo(Map.of(
                            "tcpKeepAlive",
                            "true",
                            "socketFactory",
                            KeepAliveSocketFactory.class.getName(),
                            "ApplicationName",
                            "face-recognition"));
        }
        try (Socket socket = new KeepAliveSocketFactory().createSocket()) {
            assertThat(socket.getKeepAlive()).isTrue();
            if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
                int seconds = socket.getOption(ExtendedSocketOptions.TCP_KEEPIDLE)
                        + socket.getOption(ExtendedSocketOptions.TCP_KEEPINTERVAL)
                                * socket.getOption(ExtendedSocketOptions.TCP_KEEPCOUNT);
                assertThat(seconds).isEqualTo(60);
            }
        }
    }

    @Test
    void whatTheUrlSaysOfConnectionsHolds() {
        String url = "jdbc:postgresql://db/faces?tcpKeepAlive=false&ApplicationName=door";
        try (HikariDataSource pool = DatabaseAddress.of(url, ENVIRONMENT).connections()) {
            assertThat(pool.getJdbcUrl()).isEqualTo(url);
            assertThat(pool.getDataSourceProperties()).isEmpty();
        }
    }

    /** The driver makes its sockets with the class that the address names. */
    @Test
    void connectsWithItsSockets() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(20_000);
            String url = "jdbc:postgresql://127.0.0.1:" + server.getLocalPort() + "/x?sslmode=disable";
            Thread client = new Thread(() -> {
                try (HikariDataSource pool =
                        DatabaseAddress.of(url, ENVIRONMENT).connections()) {
                    assertThatThrownBy(pool::getConnection).isInstanceOf(SQLException.class);
                }
            });
            client.start();
            try (Socket socket = server.accept()) {
                byte[] start = socket.getInputStream().readNBytes(60);
                assertThat(new String(start, StandardCharsets.ISO_8859_1)).contains("user\0anna");
            }
            server.close();
            client.join();
        }
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

    /** The messages had bytes of the password, and of two values one was used without a word. */
    @ParameterizedTest
    @CsvSource({
        "user=bob&password=50%off, the values in a gallery's address must be percent-encoded",
        "password=hunter2%, the values in a gallery's address must be percent-encoded",
        "password=a&off, 'the parameters gallery, user, password or those of PostgreSQL''s driver'",
        "sslrootcert=%off, the values in a gallery's address must be percent-encoded",
        "password=x&password=off, a gallery's address must have each parameter once",
        "sslmode=off&sslmode=disable, a gallery's address must have each parameter once"
    })
    void saysWhatIsWrongWithoutThePassword(String parameters, String message) {
        assertThatThrownBy(() -> DatabaseAddress.of("jdbc:postgresql://db/faces?" + parameters, ENVIRONMENT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("of\"")
                .hasMessageNotContaining("off")
                .hasMessageNotContaining("hunter2")
                .hasNoCause();
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
