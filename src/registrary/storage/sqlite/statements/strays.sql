-- Rows of the log that its own columns contradict. What stands in a row is proved by the tree; that
-- a row stands where it is looked for, and nothing stands where nobody looks, is asked here. Each
-- statement says in one text what is wrong, up to ?1 times.

-- name: events_of_another_issuer
SELECT 'an event of another issuer or of none stands at place '
    || (event.sequence & 1099511627775) || ' of log ' || (event.sequence >> 40)
FROM event
LEFT JOIN event_log AS log ON event.sequence >> 40 = log.number
WHERE log.issuer IS NOT event.issuer
LIMIT ?1;

-- name: gaps
SELECT 'of log ' || log.number || ' ' || count(event.sequence) || ' events are there, but the last '
    || 'has place ' || max(event.sequence & 1099511627775)
FROM event_log AS log
INNER JOIN event
    ON event.sequence BETWEEN log.number << 40 AND (log.number << 40) + 1099511627775
GROUP BY log.number
HAVING count(event.sequence) <> 1 + max(event.sequence & 1099511627775)
LIMIT ?1;

-- name: tiles_of_no_log
SELECT 'tile ' || tile.number || ' of level ' || tile.level || ' belongs to no log, or lies beyond '
    || 'the end of its own'
FROM tile
LEFT JOIN event_log AS log ON tile.issuer = log.issuer
WHERE
    log.issuer IS NULL
    OR tile.level NOT BETWEEN 0 AND 4
    OR tile.number NOT BETWEEN 0 AND (log.size - 1) >> (8 * (tile.level + 1))
LIMIT ?1;

-- name: checkpoints_of_no_log
SELECT 'the checkpoint over ' || checkpoint.size || ' events belongs to no log'
FROM checkpoint
LEFT JOIN event_log AS log ON checkpoint.issuer = log.issuer
WHERE log.issuer IS NULL
LIMIT ?1;

-- name: checkpoints_at_another_size
SELECT 'a checkpoint is kept as one over ' || size || ' events, which it does not say'
FROM checkpoint
WHERE instr(CAST(note AS BLOB), CAST(char(10) || size || char(10) AS BLOB)) = 0
LIMIT ?1;
