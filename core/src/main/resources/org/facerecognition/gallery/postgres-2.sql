-- Step 2 of the tables of galleries in PostgreSQL; see PostgresSchema. A step that was released is never changed.

-- When somebody or something was last removed. The transaction that wrote it tells whether a compaction left out what
-- was removed; see PostgresErasure. Nobody knows it of earlier removals, so this step counts as one.
ALTER TABLE face_gallery ADD COLUMN removed_at timestamptz;
UPDATE face_gallery SET removed_at = now();
