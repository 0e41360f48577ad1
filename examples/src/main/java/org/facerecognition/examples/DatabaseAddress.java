package org.facerecognition.examples;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The address of a gallery in a database: a JDBC URL with the name of the gallery as the parameter {@code gallery}. The
 * user and the password are those of the URL, or of the environment variables {@code PGUSER} and {@code PGPASSWORD}; if
 * there is no password, the driver looks it up in {@code ~/.pgpass}. Neither is part of {@link #toString}.
 */
final class DatabaseAddress {
    static final String DEFAULT_GALLERY = "faces";
    private static final String PREFIX = "jdbc:postgresql:";
    private static final int MAX_CONNECTIONS = 8;
    private static final int MIN_IDLE_CONNECTIONS = 1;
    private static final long CONNECTION_TIMEOUT_MILLIS = 3_000;
    private static final long IDLE_TIMEOUT_MILLIS = 60_000;

    private static final String KEEP_ALIVE = "tcpKeepAlive";
    private static final String SOCKETS = "socketFactory";
    private static final String PROGRAM = "ApplicationName";

    /** Addresses of databases, and what looks like one that was mistyped. */
    private static final Pattern SECRETS =
            Pattern.compile("(?i)(?:jdbc:|postgres(?:ql)?:)\\S*|\\b(?:password|pgpassword)=\\S*");

    private final String server;
    private final String gallery;
    private final String url;
    private final Set<String> given;
    private final @Nullable String user;
    private final @Nullable String password;

    /** @param given names of the driver's parameters in the URL */
    private DatabaseAddress(
            String server,
            String gallery,
            String url,
            Set<String> given,
            @Nullable String user,
            @Nullable String password) {
        this.server = server;
        this.gallery = gallery;
        this.url = url;
        this.given = Set.copyOf(given);
        this.user = user;
        this.password = password;
    }

    /** Returns whether a text is meant to be an address, and not a file. */
    static boolean isOne(String text) {
        return Stream.of("jdbc:", "postgres:", "postgresql:")
                .anyMatch(scheme -> text.regionMatches(true, 0, scheme, 0, scheme.length()));
    }

    /**
     * Reads an address.
     *
     * @param environment of the process
     * @throws IllegalArgumentException if it is not one; the message does not repeat it
     */
    static DatabaseAddress of(String text, Map<String, String> environment) {
        int question = text.indexOf('?');
        String server = question < 0 ? text : text.substring(0, question);
        if (!server.startsWith(PREFIX) || server.contains("@")) {
            throw new IllegalArgumentException(
                    "a gallery must be a file or jdbc:postgresql://HOST/DATABASE?gallery=NAME,"
                            + " without a user before the host, but is another address; give the user and the password as PGUSER"
                            + " and PGPASSWORD");
        }
        Map<String, String> parameters = parameters(question < 0 ? "" : text.substring(question + 1));
        @Nullable String gallery = value(parameters.remove("gallery"));
        @Nullable String user = value(parameters.remove("user"));
        @Nullable String password = value(parameters.remove("password"));
        Set<String> known = driversParameters();
        int secret = text.indexOf("password="); // a name behind it may be the rest of a password with an &
        parameters.keySet().stream()
                .filter(name -> !known.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException(
                            "a gallery's address must have the parameters gallery, user, password or"
                                    + " those of PostgreSQL's driver, such as sslmode, but has "
                                    + (secret >= 0 && secret < text.lastIndexOf(name)
                                            ? "another; write %26 for & in a value"
                                            : "\"" + name + "\""));
                });
        String rest = parameters.values().stream().collect(Collectors.joining("&"));
        return new DatabaseAddress(
                server,
                gallery == null ? DEFAULT_GALLERY : gallery,
                rest.isEmpty() ? server : server + "?" + rest,
                parameters.keySet(),
                user == null ? environment.get("PGUSER") : user,
                password == null ? environment.get("PGPASSWORD") : password);
    }

    /** Returns the names that PostgreSQL's driver knows. */
    private static Set<String> driversParameters() {
        try {
            DriverPropertyInfo[] known =
                    DriverManager.getDriver(PREFIX + "localhost/faces").getPropertyInfo(PREFIX, new Properties());
            return Arrays.stream(known).map(one -> one.name).collect(Collectors.toSet());
        } catch (SQLException e) {
            throw new IllegalStateException("PostgreSQL's driver must be on the class path, but is not", e);
        }
    }

    /** Returns the parameters of a URL by name, as they are written there; one may have no value, such as ssl. */
    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String one : query.split("&")) {
            if (!one.isEmpty() && parameters.put(one.split("=", 2)[0], one) != null) {
                throw new IllegalArgumentException(
                        "a gallery's address must have each parameter once, but has one of them again");
            }
            value(one); // also of those for the driver, whose message would repeat the address
        }
        return parameters;
    }

    /** Returns the value of a parameter; null for one without a value. */
    private static @Nullable String value(@Nullable String parameter) {
        int equals = parameter == null ? -1 : parameter.indexOf('=');
        if (parameter == null || equals < 0) {
            return null;
        }
        try {
            return URLDecoder.decode(parameter.substring(equals + 1).replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) { // whose message has a part of the value, which may be a password
            throw new IllegalArgumentException(
                    "the values in a gallery's address must be percent-encoded, such as %25 for %, but one is not");
        }
    }

    /** Returns the name of the gallery in the database. */
    String gallery() {
        return gallery;
    }

    /** Returns a pool of connections, which connects when it is used first; owned. */
    HikariDataSource connections() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setUsername(user);
        config.setPassword(password);
        config.setMaximumPoolSize(MAX_CONNECTIONS);
        config.setConnectionTimeout(CONNECTION_TIMEOUT_MILLIS);
        config.setMinimumIdle(MIN_IDLE_CONNECTIONS);
        config.setIdleTimeout(IDLE_TIMEOUT_MILLIS);
        config.setInitializationFailTimeout(-1);
        defaults().forEach(config::addDataSourceProperty);
        return new HikariDataSource(config);
    }

    /** Returns the driver's parameters that the URL does not give. */
    private Map<String, String> defaults() {
        Map<String, String> defaults = new LinkedHashMap<>();
        if (!given.contains(KEEP_ALIVE)) {
            defaults.put(KEEP_ALIVE, "true");
            defaults.put(SOCKETS, KeepAliveSocketFactory.class.getName());
        }
        defaults.put(PROGRAM, "face-recognition");
        defaults.keySet().removeAll(given);
        return defaults;
    }

    /** Returns a text, as of an error, without addresses of databases and passwords. */
    static String withoutAddresses(String text) {
        return SECRETS.matcher(text).replaceAll("(an address of a database)");
    }

    @Override
    public String toString() {
        return "gallery " + gallery + " in " + server;
    }
}
