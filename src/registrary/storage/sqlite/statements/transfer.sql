-- A whole store as rows; see ports/transfer.py. {section} is a table that transfer.py lists.

-- name: count
SELECT count(*) FROM {section};

-- name: count_counters
SELECT count(*) FROM counter WHERE issuer <> '';

-- name: read_record
SELECT issuer, key, revision, NULL, record FROM {section} ORDER BY issuer, key;

-- name: read_ending_record
SELECT issuer, key, revision, expires_at, record FROM {section} ORDER BY issuer, key;

-- name: read_counter
SELECT issuer, name, used FROM counter WHERE issuer <> '' ORDER BY issuer, name;

-- name: read_event_log
SELECT issuer, size FROM event_log ORDER BY issuer;

-- name: read_event
SELECT
    log.issuer,
    event.sequence & 1099511627775,
    event.event_id,
    event.time,
    event.client_id,
    event.body,
    event.salt,
    event.leaf_hash
FROM event_log AS log
CROSS JOIN event
WHERE event.sequence BETWEEN log.number << 40 AND (log.number << 40) + 1099511627775
ORDER BY log.issuer, event.sequence;

-- name: read_tile
SELECT issuer, level, number, hashes FROM tile ORDER BY issuer, level, number;

-- name: read_checkpoint
SELECT issuer, size, note FROM checkpoint ORDER BY issuer, size;

-- name: add_record
INSERT INTO {section} (issuer, key, revision, record) VALUES (?1, ?2, ?3, ?5)
ON CONFLICT (issuer, key) DO NOTHING;

-- name: add_ending_record
INSERT INTO {section} (issuer, key, revision, record, expires_at) VALUES (?1, ?2, ?3, ?5, ?4)
ON CONFLICT (issuer, key) DO NOTHING;

-- name: add_counter
INSERT INTO counter (issuer, name, used) VALUES (?1, ?2, ?3)
ON CONFLICT (issuer, name) DO NOTHING;

-- name: add_event_log
INSERT INTO event_log (issuer, number, size)
SELECT ?1, coalesce(max(number) + 1, 0), ?2 FROM event_log WHERE true
ON CONFLICT (issuer) DO NOTHING;

-- name: number_of_log
SELECT number << 40 FROM event_log WHERE issuer = ?1;

-- name: add_event
INSERT INTO event (issuer, sequence, event_id, time, client_id, body, salt, leaf_hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT DO NOTHING;

-- name: add_tile
INSERT INTO tile (issuer, level, number, hashes) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (issuer, level, number) DO NOTHING;

-- name: add_checkpoint
INSERT INTO checkpoint (issuer, size, note) VALUES (?1, ?2, ?3)
ON CONFLICT (issuer, size) DO NOTHING;

-- name: mark
SELECT used FROM counter WHERE issuer = ?1 AND name = ?2 AND used > 0;

-- name: set_mark
INSERT INTO counter (issuer, name, used) VALUES (?1, ?2, ?3)
ON CONFLICT (issuer, name) DO UPDATE SET used = excluded.used;

-- name: lift_mark
DELETE FROM counter WHERE issuer = ?1 AND name = ?2;
