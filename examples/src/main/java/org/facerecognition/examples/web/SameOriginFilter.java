package org.facerecognition.examples.web;

import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HandlerType;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Accepts requests of the page itself and rejects those that another site makes a browser send.
 *
 * <p>Every page that a browser on this machine shows can reach a server on loopback. Three kinds of attack are blocked:
 *
 * <ul>
 *   <li><b>DNS rebinding</b>, a foreign host name that resolves to this machine: the Host header must name this server.
 *   <li><b>Cross-site requests</b> by a form or script of another site: every request other than GET and HEAD needs a
 *       header that a form cannot send and that a foreign script may add only if the server allows it in a CORS
 *       preflight, which it never does. If the browser sends the origin, it must be this page's.
 *   <li><b>Embedding</b> in a frame or as an image of another site: response headers forbid it.
 * </ul>
 *
 * <p>Behind a proxy, browsers know the server by a public name. The operator declares it; Host and Origin may then name
 * it too, whether or not the proxy keeps the Host header.
 */
final class SameOriginFilter implements Handler {
    /** The header that all requests other than GET and HEAD must have, with any value. */
    static final String PAGE_HEADER = "X-Face-Page";

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Pattern IP_ADDRESS = Pattern.compile("[0-9.]+|\\[[0-9a-f:.]+]");
    private static final Set<String> OWN_FETCH_SITES = Set.of("same-origin", "none"); // none: the user typed the URL
    private static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " img-src 'self' data: blob:; connect-src 'self'; form-action 'none'; base-uri 'none';"
            + " frame-ancestors 'none'";

    private final String boundHost;
    private final boolean loopbackOnly;
    private final List<PublicName> publicNames;

    /**
     * @param boundHost the name or address that the server is bound to
     * @param loopbackOnly whether only this machine can reach the port; IP addresses other than {@code boundHost} and
     *     loopback are then rejected in the Host header
     * @param publicNames the names under which a proxy offers the server to browsers
     */
    SameOriginFilter(String boundHost, boolean loopbackOnly, List<PublicName> publicNames) {
        this.boundHost = boundHost.toLowerCase(Locale.ROOT);
        this.loopbackOnly = loopbackOnly;
        this.publicNames = List.copyOf(publicNames);
    }

    @Override
    public void handle(Context request) {
        addHeaders(request);
        String host = checkHost(request.req().getHeader("Host"));
        if (request.path().startsWith("/api/")) {
            checkFetchSite(request.header("Sec-Fetch-Site"));
        }
        HandlerType method = request.method();
        if (method != HandlerType.GET && method != HandlerType.HEAD) {
            checkOrigin(request, host);
        }
    }

    private static void addHeaders(Context response) {
        response.header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
                .header("X-Content-Type-Options", "nosniff")
                .header("X-Frame-Options", "DENY")
                .header("Referrer-Policy", "no-referrer")
                .header("Cross-Origin-Resource-Policy", "same-origin")
                .header("Cross-Origin-Opener-Policy", "same-origin")
                .header("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
                .header("Cache-Control", "no-store");
    }

    private String checkHost(@Nullable String header) {
        String host = header == null ? "" : header.toLowerCase(Locale.ROOT);
        String name = host.replaceFirst(":[0-9]*$", "");
        boolean own = LOOPBACK.contains(name)
                || name.equals(boundHost)
                || name.equals("[" + boundHost + "]")
                || publicNames.stream().anyMatch(known -> known.host().equals(name));
        if (!own && (loopbackOnly || !IP_ADDRESS.matcher(name).matches())) { // DNS cannot rebind an IP address
            String allowed = loopbackOnly
                    ? "localhost or " + boundHost
                    : "localhost, an IP address or the name that the server is bound to";
            throw new ApiException(
                    421,
                    "Host must be " + allowed + ", but was " + (header == null ? "missing" : header)
                            + "; behind a proxy, start the server with --public-name and the name that browsers"
                            + " show");
        }
        return host;
    }

    private static void checkFetchSite(@Nullable String site) {
        if (site != null && !OWN_FETCH_SITES.contains(site)) {
            throw new ApiException(403, "requests must come from this page, but this one came from another site");
        }
    }

    private void checkOrigin(Context request, String host) {
        String origin = request.header("Origin");
        if (origin != null && !isOwn(origin.toLowerCase(Locale.ROOT), host)) {
            throw new ApiException(
                    403,
                    "requests must come from this page, but this one came from " + origin
                            + "; if a proxy offers the page there, start the server with --public-name and that name");
        }
        if (request.header(PAGE_HEADER) == null) {
            throw new ApiException(403, "requests must have the header " + PAGE_HEADER + ", but this one does not");
        }
    }

    private boolean isOwn(String origin, String host) {
        return origin.equals("http://" + host)
                || origin.equals("https://" + host) // behind a proxy that adds TLS
                || publicNames.stream().anyMatch(name -> name.isOrigin(origin));
    }
}
