package org.facerecognition.gallery;

import java.sql.SQLException;
import java.util.regex.Pattern;

/** Explains in one sentence why a database cannot be used, without the credentials that drivers put into messages. */
final class PostgresErrors {
    private static final String HIDDEN = "***";
    private static final String NOT_PERMITTED = "42501";
    private static final String NO_TABLE = "42P01";
    private static final String NO_ROW_TO_REFER_TO = "23503";

    /** Addresses of databases, which may contain users and passwords. */
    private static final Pattern ADDRESS =
            Pattern.compile("(?i)\\b(?:jdbc:[a-z0-9]+:|postgres(?:ql)?:)(?://)?[^\\s,;'\"]*");

    private static final Pattern SETTING =
            Pattern.compile("(?i)\\b(password|passwd|pwd|user|username)\\s*=\\s*[^\\s&,;}'\"]+");

    /** Hosts with ports, as in "Connection to db.internal:5432 refused", in any language. */
    private static final Pattern HOST =
            Pattern.compile("(?i)(?<![\\p{L}\\d_.:\\[-])(?:\\[[^\\]\\s]+\\]|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"
                    + "|[\\p{L}\\d_.-]*\\p{L}[\\p{L}\\d_.-]*|\\d{1,3}(?:\\.\\d{1,3}){3}):\\d{1,5}\\b");

    /** What servers say of the client and the user. */
    private static final Pattern QUOTED = Pattern.compile("(?i)\\b(host|user|role|address) (?:name )?\"[^\"]*\"");

    private PostgresErrors() {}

    /**
     * Returns the exception to throw.
     *
     * @param name names the gallery
     * @param attempts how often the database was tried without success; 0 if another attempt would have been useless
     * @param mayBeApplied whether it is unknown if a change was applied
     */
    static GalleryException explained(String name, SQLException e, int attempts, boolean mayBeApplied) {
        SQLException cause = withoutCredentials(e);
        String state = String.valueOf(cause.getSQLState());
        String reason = firstLine(String.valueOf(cause.getMessage()));
        String message;
        if (attempts > 0) {
            message = "cannot reach " + name + " after " + attempts + (attempts == 1 ? " attempt: " : " attempts: ")
                    + reason + "; check that the database runs and accepts connections, and try again";
        } else if (state.startsWith("28")) {
            message = "the database of " + name + " rejects the user or the password; check them";
        } else if (state.equals(NOT_PERMITTED)) {
            message = "cannot use " + name + ": " + reason
                    + "; grant the user the tables and sequences named face_gallery..., or connect as their owner";
        } else if (state.equals(NO_TABLE) || state.equals(NO_ROW_TO_REFER_TO)) { // see PostgresBinding
            message = name + " was bound to another model or embedding mode while it had no entries, or its tables were"
                    + " deleted; open it again";
        } else {
            message = "cannot use " + name + ": " + reason;
        }
        String whole = mayBeApplied
                ? message + "; it is not known whether the last change was applied, so compare the entries first, or"
                        + " enroll with a key"
                : message;
        return attempts > 0 ? GalleryException.unreachable(whole, cause) : new GalleryException(whole, cause);
    }

    /**
     * Explains that the user lacks a privilege.
     *
     * @param what cannot be done
     * @param remedy what to do
     * @throws SQLException the same exception, if it has another reason
     */
    static GalleryException notPermitted(String what, SQLException e, String remedy) throws SQLException {
        SQLException cause = withoutCredentials(e);
        if (!NOT_PERMITTED.equals(cause.getSQLState())) {
            throw e;
        }
        return new GalleryException(what + ": " + firstLine(String.valueOf(cause.getMessage())) + "; " + remedy, cause);
    }

    /** Returns what the server says of a table that is not there, for a gallery that is not registered. */
    static SQLException unregistered() {
        return new SQLException("the gallery is not registered", NO_TABLE);
    }

    /** Returns the exception that pools and drivers have wrapped. */
    static SQLException reason(SQLException e) {
        SQLException reason = e;
        while (reason.getCause() instanceof SQLException cause) {
            reason = cause;
        }
        return reason;
    }

    /** Returns an exception like this one, without causes and without credentials in its message. */
    private static SQLException withoutCredentials(SQLException e) {
        SQLException reason = reason(e);
        String message = reason.getMessage() == null ? reason.getClass().getSimpleName() : reason.getMessage();
        SQLException safe = new SQLException(redacted(message), reason.getSQLState(), reason.getErrorCode());
        safe.setStackTrace(e.getStackTrace());
        return safe;
    }

    /** Returns a text without addresses of databases, users and passwords. */
    static String redacted(String text) {
        String withoutHosts =
                HOST.matcher(ADDRESS.matcher(text).replaceAll(HIDDEN)).replaceAll(HIDDEN);
        String withoutNames = QUOTED.matcher(withoutHosts).replaceAll("$1 " + HIDDEN);
        return SETTING.matcher(withoutNames).replaceAll("$1=" + HIDDEN);
    }

    private static String firstLine(String text) {
        String line = text.strip().lines().findFirst().orElse("no reason given").replaceFirst("^(ERROR|FATAL): +", "");
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }
}
