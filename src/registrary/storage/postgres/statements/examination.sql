-- name: server
SELECT
    current_setting('server_version') AS version,
    current_user::text AS role,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
    pg_is_in_recovery() AS is_standby,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::integer AS connections_used,
    current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer AS connections_limit,
    pg_database_size(current_database()) AS database_bytes,
    clock_timestamp() AS clock;

-- name: owns
SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('registrary.event');

-- name: rights
SELECT wanted.name, wanted.privilege
FROM unnest($1::text[], $2::text[]) AS wanted (name, privilege)
WHERE has_table_privilege('registrary.' || wanted.name, wanted.privilege);

-- name: partitions_ahead
SELECT count(*)
FROM pg_inherits
INNER JOIN pg_class AS part ON part.oid = pg_inherits.inhrelid
WHERE
    pg_inherits.inhparent = to_regclass('registrary.event')
    AND part.relname ~ '^event_[0-9]{4}_[0-9]{2}$'
    AND part.relname > 'event_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM');

-- name: has_misplaced
-- By its size, which needs no right to read it.
SELECT pg_relation_size(to_regclass('registrary.event_otherwise')) > 0;
