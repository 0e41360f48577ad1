package org.facerecognition.examples.web;

import java.net.IDN;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A name under which a proxy offers the server to browsers.
 *
 * @param host the host name in lower case, as in the Host header
 * @param port the port that browsers show, or 0 for that of the scheme
 */
record PublicName(String host, int port) {
    private static final Pattern NAME =
            Pattern.compile("([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?|\\[[0-9a-f:.]+])(?::([0-9]{1,5}))?");

    /**
     * Reads a name as browsers show it, such as {@code faces.example.org} or {@code faces.example.org:8443}.
     *
     * @throws IllegalArgumentException when it is anything else, such as a URL
     */
    static PublicName parse(String text) {
        Matcher parts = NAME.matcher(ascii(text).toLowerCase(Locale.ROOT));
        int port = parts.matches() && parts.group(2) != null ? Integer.parseInt(parts.group(2)) : 0;
        if (!parts.matches() || (parts.group(2) != null && (port < 1 || port > 65_535))) {
            throw new IllegalArgumentException(
                    "--public-name must be a host name and, if browsers show one, a port, such as faces.example.org or"
                            + " faces.example.org:8443, but was '" + text + "'; leave out https:// and any path");
        }
        return new PublicName(parts.group(1), port);
    }

    /** Returns a name with letters beyond ASCII as browsers send it. */
    private static String ascii(String text) {
        try {
            return IDN.toASCII(text);
        } catch (IllegalArgumentException e) { // too long, or with empty parts
            return "";
        }
    }

    /** Returns whether this is the origin, in lower case, of a page under this name. */
    boolean isOrigin(String origin) {
        return origins().contains(origin);
    }

    private Set<String> origins() {
        return switch (port) { // browsers leave out the port of the scheme
            case 0 -> Set.of("http://" + host, "https://" + host);
            case 80 -> Set.of("http://" + host);
            case 443 -> Set.of("https://" + host);
            default -> Set.of("http://" + host + ":" + port, "https://" + host + ":" + port);
        };
    }
}
