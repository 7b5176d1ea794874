-- name: position
-- Which server this is, as far as numbers of transactions count: it is another one after a start, a
-- promotion, or a crash of one of its processes, which resets the statistics.
SELECT
    pg_postmaster_start_time()::text
    || ' ' || coalesce(pg_stat_get_bgwriter_stat_reset_time()::text, '') AS server,
    pg_current_snapshot()::text AS snapshot;

-- name: news
-- Position and rows are of one snapshot, as this is one statement.
SELECT
    pg_postmaster_start_time()::text
    || ' ' || coalesce(pg_stat_get_bgwriter_stat_reset_time()::text, '') AS server,
    pg_current_snapshot()::text AS snapshot,
    told.kind,
    told.issuer,
    told.key
FROM (SELECT) AS one
LEFT JOIN (
    SELECT kind, issuer, key
    FROM registrary.change
    WHERE
        txid >= pg_snapshot_xmin($1::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(txid, $1::text::pg_snapshot)
    LIMIT $2
) AS told ON true;

-- name: identity
-- Which database of which server this is, however one came here.
SELECT pg_postmaster_start_time()::text || ' ' || oid::text
FROM pg_database
WHERE datname = current_database();

-- name: lead
SELECT pg_try_advisory_lock($1, $2);

-- name: hang_up_when_silent
SELECT set_config('idle_session_timeout', $1, false);

-- name: count
-- In the database's time, so that clocks of nodes may differ. What was set far ahead by a clock that
-- was set back since is brought back to $3 periods at most.
INSERT INTO registrary.rate AS kept (key, rest)
SELECT given.key, (extract(EPOCH FROM transaction_timestamp()) * 1000000)::bigint + given.cost
FROM unnest($1::bytea[], $2::bigint[]) AS given (key, cost)
ORDER BY given.key
ON CONFLICT (key) DO UPDATE
SET
    rest = excluded.rest + greatest(
        0,
        least(
            kept.rest - (extract(EPOCH FROM transaction_timestamp()) * 1000000)::bigint,
            $3::bigint
        )
    )
RETURNING
    kept.key,
    kept.rest - (extract(EPOCH FROM transaction_timestamp()) * 1000000)::bigint AS remaining;

-- name: time
SELECT transaction_timestamp();

-- name: newest_transaction
SELECT pg_snapshot_xmax(pg_current_snapshot())::text;

-- name: sweep_changes
DELETE FROM registrary.change WHERE txid < $1::text::xid8;

-- name: sweep_rates
DELETE FROM registrary.rate
WHERE
    key = any(ARRAY(
        SELECT key
        FROM registrary.rate
        WHERE rest < (extract(EPOCH FROM transaction_timestamp()) * 1000000)::bigint
        LIMIT $1
    ))
RETURNING 1;
