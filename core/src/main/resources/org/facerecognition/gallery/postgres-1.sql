-- Step 1 of the tables of galleries in PostgreSQL; see PostgresSchema. A step that was released is never changed.

CREATE TABLE face_gallery (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    fingerprint text NOT NULL,
    dimension integer NOT NULL,
    embedding_mode text,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One row per identity. The key is a digest, equal for names that people cannot tell apart.
CREATE SEQUENCE face_gallery_person_id;
CREATE TABLE face_gallery_person (
    gallery_id integer NOT NULL REFERENCES face_gallery,
    id bigint NOT NULL DEFAULT nextval('face_gallery_person_id'),
    name_key text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (gallery_id, id),
    UNIQUE (gallery_id, name_key)
) PARTITION BY LIST (gallery_id);

-- One row per embedding, which is L2-normalized. Each gallery has a partition, and a large one an HNSW index on it.
CREATE SEQUENCE face_gallery_entry_id;
CREATE TABLE face_gallery_entry (
    gallery_id integer NOT NULL,
    id bigint NOT NULL DEFAULT nextval('face_gallery_entry_id'),
    person_id bigint NOT NULL,
    embedding vector NOT NULL,
    note text,
    content_key text,
    attributes jsonb NOT NULL DEFAULT '{}',
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (gallery_id, id),
    FOREIGN KEY (gallery_id, person_id) REFERENCES face_gallery_person
) PARTITION BY LIST (gallery_id);
CREATE INDEX ON face_gallery_entry (person_id);
CREATE INDEX ON face_gallery_entry (content_key);
CREATE INDEX ON face_gallery_entry USING gin (attributes jsonb_path_ops);

-- Changes of the last days and their results, so that a change that is repeated is not applied twice.
CREATE TABLE face_gallery_change (
    key uuid PRIMARY KEY,
    gallery_id integer NOT NULL REFERENCES face_gallery,
    result bigint[] NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON face_gallery_change (made_at);
