-- oldest: 1
-- Everything lives in the schema `registrary`, whose table `schema_version` was made before.
--
-- Records: one table for each kind, all of one shape. `record` is the whole record as JSON; the
-- columns beside it are what statements look for. Keys and issuers compare byte by byte (C), which
-- is the order of their code points. Kinds that end have `expires_at` (microseconds since 1970;
-- null: never). Rows that are replaced often leave room in their page, so that their index entries
-- stay; tables whose rows come and go are vacuumed before a fifth of them is dead.

CREATE TABLE registrary.client (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.initial_access_token (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX initial_access_token_by_end ON registrary.initial_access_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.admin_token (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX admin_token_by_end ON registrary.admin_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.revoked_token (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX revoked_token_by_end ON registrary.revoked_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.spent_assertion (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX spent_assertion_by_end ON registrary.spent_assertion (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.signing_key (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.issuer (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.authorization_code (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX authorization_code_by_end ON registrary.authorization_code (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.authorization_grant (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (fillfactor = 70);

CREATE INDEX authorization_grant_by_end ON registrary.authorization_grant (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.grant_of_person (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX grant_of_person_by_end ON registrary.grant_of_person (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.consent (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.pushed_request (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX pushed_request_by_end ON registrary.pushed_request (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.device_authorization (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX device_authorization_by_end ON registrary.device_authorization (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.device_user_code (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX device_user_code_by_end ON registrary.device_user_code (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.access_token (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX access_token_by_end ON registrary.access_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.person (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.sign_in_name (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.session (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (fillfactor = 70);

CREATE INDEX session_by_end ON registrary.session (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.session_of_person (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX session_of_person_by_end ON registrary.session_of_person (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.sign_in_attempt (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX sign_in_attempt_by_end ON registrary.sign_in_attempt (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.identity_provider (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.message (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX message_by_end ON registrary.message (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.event_stream (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
);

CREATE TABLE registrary.status_place (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (issuer, key)
);

CREATE INDEX status_place_by_end ON registrary.status_place (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE registrary.status_of_client (
    issuer text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (issuer, key)
) WITH (fillfactor = 70);

CREATE TABLE registrary.counter (
    issuer text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    used bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (issuer, name)
) WITH (fillfactor = 50);

-- The audit log. An event is written in the commit of the change that it explains, together with
-- a row in `waiting_event`, the queue that the sequencer empties. So a commit takes no place in the
-- log and waits for no other commit. `event_place` says which event has which index of which log.
-- Event ids are UUIDs that begin with the time, so a partition is a month. What belongs to a month
-- that nobody prepared goes to `event_otherwise`: no event is ever refused for want of a partition.

CREATE TABLE registrary.event (
    issuer text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    time bigint NOT NULL, -- microseconds since 1970
    client_id text COLLATE "C",
    body text, -- canonical JSON as it was hashed; null once erased, as is the salt
    salt bytea,
    leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32),
    PRIMARY KEY (issuer, event_id)
) PARTITION BY RANGE (event_id);

CREATE INDEX event_by_client ON registrary.event (issuer, client_id, event_id)
WHERE client_id IS NOT NULL;

-- What is longer than a quarter of a page is compressed: by LZ4, which costs a tenth of the other
-- way, where this server was built with it.

DO $$
BEGIN
    ALTER TABLE registrary.client ALTER COLUMN record SET COMPRESSION lz4;
    ALTER TABLE registrary.event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;

CREATE TABLE registrary.event_otherwise PARTITION OF registrary.event DEFAULT;

CREATE TABLE registrary.waiting_event (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    leaf_hash bytea NOT NULL,
    time bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX waiting_event_by_issuer ON registrary.waiting_event (issuer, arrival);

CREATE TABLE registrary.event_log (
    issuer text COLLATE "C" PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    size bigint NOT NULL DEFAULT 0 CHECK (size >= 0)
) WITH (fillfactor = 50);

CREATE TABLE registrary.event_place (
    log integer NOT NULL,
    place bigint NOT NULL CHECK (place >= 0),
    event_id uuid NOT NULL,
    PRIMARY KEY (log, place),
    CONSTRAINT event_place_by_id UNIQUE (log, event_id)
);

CREATE TABLE registrary.tile (
    issuer text COLLATE "C" NOT NULL,
    level integer NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (issuer, level, number)
) WITH (fillfactor = 70);

CREATE TABLE registrary.checkpoint (
    issuer text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (issuer, size)
);

-- What nodes tell each other: which records that they may hold in memory were replaced or removed.
-- A row is written in the commit of the change, and removed when every node must have read it.

CREATE TABLE registrary.change (
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    issuer text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    key text COLLATE "C" NOT NULL
);

CREATE INDEX change_by_txid ON registrary.change (txid);

-- The key material, sealed under a key that the database never sees.

CREATE TABLE registrary.key_document (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision bigint NOT NULL,
    document bytea NOT NULL
);

-- What callers used up lately, on all nodes together. Not worth a write to disk: after a crash
-- everybody starts afresh.

CREATE UNLOGGED TABLE registrary.rate (
    key bytea PRIMARY KEY,
    rest bigint NOT NULL
) WITH (fillfactor = 50);

-- What a commit calls when a condition of it does not hold: the error undoes all of it.

CREATE FUNCTION registrary.conflict(
    names text[], met bigint[], wanted bigint[], consumed text[]
) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR place IN 1 .. cardinality(names) LOOP
        IF met[place] IS DISTINCT FROM wanted[place] THEN
            RAISE EXCEPTION USING
                ERRCODE = 'RG001',
                MESSAGE = names[place],
                DETAIL = coalesce(array_to_json(consumed)::text, '[]');
        END IF;
    END LOOP;
    RETURN true;
END
$$;

-- Partitions of `event`.

CREATE FUNCTION registrary.first_event_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || repeat('0', 20))::uuid
$$;

-- Makes the partition of the month that *moment* is in; tells whether it is new. A month of which
-- `event_otherwise` holds events already stays there. It runs with the rights of the owner, so that
-- whoever writes events, of today or carried here from elsewhere, needs none to make tables.

CREATE FUNCTION registrary.prepare_partition(moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz := date_trunc('month', moment);
    name text := 'event_' || to_char(month, 'YYYY_MM');
    first uuid;
    past uuid;
BEGIN
    IF month NOT BETWEEN '2000-01-01' AND now() + interval '24 months' THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('registrary.prepare_partitions'));
    IF to_regclass('registrary.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    first := registrary.first_event_id(month);
    past := registrary.first_event_id(month + interval '1 month');
    IF EXISTS (
        SELECT FROM registrary.event_otherwise WHERE event_id >= first AND event_id < past
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE registrary.%I (LIKE registrary.event INCLUDING ALL)', name);
    EXECUTE format(
        'ALTER TABLE registrary.event ATTACH PARTITION registrary.%I FOR VALUES FROM (%L) TO (%L)',
        name, first, past
    );
    EXECUTE format(
        'CREATE TRIGGER event_stays_whole BEFORE TRUNCATE ON registrary.%I FOR EACH STATEMENT '
        'EXECUTE FUNCTION registrary.refuse(''events are never removed'')',
        name
    );
    RETURN true;
END
$$;

REVOKE EXECUTE ON FUNCTION registrary.prepare_partition(timestamptz) FROM PUBLIC;

-- Makes the partitions of this month and the *ahead* months behind it; returns how many are new.

CREATE FUNCTION registrary.prepare_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    made integer := 0;
BEGIN
    FOR step IN 0 .. least(ahead, 24) LOOP
        IF registrary.prepare_partition(date_trunc('month', now()) + make_interval(months => step))
        THEN
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

REVOKE EXECUTE ON FUNCTION registrary.prepare_partitions(integer) FROM PUBLIC;

-- What is final stays final, for whoever can write at all. The role of the server has no right to
-- try; these rules hold its owner too.

CREATE FUNCTION registrary.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'RG002', MESSAGE = tg_argv[0];
END
$$;

CREATE TRIGGER client_stays BEFORE DELETE ON registrary.client
FOR EACH ROW EXECUTE FUNCTION registrary.refuse('clients are never removed: their ids stay taken');

CREATE TRIGGER client_stays_whole BEFORE TRUNCATE ON registrary.client
FOR EACH STATEMENT
EXECUTE FUNCTION registrary.refuse('clients are never removed: their ids stay taken');

CREATE TRIGGER event_stays BEFORE DELETE ON registrary.event
FOR EACH ROW EXECUTE FUNCTION registrary.refuse('events are never removed');

CREATE TRIGGER event_stays_whole BEFORE TRUNCATE ON registrary.event
FOR EACH STATEMENT EXECUTE FUNCTION registrary.refuse('events are never removed');

CREATE TRIGGER event_stays_whole BEFORE TRUNCATE ON registrary.event_otherwise
FOR EACH STATEMENT EXECUTE FUNCTION registrary.refuse('events are never removed');

CREATE TRIGGER event_is_only_erased BEFORE UPDATE ON registrary.event
FOR EACH ROW WHEN (
    new.body IS NOT NULL
    OR new.salt IS NOT NULL
    OR new.issuer IS DISTINCT FROM old.issuer
    OR new.event_id IS DISTINCT FROM old.event_id
    OR new.time IS DISTINCT FROM old.time
    OR new.leaf_hash IS DISTINCT FROM old.leaf_hash
    OR (new.client_id IS NOT NULL AND new.client_id IS DISTINCT FROM old.client_id)
)
EXECUTE FUNCTION registrary.refuse('of an event only body, salt and client can be erased');

CREATE TRIGGER event_log_stays BEFORE DELETE ON registrary.event_log
FOR EACH ROW EXECUTE FUNCTION registrary.refuse('a log is never removed');

CREATE TRIGGER event_log_stays_whole BEFORE TRUNCATE ON registrary.event_log
FOR EACH STATEMENT EXECUTE FUNCTION registrary.refuse('a log is never removed');

CREATE TRIGGER event_log_grows BEFORE UPDATE ON registrary.event_log
FOR EACH ROW WHEN (
    new.issuer <> old.issuer OR new.number <> old.number OR new.size < old.size
)
EXECUTE FUNCTION registrary.refuse('a log only grows');

CREATE TRIGGER event_place_is_final BEFORE UPDATE OR DELETE ON registrary.event_place
FOR EACH ROW EXECUTE FUNCTION registrary.refuse('the place of an event never changes');

CREATE TRIGGER event_place_is_final_whole BEFORE TRUNCATE ON registrary.event_place
FOR EACH STATEMENT EXECUTE FUNCTION registrary.refuse('the place of an event never changes');

CREATE TRIGGER checkpoint_is_final BEFORE UPDATE OR DELETE ON registrary.checkpoint
FOR EACH ROW
EXECUTE FUNCTION registrary.refuse('checkpoints are never changed and never removed');

CREATE TRIGGER checkpoint_is_final_whole BEFORE TRUNCATE ON registrary.checkpoint
FOR EACH STATEMENT
EXECUTE FUNCTION registrary.refuse('checkpoints are never changed and never removed');
