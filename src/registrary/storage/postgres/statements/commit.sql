-- The parts of which the statement of a commit is put together (shapes.py). Each is a common table
-- expression over the rows that it binds as one array a column; {rows} is that `unnest`, {table} a
-- table of tables.py, {name} its own name. What a part returns is counted. Rows come sorted by key,
-- so that two commits lock what they share in one order.

-- name: demand
{name} AS MATERIALIZED (
    SELECT 1
    FROM {rows} AS given (issuer, key, revision)
    INNER JOIN registrary.{table} AS kept
        ON kept.issuer = given.issuer
        AND kept.key = given.key
        AND kept.revision = given.revision
    FOR SHARE OF kept
);

-- name: replace
{name} AS (
    UPDATE registrary.{table} AS kept
    SET revision = given.revision, record = given.record
    FROM {rows} AS given (issuer, key, expected, revision, record)
    WHERE
        kept.issuer = given.issuer
        AND kept.key = given.key
        AND kept.revision = given.expected
    RETURNING kept.issuer, kept.key
);

-- name: replace_ending
{name} AS (
    UPDATE registrary.{table} AS kept
    SET revision = given.revision, record = given.record, expires_at = given.expires_at
    FROM {rows} AS given (issuer, key, expected, revision, record, expires_at)
    WHERE
        kept.issuer = given.issuer
        AND kept.key = given.key
        AND kept.revision = given.expected
    RETURNING kept.issuer, kept.key
);

-- name: remove
{name} AS (
    DELETE FROM registrary.{table} AS kept
    USING {rows} AS given (issuer, key, revision)
    WHERE
        kept.issuer = given.issuer
        AND kept.key = given.key
        AND kept.revision = given.revision
    RETURNING kept.issuer, kept.key
);

-- name: delete
{name} AS (
    DELETE FROM registrary.{table} AS kept
    USING {rows} AS given (issuer, key)
    WHERE kept.issuer = given.issuer AND kept.key = given.key
    RETURNING kept.issuer, kept.key
);

-- name: insert
{name} AS (
    INSERT INTO registrary.{table} (issuer, key, revision, record)
    SELECT given.issuer, given.key, given.revision, given.record
    FROM {rows} AS given (issuer, key, revision, record)
    ON CONFLICT (issuer, key) DO NOTHING
    RETURNING issuer, key
);

-- name: insert_ending
{name} AS (
    INSERT INTO registrary.{table} (issuer, key, revision, record, expires_at)
    SELECT given.issuer, given.key, given.revision, given.record, given.expires_at
    FROM {rows} AS given (issuer, key, revision, record, expires_at)
    ON CONFLICT (issuer, key) DO NOTHING
    RETURNING issuer, key
);

-- name: tell
{name} AS (
    INSERT INTO registrary.change (issuer, kind, key)
    SELECT issuer, '{table}', key FROM {source}
);

-- name: consume
{name} AS (
    INSERT INTO registrary.counter AS kept (issuer, name, used)
    SELECT given.issuer, given.name, given.amount
    FROM {rows} AS given (issuer, name, amount, most)
    WHERE given.amount <= given.most
    ON CONFLICT (issuer, name) DO UPDATE
    SET used = kept.used + excluded.used
    WHERE kept.used + excluded.used <= (
        SELECT given.most FROM {rows} AS given (issuer, name, amount, most)
        WHERE given.issuer = excluded.issuer AND given.name = excluded.name
    )
    RETURNING kept.issuer || ' ' || kept.name AS counter
);

-- name: count
{name} AS (
    INSERT INTO registrary.counter AS kept (issuer, name, used)
    SELECT given.issuer, given.name, given.amount
    FROM {rows} AS given (issuer, name, amount)
    ON CONFLICT (issuer, name) DO UPDATE SET used = kept.used + excluded.used
);

-- name: give_back
{name} AS (
    UPDATE registrary.counter AS kept
    SET used = greatest(0, kept.used - given.amount)
    FROM {rows} AS given (issuer, name, amount)
    WHERE kept.issuer = given.issuer AND kept.name = given.name
);

-- name: log
{name} AS (
    INSERT INTO registrary.event (issuer, event_id, time, client_id, body, salt, leaf_hash)
    SELECT
        given.issuer,
        given.event_id,
        given.time,
        given.client_id,
        given.body,
        given.salt,
        given.leaf_hash
    FROM {rows} AS given (issuer, event_id, time, client_id, body, salt, leaf_hash)
    ON CONFLICT (issuer, event_id) DO NOTHING
    RETURNING issuer
);

-- name: queue
{name} AS (
    INSERT INTO registrary.waiting_event (issuer, event_id, time, leaf_hash)
    SELECT given.issuer, given.event_id, given.time, given.leaf_hash
    FROM {rows} WITH ORDINALITY AS given (
        issuer, event_id, time, client_id, body, salt, leaf_hash, step
    )
    ORDER BY given.step
);

-- name: whole
WITH {parts}

SELECT {result};

-- name: found
(SELECT count(*) FROM {name});

-- name: consumed
(SELECT array_agg(counter) FROM {name});

-- name: compared
CASE
    WHEN ARRAY[{found}] = $1::bigint[] THEN true
    ELSE registrary.conflict(ARRAY[{names}], ARRAY[{found}], $1, {consumed})
END;

-- name: notified
pg_notify('{channel}', '')::text;
