-- A whole store as rows; see ports/transfer.py. {section} is a table that transfer.py lists.
-- Pages begin behind the row that came last, which the parameters before the last one name.

-- name: begin
BEGIN ISOLATION LEVEL REPEATABLE READ;

-- name: patience
SET LOCAL lock_timeout = '5s';

-- name: keep_open
SET LOCAL idle_in_transaction_session_timeout = 0;

-- name: hold_still
LOCK TABLE {tables} IN SHARE MODE;

-- name: others
SELECT count(*)
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND application_name = $1
    AND pid <> pg_backend_pid();

-- name: look_again
SELECT pg_stat_clear_snapshot();

-- name: count
SELECT count(*) FROM registrary.{section};

-- name: count_counters
SELECT count(*) FROM registrary.counter WHERE issuer <> '';

-- name: count_logs
SELECT count(*) FROM (
    SELECT issuer FROM registrary.event_log
    UNION
    SELECT issuer FROM registrary.waiting_event
) AS logs;

-- name: read_record
SELECT issuer, key, revision, NULL::bigint, record
FROM registrary.{section}
WHERE (issuer, key) > ($1, $2)
ORDER BY issuer, key
LIMIT $3;

-- name: read_ending_record
SELECT issuer, key, revision, expires_at, record
FROM registrary.{section}
WHERE (issuer, key) > ($1, $2)
ORDER BY issuer, key
LIMIT $3;

-- name: read_counter
SELECT issuer, name, used
FROM registrary.counter
WHERE issuer <> '' AND (issuer, name) > ($1, $2)
ORDER BY issuer, name
LIMIT $3;

-- name: read_event_log
SELECT named.issuer, coalesce(log.size, 0)
FROM (
    SELECT issuer FROM registrary.event_log
    UNION
    SELECT issuer FROM registrary.waiting_event
) AS named
LEFT JOIN registrary.event_log AS log ON named.issuer = log.issuer
WHERE named.issuer > $1
ORDER BY named.issuer
LIMIT $2;

-- name: placed_events
SELECT
    log.issuer,
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
WHERE log.issuer = $1 AND given.place > $2
ORDER BY given.place
LIMIT $3;

-- name: waiting_events
SELECT
    waiting.issuer,
    waiting.arrival,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM registrary.waiting_event AS waiting
INNER JOIN registrary.event AS event
    ON waiting.issuer = event.issuer AND waiting.event_id = event.event_id
WHERE waiting.issuer = $1 AND waiting.arrival > $2
ORDER BY waiting.arrival
LIMIT $3;

-- name: read_tile
SELECT issuer, level, number, hashes
FROM registrary.tile
WHERE (issuer, level, number) > ($1, $2, $3)
ORDER BY issuer, level, number
LIMIT $4;

-- name: read_checkpoint
SELECT issuer, size, note
FROM registrary.checkpoint
WHERE (issuer, size) > ($1, $2)
ORDER BY issuer, size
LIMIT $3;

-- name: add_record
INSERT INTO registrary.{section} (issuer, key, revision, record)
SELECT given.issuer, given.key, given.revision, given.record
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
    AS given (issuer, key, revision, expires_at, record)
ON CONFLICT (issuer, key) DO NOTHING;

-- name: add_ending_record
INSERT INTO registrary.{section} (issuer, key, revision, expires_at, record)
SELECT given.issuer, given.key, given.revision, given.expires_at, given.record
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
    AS given (issuer, key, revision, expires_at, record)
ON CONFLICT (issuer, key) DO NOTHING;

-- name: add_counter
INSERT INTO registrary.counter (issuer, name, used)
SELECT given.issuer, given.name, given.used
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (issuer, name, used)
ON CONFLICT (issuer, name) DO NOTHING;

-- name: add_event_log
INSERT INTO registrary.event_log (issuer)
SELECT given.issuer
FROM unnest($1::text[], $2::bigint[]) AS given (issuer, size)
ON CONFLICT (issuer) DO NOTHING;

-- name: grow_log
UPDATE registrary.event_log AS log
SET size = given.size
FROM unnest($1::text[], $2::bigint[]) AS given (issuer, size)
WHERE log.issuer = given.issuer AND log.size = 0 AND given.size > 0;

-- name: add_event
WITH given AS (
    SELECT *
    FROM unnest(
        $1::text[],
        $2::bigint[],
        $3::uuid[],
        $4::bigint[],
        $5::text[],
        $6::text[],
        $7::bytea[],
        $8::bytea[]
    ) AS given (issuer, place, event_id, time, client_id, body, salt, leaf_hash)
),

new AS (
    INSERT INTO registrary.event (issuer, event_id, time, client_id, body, salt, leaf_hash)
    SELECT issuer, event_id, time, client_id, body, salt, leaf_hash
    FROM given
    ON CONFLICT (issuer, event_id) DO NOTHING
    RETURNING issuer, event_id
),

placed AS (
    INSERT INTO registrary.event_place (log, place, event_id)
    SELECT log.number, given.place, given.event_id
    FROM given
    INNER JOIN registrary.event_log AS log ON given.issuer = log.issuer
    WHERE given.place < log.size
    ON CONFLICT DO NOTHING
)

INSERT INTO registrary.waiting_event (issuer, event_id, leaf_hash, time)
SELECT given.issuer, given.event_id, given.leaf_hash, given.time
FROM given
INNER JOIN new ON given.issuer = new.issuer AND given.event_id = new.event_id
INNER JOIN registrary.event_log AS log ON given.issuer = log.issuer
WHERE given.place >= log.size
ORDER BY given.issuer, given.place;

-- name: prepare_partition
SELECT registrary.prepare_partition($1);

-- name: add_tile
INSERT INTO registrary.tile (issuer, level, number, hashes)
SELECT given.issuer, given.level, given.number, given.hashes
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bytea[])
    AS given (issuer, level, number, hashes)
ON CONFLICT (issuer, level, number) DO NOTHING;

-- name: add_checkpoint
INSERT INTO registrary.checkpoint (issuer, size, note)
SELECT given.issuer, given.size, given.note
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS given (issuer, size, note)
ON CONFLICT (issuer, size) DO NOTHING;

-- name: mark
SELECT used FROM registrary.counter WHERE issuer = $1 AND name = $2 AND used > 0;

-- name: set_mark
INSERT INTO registrary.counter (issuer, name, used) VALUES ($1, $2, $3)
ON CONFLICT (issuer, name) DO UPDATE SET used = excluded.used;
