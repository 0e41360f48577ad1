package org.facerecognition.examples.web;

import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HandlerType;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lets in what the page itself asks for, and nothing that another site makes a browser ask for.
 *
 * <p>A server on loopback is within reach of every page that a browser on this machine shows. Three ways are closed. A name
 * that somebody else's DNS points here (rebinding): Host must be one of ours. A form or script of another site: what changes
 * or computes anything needs a header that no form can send and that no site but ours may add, as nothing is ever allowed to
 * other origins; and where a browser tells the origin, it must be ours. A frame or image in another site: headers forbid it.
 */
final class SameOriginFilter implements Handler {
    /** Must be there, with any value, in all requests but GET. */
    static final String PAGE_HEADER = "X-Face-Page";

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|\\[[0-9a-f:.]+]");
    private static final Set<String> OWN = Set.of("same-origin", "none"); // none: typed by the user
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " img-src 'self' data: blob:; connect-src 'self'; form-action 'none'; base-uri 'none';"
            + " frame-ancestors 'none'";

    private final String boundHost;
    private final boolean loopbackOnly;

    /** @param loopbackOnly whether nobody else can reach the port: then other names for this machine are not taken */
    SameOriginFilter(String boundHost, boolean loopbackOnly) {
        this.boundHost = boundHost.toLowerCase(Locale.ROOT);
        this.loopbackOnly = loopbackOnly;
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
            checkOwn(request, host);
        }
    }

    private static void addHeaders(Context response) {
        response.header("Content-Security-Policy", POLICY)
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
        boolean ours = LOOPBACK.contains(name) || name.equals(boundHost) || name.equals("[" + boundHost + "]");
        if (!ours && (loopbackOnly || !ADDRESS.matcher(name).matches())) { // an address cannot be rebound
            throw new ApiException(
                    421,
                    "host must be localhost, or " + (loopbackOnly ? boundHost : "an address or the name bound to")
                            + ", but was " + (header == null ? "missing" : header));
        }
        return host;
    }

    private static void checkFetchSite(@Nullable String site) {
        if (site != null && !OWN.contains(site)) {
            throw new ApiException(403, "requests must come from this page, but this one came from another site");
        }
    }

    private static void checkOwn(Context request, String host) {
        String origin = request.header("Origin");
        boolean foreign = origin != null
                && !origin.equalsIgnoreCase("http://" + host)
                && !origin.equalsIgnoreCase("https://" + host); // of a proxy before us
        if (foreign) {
            throw new ApiException(403, "requests must come from this page, but this one came from " + origin);
        }
        if (request.header(PAGE_HEADER) == null) {
            throw new ApiException(403, "requests must have the header " + PAGE_HEADER + ", but this one has not");
        }
    }
}
