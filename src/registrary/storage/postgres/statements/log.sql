-- name: size
SELECT size FROM registrary.event_log WHERE issuer = $1;

-- name: waiting
SELECT arrival, event_id, leaf_hash, time
FROM registrary.waiting_event
WHERE issuer = $1
ORDER BY arrival
LIMIT $2;

-- name: sequenced
SELECT
    given.place,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM registrary.event_log AS log
INNER JOIN registrary.event_place AS given ON log.number = given.log
INNER JOIN registrary.event AS event
    ON log.issuer = event.issuer AND given.event_id = event.event_id
WHERE
    log.issuer = $1
    AND given.place >= $2
    -- Places have no gaps. That few rows are wanted has to be said twice: no plan that is made for
    -- any number of rows goes by LIMIT alone.
    AND given.place < $2 + $3
    AND given.place < log.size
ORDER BY given.place
LIMIT $3;

-- name: by_id
SELECT
    (
        SELECT given.place
        FROM registrary.event_log AS log
        INNER JOIN registrary.event_place AS given ON log.number = given.log
        WHERE log.issuer = event.issuer AND given.event_id = event.event_id
    ) AS place,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM registrary.event AS event
WHERE event.issuer = $1 AND event.event_id = $2;

-- name: recent
SELECT
    (
        SELECT given.place
        FROM registrary.event_log AS log
        INNER JOIN registrary.event_place AS given ON log.number = given.log
        WHERE log.issuer = event.issuer AND given.event_id = event.event_id
    ) AS place,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM registrary.event AS event
WHERE event.issuer = $1 AND event.event_id < $2
ORDER BY event.event_id DESC
LIMIT $3;

-- name: recent_of_client
SELECT
    (
        SELECT given.place
        FROM registrary.event_log AS log
        INNER JOIN registrary.event_place AS given ON log.number = given.log
        WHERE log.issuer = event.issuer AND given.event_id = event.event_id
    ) AS place,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM registrary.event AS event
WHERE event.issuer = $1 AND event.client_id = $4 AND event.event_id < $2
ORDER BY event.event_id DESC
LIMIT $3;

-- name: tile
SELECT hashes FROM registrary.tile WHERE issuer = $1 AND level = $2 AND number = $3;

-- name: checkpoint
SELECT note FROM registrary.checkpoint WHERE issuer = $1 AND size = $2;

-- name: newest_checkpoint
SELECT note FROM registrary.checkpoint WHERE issuer = $1 ORDER BY size DESC LIMIT 1;

-- name: checkpoints
SELECT note FROM registrary.checkpoint WHERE issuer = $1 AND size > $2 ORDER BY size LIMIT $3;

-- name: start
INSERT INTO registrary.event_log (issuer)
SELECT $1 WHERE NOT EXISTS (SELECT FROM registrary.event_log WHERE issuer = $1)
ON CONFLICT (issuer) DO NOTHING;

-- name: head
SELECT number, size FROM registrary.event_log WHERE issuer = $1 FOR UPDATE;

-- name: take_from_queue
WITH due AS (
    DELETE FROM registrary.waiting_event AS waiting
    USING unnest($1::bigint[], $2::uuid[]) AS expected (arrival, event_id)
    WHERE waiting.arrival = expected.arrival AND waiting.event_id = expected.event_id
    RETURNING 1
)

SELECT count(*) FROM due;

-- name: give_places
INSERT INTO registrary.event_place (log, place, event_id)
SELECT $1, $2 + given.step - 1, given.event_id
FROM unnest($3::uuid[]) WITH ORDINALITY AS given (event_id, step);

-- name: keep_tiles
INSERT INTO registrary.tile (issuer, level, number, hashes)
SELECT $1, grown.level, grown.number, grown.hashes
FROM unnest($2::integer[], $3::bigint[], $4::bytea[]) AS grown (level, number, hashes)
ON CONFLICT (issuer, level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: keep_checkpoint
INSERT INTO registrary.checkpoint (issuer, size, note) VALUES ($1, $2, $3)
ON CONFLICT (issuer, size) DO NOTHING
RETURNING 1;

-- name: grow
UPDATE registrary.event_log SET size = $2 WHERE issuer = $1;
