package org.facerecognition.examples.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;
import java.util.regex.Pattern;

/** What the server answers: JSON, and errors as {@code {"error": SENTENCE}}. */
final class Answers {
    /** What a client is told where only the operator can see the reason. */
    static final String INTERNAL_ERROR = "an internal error occurred; see the output of the server for details";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern DISK_FULL = // in the words of Linux and macOS, and of Windows
            Pattern.compile("No space left on device|Disk quota exceeded|There is not enough space on the disk");
    private static final String SQL_DISK_FULL = "53100"; // of PostgreSQL
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

    /** Answers a request that failed on the server's side. */
    static void failed(Context request, Throwable reason) {
        if (isDiskFull(reason)) {
            error(request, 507, "the disk that the gallery is on is full: nothing was stored; free some space on it");
        } else {
            error(request, 500, INTERNAL_ERROR);
        }
    }

    private static boolean isDiskFull(Throwable reason) {
        for (Throwable e = reason; e != null; e = e.getCause()) {
            if (e instanceof IOException
                            && DISK_FULL.matcher(String.valueOf(e.getMessage())).find()
                    || e instanceof SQLException sql && SQL_DISK_FULL.equals(sql.getSQLState())) {
                return true;
            }
        }
        return false;
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
