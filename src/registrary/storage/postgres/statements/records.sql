-- Reads of a table of records. Every statement names its columns; {table} is one of the tables that
-- tables.py lists, never input.

-- name: get
SELECT record FROM registrary.{table} WHERE issuer = $1 AND key = $2;

-- name: get_many
SELECT wanted.place, kept.record
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (issuer, key, place)
CROSS JOIN LATERAL (
    SELECT record FROM registrary.{table} WHERE issuer = wanted.issuer AND key = wanted.key
    LIMIT 1
) AS kept;

-- name: all
SELECT record FROM registrary.{table};

-- name: first_up
SELECT key, record FROM registrary.{table} WHERE issuer = $1 ORDER BY key LIMIT $2;

-- name: next_up
SELECT key, record FROM registrary.{table}
WHERE issuer = $1 AND key > $3 ORDER BY key LIMIT $2;

-- name: first_down
SELECT key, record FROM registrary.{table} WHERE issuer = $1 ORDER BY key DESC LIMIT $2;

-- name: next_down
SELECT key, record FROM registrary.{table}
WHERE issuer = $1 AND key < $3 ORDER BY key DESC LIMIT $2;
