-- Records: one table for each kind, all of one shape. `record` is the whole record as JSON; the
-- columns beside it are what statements look for. Kinds that end have `expires_at` (microseconds
-- since 1970; null: never). Keys grow with time, so that rows and index entries are appended.

CREATE TABLE issuer (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE client (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TRIGGER client_stays BEFORE DELETE ON client
BEGIN
    SELECT raise(ABORT, 'clients are never removed: their ids stay taken');
END;

CREATE TABLE initial_access_token (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX initial_access_token_by_end ON initial_access_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE admin_token (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX admin_token_by_end ON admin_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE revoked_token (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX revoked_token_by_end ON revoked_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE spent_assertion (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX spent_assertion_by_end ON spent_assertion (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE signing_key (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE counter (
    issuer TEXT NOT NULL,
    name TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (issuer, name)
) STRICT, WITHOUT ROWID;

-- The audit log. An event's `sequence` is its issuer's `number`, shifted left by 40 bits, plus its
-- place in the order of that issuer's commits. Places are given inside the commit and have no gaps,
-- so the sequencer moves `size` on and touches no event: the places below `size` are the indexes
-- of the leaves, the others wait.

CREATE TABLE event_log (
    issuer TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 4194303),
    size INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER event_log_stays BEFORE DELETE ON event_log
BEGIN
    SELECT raise(ABORT, 'a log is never removed');
END;

CREATE TRIGGER event_log_grows BEFORE UPDATE ON event_log
WHEN new.issuer <> old.issuer OR new.number <> old.number OR new.size < old.size
BEGIN
    SELECT raise(ABORT, 'a log only grows');
END;

CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    issuer TEXT NOT NULL,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    time INTEGER NOT NULL, -- microseconds since 1970
    client_id TEXT,
    body TEXT, -- canonical JSON as it was hashed; null once erased, as is the salt
    salt BLOB,
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;

CREATE UNIQUE INDEX event_by_id ON event (issuer, event_id);

CREATE INDEX event_by_client ON event (issuer, client_id, event_id)
WHERE client_id IS NOT NULL;

CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN
    SELECT raise(ABORT, 'events are never removed');
END;

CREATE TRIGGER event_is_only_erased BEFORE UPDATE ON event
WHEN new.body IS NOT NULL
    OR new.salt IS NOT NULL
    OR new.sequence IS NOT old.sequence
    OR new.issuer IS NOT old.issuer
    OR new.event_id IS NOT old.event_id
    OR new.time IS NOT old.time
    OR new.leaf_hash IS NOT old.leaf_hash
    OR (new.client_id IS NOT NULL AND new.client_id IS NOT old.client_id)
BEGIN
    SELECT raise(ABORT, 'of an event only body, salt and client can be erased');
END;

CREATE TABLE tile (
    issuer TEXT NOT NULL,
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (issuer, level, number)
) STRICT;

CREATE TABLE checkpoint (
    issuer TEXT NOT NULL,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (issuer, size)
) STRICT;

CREATE TRIGGER checkpoint_stays BEFORE DELETE ON checkpoint
BEGIN
    SELECT raise(ABORT, 'checkpoints are never removed');
END;

CREATE TRIGGER checkpoint_is_final BEFORE UPDATE ON checkpoint
BEGIN
    SELECT raise(ABORT, 'checkpoints are never changed');
END;
