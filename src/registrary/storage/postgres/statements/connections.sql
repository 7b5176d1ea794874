-- name: hanging
-- How many sessions of ours wait for a standby or a lock, and have for $1 seconds.
SELECT count(*)
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND usename = current_user
    AND (wait_event = 'SyncRep' OR wait_event_type = 'Lock')
    AND query_start < clock_timestamp() - $1::double precision * interval '1 second';
