-- What people allow clients, the people themselves, and what the server tells others. The shape
-- is that of every record.

CREATE TABLE authorization_code (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX authorization_code_by_end ON authorization_code (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE authorization_grant (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX authorization_grant_by_end ON authorization_grant (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE grant_of_person (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX grant_of_person_by_end ON grant_of_person (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE pushed_request (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX pushed_request_by_end ON pushed_request (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE device_authorization (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX device_authorization_by_end ON device_authorization (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE device_user_code (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX device_user_code_by_end ON device_user_code (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE access_token (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX access_token_by_end ON access_token (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE session (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX session_by_end ON session (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE session_of_person (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX session_of_person_by_end ON session_of_person (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE sign_in_attempt (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX sign_in_attempt_by_end ON sign_in_attempt (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE message (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX message_by_end ON message (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE status_place (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE INDEX status_place_by_end ON status_place (issuer, expires_at, key)
WHERE expires_at IS NOT NULL;

CREATE TABLE consent (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE person (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE sign_in_name (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE identity_provider (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE event_stream (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;

CREATE TABLE status_of_client (
    issuer TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (issuer, key)
) STRICT;
