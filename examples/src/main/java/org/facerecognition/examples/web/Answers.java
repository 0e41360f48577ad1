package org.facerecognition.examples.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.util.Map;

/** What the server answers: JSON, and errors as {@code {"error": SENTENCE}}. */
final class Answers {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String METHODS = "availableMethods"; // Javalin's name of them

    private Answers() {}

    static void json(Context request, Object value) {
        try {
            request.contentType("application/json").result(JSON.writeValueAsBytes(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the response as JSON", e);
        }
    }

    static void error(Context request, int status, String message) {
        request.status(status);
        if (status == 503) {
            request.header("Retry-After", "2");
        }
        json(request, Map.of("error", message));
    }

    /** Answers a request whose path does not exist, or not with this method. */
    static void noRoute(Context request, HttpResponseException e) {
        String methods = e.getDetails().get(METHODS);
        if (e.getStatus() == 405 && methods != null) {
            request.header("Allow", methods);
            error(request, 405, "this path can only be requested with " + methods);
        } else {
            error(request, e.getStatus(), "nothing was found at this path");
        }
    }
}
