package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The schemas of a database in which the tables of galleries, their indexes and the extension lie. */
class PostgresSchemaTest {
    private static final int D = 8;
    private static final String BOTH = "\"Other one\", public";

    private TestDatabase database;
    private String name;

    @BeforeEach
    void makeSchemas() {
        database = TestDatabase.get();
        name = TestDatabase.newName();
        dropSchemas();
        database.run("CREATE SCHEMA \"Other one\"");
    }

    @AfterEach
    void dropSchemas() {
        database.run("DROP SCHEMA IF EXISTS \"Other one\", \"Third one\" CASCADE");
    }

    /** Returns connections with a search path. */
    private DataSource withPath(String path) {
        return prepared("SET search_path = " + path, "RESET search_path");
    }

    /** Makes the table of steps, of which none was applied yet, in the other schema. */
    private void beginTables() {
        database.run("CREATE TABLE \"Other one\".face_gallery_schema"
                + " (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
    }

    /** Returns connections that run a statement first, and another one last since they may share a session. */
    private DataSource prepared(String first, String last) {
        return FaultyDataSource.proxy(DataSource.class, (method, args) -> {
            Object result = FaultyDataSource.call(database.dataSource(), method, args);
            return result instanceof Connection connection ? prepared(connection, first, last) : result;
        });
    }

    private static Connection prepared(Connection real, String first, String last) throws SQLException {
        Sql.run(real, first);
        return FaultyDataSource.proxy(Connection.class, (method, args) -> {
            if (method.getName().equals("close")) {
                Sql.run(real, last);
            }
            return FaultyDataSource.call(real, method, args);
        });
    }

    private DatabaseGallery connect(DataSource source) {
        return PostgresGallery.connect(source, name, "model", D, SearchMethod.HNSW, 10);
    }

    private static List<Enrollment> people(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Enrollment("p" + i, TestFaces.direction(i, D), null, "key " + i))
                .toList();
    }

    private String schemasOf(String tables) {
        return database.query("SELECT string_agg(DISTINCT n.nspname, ', ' ORDER BY n.nspname) FROM pg_class c"
                + " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname LIKE '" + tables + "'");
    }

    /** The registry used to get a row in one schema, and its tables used to be made in another. */
    @Test
    void aGalleryLiesInTheSchemaThatHasTheTablesAlready() {
        connect(database.dataSource()).close();
        name = TestDatabase.newName();
        try (DatabaseGallery gallery = connect(withPath(BOTH));
                DatabaseGallery other = connect(database.dataSource())) {
            gallery.bindEmbeddingMode("mode");
            long[] ids = gallery.enroll(people(12));
            assertThat(schemasOf("face_gallery%")).isEqualTo("public");
            assertThat(other.size()).isEqualTo(12);
            assertThat(other.embeddingMode()).contains("mode");
            assertThat(other.remove(ids[0])).isTrue();
            assertThat(other.remove("p1")).isEqualTo(1);
            gallery.compact();
            assertThat(gallery.entries()).hasSize(10);
        }
    }

    /** Earlier versions made such galleries, which only connections with the same search path find. */
    @Test
    void aGalleryWhoseTablesLieBehindAnotherSchemaIsFoundWithEveryPath() {
        connect(database.dataSource()).close();
        name = TestDatabase.newName();
        connect(database.dataSource()).close();
        String id = database.query("SELECT id FROM face_gallery WHERE name = '" + name + "'");
        for (String table : List.of("entry", "person")) {
            database.run("ALTER TABLE face_gallery_" + table + "_" + id + " SET SCHEMA \"Other one\"");
        }
        try (DatabaseGallery gallery = connect(database.dataSource());
                DatabaseGallery other = connect(withPath(BOTH))) {
            gallery.enroll(people(12));
            assertThat(gallery.identify(TestFaces.direction(3, D), 1, 0.9).isKnown())
                    .isTrue();
            assertThat(other.identities()).hasSize(12);
            gallery.compact();
            assertThat(other.remove("p3")).isEqualTo(1);
            assertThat(gallery.entries()).hasSize(11);
        }
        for (String table : List.of("entry", "person")) {
            database.run("ALTER TABLE \"Other one\".face_gallery_" + table + "_" + id + " SET SCHEMA public");
        }
    }

    /** Each of two schemas has tables and an index of its own, though they have the same names. */
    @Test
    void twoSchemasHaveTheirOwnGalleriesAndIndexes() {
        beginTables();
        database.run("CREATE SCHEMA \"Third one\"");
        database.run("CREATE TABLE \"Third one\".face_gallery_entry_1_hnsw ()"); // used to pass for the index
        DataSource there = withPath(BOTH + ", \"Third one\"");
        try (DatabaseGallery first = connect(database.dataSource());
                DatabaseGallery second = connect(there)) {
            first.enroll(people(12));
            second.enroll(people(11));
            assertThat(first.size()).isEqualTo(12);
            assertThat(second.size()).isEqualTo(11);
            assertThat(schemasOf("face\\_gallery\\_entry\\_1\\_hnsw")).contains("Other one");
        }
        try (DatabaseGallery reader = Gallery.connectReadOnly(there, name, "model", D)) {
            assertThat(reader.size()).isEqualTo(11);
        }
    }

