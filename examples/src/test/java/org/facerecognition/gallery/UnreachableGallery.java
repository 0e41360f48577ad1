package org.facerecognition.gallery;

import java.sql.SQLException;

/** What a gallery throws whose database does not answer, without the seconds in which it tries again. */
public final class UnreachableGallery {
    private UnreachableGallery() {}

    /** Returns the exception after three attempts. */
    public static GalleryException exception() {
        return PostgresErrors.explained(
                "gallery faces in the database", new SQLException("Connection refused", "08001"), 3, false);
    }
}
