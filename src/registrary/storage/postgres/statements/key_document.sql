-- name: read
SELECT revision, document FROM registrary.key_document;

-- name: insert
INSERT INTO registrary.key_document (revision, document) VALUES (1, $1)
ON CONFLICT DO NOTHING
RETURNING revision;

-- name: replace
UPDATE registrary.key_document SET revision = revision + 1, document = $1
WHERE revision = $2
RETURNING revision;
