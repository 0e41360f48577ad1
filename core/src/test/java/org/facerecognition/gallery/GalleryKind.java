package org.facerecognition.gallery;

import java.nio.file.Path;

/** The kinds of galleries, all of which keep the same promises. Databases are skipped where there is none. */
enum GalleryKind {
    MEMORY_EXACT,
    MEMORY_RABITQ,
    MEMORY_HNSW,
    FILE,
    FILE_ON_DISK,
    DATABASE_EXACT,
    /** With an index for every number of entries. */
    DATABASE_INDEXED;

    /** A place for one gallery, which can be opened there again if the kind is persistent. */
    interface Place {
        Gallery open(String fingerprint, int dimension);

        Gallery openReadOnly(String fingerprint, int dimension);

        GalleryInfo info();
    }

    /** Returns whether every search of this kind finds the nearest. */
    boolean isExact() {
        return this == MEMORY_EXACT || this == FILE || this == DATABASE_EXACT;
    }

    /** Returns whether every call is a transaction in a database, which takes longer. */
    boolean isInDatabase() {
        return this == DATABASE_EXACT || this == DATABASE_INDEXED;
    }

    /** Returns what another gallery is called in messages. */
    String noun() {
        return this == FILE || this == FILE_ON_DISK ? "file" : "gallery";
    }

    /** @param folder for files, empty */
    Place place(Path folder) {
        return switch (this) {
            case MEMORY_EXACT -> inMemory(SearchMethod.EXACT);
            case MEMORY_RABITQ -> inMemory(SearchMethod.RABITQ);
            case MEMORY_HNSW -> inMemory(SearchMethod.HNSW);
            case FILE -> file(folder.resolve("people.gallery"), SearchMethod.EXACT);
            case FILE_ON_DISK -> file(folder.resolve("people.gallery"), SearchMethod.ON_DISK);
            case DATABASE_EXACT -> database(SearchMethod.EXACT);
            case DATABASE_INDEXED -> database(SearchMethod.HNSW);
        };
    }

    private static Place inMemory(SearchMethod method) {
        return new Place() {
            @Override
            public Gallery open(String fingerprint, int dimension) {
                return Gallery.inMemory(fingerprint, dimension, method);
            }

            @Override
            public Gallery openReadOnly(String fingerprint, int dimension) {
                throw new UnsupportedOperationException();
            }

            @Override
            public GalleryInfo info() {
                throw new UnsupportedOperationException();
            }
        };
    }

    private static Place file(Path file, SearchMethod method) {
        return new Place() {
            @Override
            public Gallery open(String fingerprint, int dimension) {
                return Gallery.open(file, fingerprint, dimension, method);
            }

            @Override
            public Gallery openReadOnly(String fingerprint, int dimension) {
                return Gallery.openReadOnly(file, fingerprint, dimension, method);
            }

            @Override
            public GalleryInfo info() {
                return Gallery.info(file);
            }
        };
    }

    private static Place database(SearchMethod method) {
        TestDatabase database = TestDatabase.get();
        String name = TestDatabase.newName();
        return new Place() {
            @Override
            public Gallery open(String fingerprint, int dimension) {
                return PostgresGallery.connect(database.dataSource(), name, fingerprint, dimension, method, 0);
            }

            @Override
            public Gallery openReadOnly(String fingerprint, int dimension) {
                return Gallery.connectReadOnly(database.dataSource(), name, fingerprint, dimension);
            }

            @Override
            public GalleryInfo info() {
                return Gallery.info(database.dataSource(), name);
            }
        };
    }
}