    /** A server that was stopped while it made the index leaves one that is never used, and that had kept its name. */
    @Test
    void anIndexThatIsNotValidIsMadeAgain() {
        try (DatabaseGallery gallery = connect(database.dataSource())) {
            gallery.enroll(people(12));
            String index = "face_gallery_entry_"
                    + database.query("SELECT id FROM face_gallery WHERE name = '" + name + "'") + "_hnsw";
            String valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = '" + index + "'::regclass";
            database.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '" + index + "'::regclass");
            assertThat(database.query(valid)).isEqualTo("f");
            gallery.makeIndex();
            assertThat(database.query(valid)).isEqualTo("t");
        }
    }

    /** The database used to say that the type "vector" does not exist. */
    @Test
    void saysThatTheSchemaOfTheExtensionMustBeInTheSearchPath() {
        assertThatThrownBy(() -> connect(withPath("\"Other one\"")))
                .isInstanceOf(GalleryException.class)
                .hasMessage("the search path of the database of gallery " + name + " in the database must have schema"
                        + " public of the extension vector, but does not have it, or the user may not use it; add it"
                        + " with the connection's parameter currentSchema=\"Other one\",public, or grant the user USAGE"
                        + " on it");
        assertThatThrownBy(() -> connect(withPath("nowhere")))
                .isInstanceOf(GalleryException.class)
                .hasMessageContaining("must have a schema that exists and that the user may use, but is nowhere;");
    }

    /** A new user used to be sent for the privileges of tables that did not exist. */
    @Test
    void saysWhichPrivilegesMakingTheTablesNeeds() {
        beginTables();
        database.run("DROP ROLE IF EXISTS face_new");
        database.run("CREATE ROLE face_new");
        try {
            database.run("GRANT USAGE ON SCHEMA \"Other one\" TO face_new");
            database.run("GRANT SELECT ON \"Other one\".face_gallery_schema TO face_new");
            DataSource limited =
                    prepared("SET ROLE face_new; SET search_path = " + BOTH, "RESET ROLE; RESET search_path");
            assertThatThrownBy(() -> connect(limited))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("cannot make the tables of gallery " + name + " in the database: permission denied for"
                            + " schema Other one; grant the user CREATE and USAGE on schema \"Other one\", or connect"
                            + " once as a user who has them and grant this one the tables and sequences named"
                            + " face_gallery...");
            connect(withPath(BOTH)).close();
            database.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"Other one\" TO face_new");
            connect(limited).close();
            database.run("GRANT CREATE ON SCHEMA \"Other one\" TO face_new");
            name = TestDatabase.newName();
            assertThatThrownBy(() -> connect(limited))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("cannot make the tables of gallery " + name + " in the database: must be owner of table"
                            + " face_gallery_person; connect once as the owner of face_gallery_entry, who needs CREATE"
                            + " and USAGE on schema \"Other one\", and grant this user the new tables");
        } finally {
            database.run("DROP OWNED BY face_new");
            database.run("DROP ROLE face_new");
        }
    }

    /** A user who may not make the extension used to be sent for the privileges of tables. */
    @Test
    void saysThatAnAdministratorMustMakeTheExtension() {
        beginTables();
        DataSource limited = FaultyDataSource.proxy(DataSource.class, (method, args) -> {
            Object result = FaultyDataSource.call(withPath(BOTH), method, args);
            return result instanceof Connection connection ? withoutExtensions(connection) : result;
        });
        assertThatThrownBy(() -> connect(limited))
                .isInstanceOf(GalleryException.class)
                .hasMessage("cannot use gallery " + name + " in the database: permission denied to create extension"
                        + " \"vector\"; ask an administrator of the database to run CREATE EXTENSION vector once");
    }

    private static Connection withoutExtensions(Connection real) {
        return FaultyDataSource.proxy(Connection.class, (method, args) -> {
            Object statement = FaultyDataSource.call(real, method, args);
            return !method.getName().equals("createStatement")
                    ? statement
                    : FaultyDataSource.proxy(Statement.class, (called, sql) -> {
                        if (called.getName().equals("execute")
                                && sql[0].toString().startsWith("CREATE EXTENSION")) {
                            throw new SQLException("ERROR: permission denied to create extension \"vector\"", "42501");
                        }
                        return FaultyDataSource.call(statement, called, sql);
                    });
        });
    }
}
