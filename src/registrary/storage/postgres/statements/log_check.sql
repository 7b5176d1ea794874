-- name: tables
SELECT quote_ident(class.relname) AS name
FROM pg_class AS class
WHERE
    class.relnamespace = to_regnamespace('registrary')
    AND class.relkind IN ('r', 'p')
    AND NOT class.relispartition
ORDER BY class.relname;

-- name: read_whole
SELECT max(length(kept::text)) FROM registrary.{table} AS kept;

-- name: unusable_indexes
SELECT 'index ' || class.relname || ' is not usable; run REINDEX INDEX registrary.' || class.relname
FROM pg_index AS index
INNER JOIN pg_class AS class ON index.indexrelid = class.oid
WHERE
    class.relnamespace = to_regnamespace('registrary')
    AND NOT (index.indisvalid AND index.indisready);

-- name: rules
-- The triggers that keep what is final, those of partitions with the name of their table. That of
-- the type bits (before, row or statement, and on what) and of the condition tells what each does.
SELECT
    coalesce(parent.relname, class.relname) AS table_name,
    trigger.tgname AS name,
    trigger.tgtype::integer AS kind,
    trigger.tgenabled IN ('O', 'A') AS is_enabled,
    coalesce(
        substring(pg_get_triggerdef(trigger.oid) FROM ' WHEN (.*) EXECUTE FUNCTION '), ''
    ) AS condition,
    trigger.tgfoid = to_regproc('registrary.refuse') AS refuses,
    count(*) AS times
FROM pg_trigger AS trigger
INNER JOIN pg_class AS class ON trigger.tgrelid = class.oid
LEFT JOIN pg_inherits AS inherits ON class.oid = inherits.inhrelid
LEFT JOIN pg_class AS parent ON inherits.inhparent = parent.oid
WHERE class.relnamespace = to_regnamespace('registrary') AND NOT trigger.tgisinternal
GROUP BY 1, 2, 3, 4, 5, 6;

-- name: partition_count
SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('registrary.event');

-- name: refusal
SELECT prosrc FROM pg_proc WHERE oid = to_regproc('registrary.refuse');
