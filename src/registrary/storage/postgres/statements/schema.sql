-- name: server
SELECT
    current_setting('server_version_num')::integer AS version,
    current_setting('server_version') AS name,
    pg_encoding_to_char(encoding)::text AS encoding
FROM pg_database
WHERE datname = current_database();

-- name: is_ours
SELECT to_regclass('registrary.schema_version') IS NOT NULL;

-- name: is_taken
SELECT EXISTS (
    SELECT FROM pg_class WHERE relnamespace = to_regnamespace('registrary')
);

-- name: newest
SELECT version, oldest FROM registrary.schema_version ORDER BY version DESC LIMIT 1;

-- name: take_turns
SELECT pg_advisory_xact_lock(7305803474917421906);

-- name: has_schema
SELECT to_regnamespace('registrary') IS NOT NULL;

-- name: make_schema
CREATE SCHEMA registrary;

-- name: begin
CREATE TABLE registrary.schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    oldest integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied
INSERT INTO registrary.schema_version (version, name, oldest) VALUES ($1, $2, $3);

-- name: prepare_partitions
SELECT registrary.prepare_partitions($1);

-- name: quoted
SELECT quote_ident($1::text);

-- name: owner
SELECT pg_get_userbyid(relowner)::text
FROM pg_class
WHERE oid = to_regclass('registrary.client');

-- name: application_roles
-- Those who may write clients, and are not the owner.
SELECT DISTINCT quote_ident(pg_get_userbyid(granted.grantee)) AS name
FROM pg_class AS class
CROSS JOIN aclexplode(class.relacl) AS granted
WHERE
    class.oid = to_regclass('registrary.client')
    AND granted.privilege_type = 'INSERT'
    AND granted.grantee NOT IN (0, class.relowner);
