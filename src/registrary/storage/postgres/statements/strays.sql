-- Rows of the log that others contradict. What stands in an event is proved by the tree; that it
-- stands where it is looked for, and nothing stands where nobody looks, is asked here. Each
-- statement says in one text what is wrong, up to $1 times.

-- name: places_without_event
SELECT 'at place ' || given.place || ' of log ' || given.log || ' stands no event of its issuer'
FROM registrary.event_place AS given
LEFT JOIN registrary.event_log AS log ON given.log = log.number
LEFT JOIN registrary.event AS event
    ON log.issuer = event.issuer AND given.event_id = event.event_id
WHERE event.event_id IS NULL
LIMIT $1;

-- name: gaps
SELECT 'of log ' || log.number || ' ' || count(given.place) || ' events have a place up to '
    || coalesce(max(given.place), -1) || ', but its size is ' || log.size
FROM registrary.event_log AS log
LEFT JOIN registrary.event_place AS given ON log.number = given.log
GROUP BY log.number, log.size
HAVING count(given.place) <> log.size OR coalesce(max(given.place) + 1, 0) <> log.size
LIMIT $1;

-- name: events_without_place
SELECT 'event ' || event.event_id || ' has no place in the log and does not wait for one'
FROM registrary.event AS event
LEFT JOIN registrary.event_log AS log ON event.issuer = log.issuer
LEFT JOIN registrary.event_place AS given
    ON log.number = given.log AND event.event_id = given.event_id
LEFT JOIN registrary.waiting_event AS waiting
    ON event.issuer = waiting.issuer AND event.event_id = waiting.event_id
WHERE (given.event_id IS NULL) = (waiting.event_id IS NULL)
LIMIT $1;

-- name: waiting_for_nothing
SELECT 'what waits as event ' || waiting.event_id || ' is not that event'
FROM registrary.waiting_event AS waiting
LEFT JOIN registrary.event AS event
    ON waiting.issuer = event.issuer AND waiting.event_id = event.event_id
WHERE event.leaf_hash IS DISTINCT FROM waiting.leaf_hash OR event.time <> waiting.time
LIMIT $1;

-- name: tiles_of_no_log
SELECT 'tile ' || tile.number || ' of level ' || tile.level || ' belongs to no log, or lies beyond '
    || 'the end of its own'
FROM registrary.tile AS tile
LEFT JOIN registrary.event_log AS log ON tile.issuer = log.issuer
WHERE
    log.issuer IS NULL
    OR tile.level NOT BETWEEN 0 AND 4
    OR tile.number NOT BETWEEN 0 AND (log.size - 1) >> (8 * (tile.level + 1))
LIMIT $1;

-- name: checkpoints_of_no_log
SELECT 'the checkpoint over ' || checkpoint.size || ' events belongs to no log'
FROM registrary.checkpoint AS checkpoint
LEFT JOIN registrary.event_log AS log ON checkpoint.issuer = log.issuer
WHERE log.issuer IS NULL
LIMIT $1;

-- name: checkpoints_at_another_size
SELECT 'a checkpoint is kept as one over ' || size || ' events, which it does not say'
FROM registrary.checkpoint
WHERE strpos(note, chr(10) || size || chr(10)) = 0
LIMIT $1;
