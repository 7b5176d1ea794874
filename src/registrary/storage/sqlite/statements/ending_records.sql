-- For a table of records that end: these stand in for, or come beside, those of records.sql.

-- name: insert
INSERT INTO {table} (issuer, key, revision, record, expires_at)
VALUES (?1, ?2, ?3, CAST(?4 AS TEXT), ?5)
ON CONFLICT (issuer, key) DO NOTHING;

-- name: replace
UPDATE {table}
SET revision = ?3, record = CAST(?4 AS TEXT), expires_at = ?5
WHERE issuer = ?1 AND key = ?2 AND revision = ?6;

-- name: expired
SELECT record FROM {table}
WHERE issuer = ?1 AND expires_at <= ?2
ORDER BY expires_at, key
LIMIT ?3;
