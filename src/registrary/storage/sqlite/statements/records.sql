-- For a table of records without an end. Every statement names its columns; {table} is one of the
-- tables that tables.py lists, never input.

-- name: insert
INSERT INTO {table} (issuer, key, revision, record)
VALUES (?1, ?2, ?3, CAST(?4 AS TEXT))
ON CONFLICT (issuer, key) DO NOTHING;

-- name: replace
UPDATE {table}
SET revision = ?3, record = CAST(?4 AS TEXT)
WHERE issuer = ?1 AND key = ?2 AND revision = ?5;

-- name: demand
SELECT 1 FROM {table} WHERE issuer = ?1 AND key = ?2 AND revision = ?3;

-- name: delete
DELETE FROM {table} WHERE issuer = ?1 AND key = ?2;

-- name: get
SELECT record FROM {table} WHERE issuer = ?1 AND key = ?2;

-- name: all
SELECT record FROM {table};

-- name: first_up
SELECT key, record FROM {table} WHERE issuer = ?1 ORDER BY key LIMIT ?2;

-- name: next_up
SELECT key, record FROM {table} WHERE issuer = ?1 AND key > ?3 ORDER BY key LIMIT ?2;

-- name: first_down
SELECT key, record FROM {table} WHERE issuer = ?1 ORDER BY key DESC LIMIT ?2;

-- name: next_down
SELECT key, record FROM {table} WHERE issuer = ?1 AND key < ?3 ORDER BY key DESC LIMIT ?2;
