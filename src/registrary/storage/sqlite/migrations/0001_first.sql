-- Every table carries the issuer. Records are JSON beside the columns that are looked up.
CREATE TABLE client (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE initial_access_token (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE admin_token (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE revoked_token (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE spent_assertion (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE signing_key (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE TABLE issuer (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
  expires_at INTEGER, record TEXT NOT NULL, UNIQUE (issuer, key)
);
CREATE INDEX initial_access_token_end ON initial_access_token (issuer, expires_at)
  WHERE expires_at IS NOT NULL;
CREATE INDEX admin_token_end ON admin_token (issuer, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX revoked_token_end ON revoked_token (issuer, expires_at);
CREATE INDEX spent_assertion_end ON spent_assertion (issuer, expires_at);

CREATE TABLE counter (
  issuer TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (issuer, name)
);

-- The order of id is the order of commit: SQLite has one writer at a time.
CREATE TABLE event (
  id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, event_id BLOB NOT NULL UNIQUE,
  time INTEGER NOT NULL, client_id TEXT, body BLOB, salt BLOB, leaf_hash BLOB NOT NULL,
  leaf_index INTEGER
);
CREATE INDEX event_client ON event (issuer, client_id, event_id) WHERE client_id IS NOT NULL;

-- How far the sequencer is: leaves of the tree, and the last event that has an index.
CREATE TABLE log_head (
  issuer TEXT PRIMARY KEY, size INTEGER NOT NULL, last_event INTEGER NOT NULL
);
CREATE TABLE log_leaf (
  issuer TEXT NOT NULL, leaf_index INTEGER NOT NULL, event INTEGER NOT NULL,
  PRIMARY KEY (issuer, leaf_index)
) WITHOUT ROWID;
CREATE TABLE log_tile (
  issuer TEXT NOT NULL, level INTEGER NOT NULL, tile_index INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (issuer, level, tile_index)
);
CREATE TABLE log_checkpoint (
  issuer TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (issuer, size)
);

-- What happened is never rewritten: of an event only its body and salt may be erased.
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER event_is_as_it_was BEFORE UPDATE ON event
WHEN NEW.issuer IS NOT OLD.issuer OR NEW.event_id IS NOT OLD.event_id OR NEW.time IS NOT OLD.time
  OR NEW.leaf_hash IS NOT OLD.leaf_hash OR NEW.client_id IS NOT OLD.client_id
  OR (NEW.body IS NOT OLD.body AND NEW.body IS NOT NULL)
  OR (NEW.salt IS NOT OLD.salt AND NEW.salt IS NOT NULL)
  OR (OLD.leaf_index IS NOT NULL AND NEW.leaf_index IS NOT OLD.leaf_index)
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
