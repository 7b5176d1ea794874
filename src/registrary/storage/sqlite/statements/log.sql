-- name: head
SELECT
    log.number,
    log.size,
    (
        SELECT max(event.sequence)
        FROM event
        WHERE event.sequence BETWEEN log.number << 40 AND (log.number << 40) + 1099511627775
    )
FROM event_log AS log
WHERE log.issuer = ?1;

-- name: start
INSERT INTO event_log (issuer, number)
SELECT ?1, coalesce(max(number) + 1, 0) FROM event_log;

-- name: append
INSERT INTO event (issuer, event_id, time, client_id, body, salt, leaf_hash, sequence)
VALUES (?1, ?2, ?3, ?4, CAST(?5 AS TEXT), ?6, ?7, ?8)
ON CONFLICT (issuer, event_id) DO NOTHING;

-- name: size
SELECT size FROM event_log WHERE issuer = ?1;

-- name: grow
UPDATE event_log SET size = ?2 WHERE issuer = ?1;

-- name: waiting
SELECT event.event_id, event.leaf_hash, event.time
FROM event_log AS log
CROSS JOIN event
WHERE
    log.issuer = ?1
    AND event.sequence >= (log.number << 40) + log.size
    AND event.sequence <= (log.number << 40) + 1099511627775
ORDER BY event.sequence
LIMIT ?2;

-- name: sequenced
SELECT
    event.sequence & 1099511627775,
    log.size,
    event.event_id,
    event.time,
    event.client_id,
    CAST(event.body AS BLOB),
    event.salt,
    event.leaf_hash
FROM event_log AS log
CROSS JOIN event
WHERE
    log.issuer = ?1
    AND event.sequence >= (log.number << 40) + ?2
    AND event.sequence < (log.number << 40) + log.size
ORDER BY event.sequence
LIMIT ?3;

-- name: by_id
SELECT
    event.sequence & 1099511627775,
    log.size,
    event.event_id,
    event.time,
    event.client_id,
    CAST(event.body AS BLOB),
    event.salt,
    event.leaf_hash
FROM event_log AS log
CROSS JOIN event
WHERE log.issuer = ?1 AND event.issuer = ?1 AND event.event_id = ?2;

-- name: recent
SELECT
    event.sequence & 1099511627775,
    log.size,
    event.event_id,
    event.time,
    event.client_id,
    CAST(event.body AS BLOB),
    event.salt,
    event.leaf_hash
FROM event_log AS log
CROSS JOIN event
WHERE log.issuer = ?1 AND event.issuer = ?1 AND event.event_id < ?2
ORDER BY event.event_id DESC
LIMIT ?3;

-- name: recent_of_client
SELECT
    event.sequence & 1099511627775,
    log.size,
    event.event_id,
    event.time,
    event.client_id,
    CAST(event.body AS BLOB),
    event.salt,
    event.leaf_hash
FROM event_log AS log
CROSS JOIN event
WHERE
    log.issuer = ?1
    AND event.issuer = ?1
    AND event.client_id = ?4
    AND event.event_id < ?2
ORDER BY event.event_id DESC
LIMIT ?3;

-- name: keep_tile
INSERT INTO tile (issuer, level, number, hashes)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (issuer, level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: tile
SELECT hashes FROM tile WHERE issuer = ?1 AND level = ?2 AND number = ?3;

-- name: keep_checkpoint
INSERT INTO checkpoint (issuer, size, note) VALUES (?1, ?2, ?3)
ON CONFLICT (issuer, size) DO NOTHING;

-- name: checkpoint
SELECT note FROM checkpoint WHERE issuer = ?1 AND size = ?2;

-- name: newest_checkpoint
SELECT note FROM checkpoint WHERE issuer = ?1 ORDER BY size DESC LIMIT 1;

-- name: checkpoints
SELECT note FROM checkpoint WHERE issuer = ?1 AND size > ?2 ORDER BY size LIMIT ?3;
