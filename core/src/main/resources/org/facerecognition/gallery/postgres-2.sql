-- Step 2 of the tables of galleries in PostgreSQL; see PostgresSchema. A step that was released is never changed.

-- Statistics of a column contain values of it, also of people who were removed since. Changing a column to the type it
-- has deletes those that exist, unless a view uses it. That would make all indexes of embeddings again, so theirs are
-- left; only short embeddings have any.
ALTER TABLE face_gallery_person
    ALTER COLUMN name_key SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0;
DO $$ BEGIN ALTER TABLE face_gallery_person ALTER COLUMN name_key TYPE text, ALTER COLUMN name TYPE text; EXCEPTION
    WHEN feature_not_supported THEN NULL; END $$;
ALTER TABLE face_gallery_entry
    ALTER COLUMN embedding SET STATISTICS 0,
    ALTER COLUMN note SET STATISTICS 0,
    ALTER COLUMN content_key SET STATISTICS 0;
DO $$ BEGIN ALTER TABLE face_gallery_entry ALTER COLUMN note TYPE text, ALTER COLUMN content_key TYPE text; EXCEPTION
    WHEN feature_not_supported THEN NULL; END $$;
DO $$ DECLARE hnsw regclass; BEGIN
    FOR hnsw IN SELECT i.indexrelid FROM pg_inherits h JOIN pg_class entry ON entry.oid = h.inhrelid
        JOIN pg_index i ON i.indrelid = entry.oid JOIN pg_class c ON c.oid = i.indexrelid
        WHERE h.inhparent = 'face_gallery_entry'::regclass AND c.relname = entry.relname || '_hnsw'
    LOOP EXECUTE format('ALTER INDEX %s ALTER COLUMN 1 SET STATISTICS 0', hnsw); END LOOP; END $$;

-- When somebody or something was last removed. The transaction that wrote it tells whether a compaction left out what
-- was removed; see PostgresErasure. Nobody knows it of earlier removals, so this step counts as one.
ALTER TABLE face_gallery ADD COLUMN removed_at timestamptz;
UPDATE face_gallery SET removed_at = now();
