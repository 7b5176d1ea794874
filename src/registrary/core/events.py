"""What happened, in the words of the audit log."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Tag(StrEnum):
    """The kinds of events, spelt ``subject:action``. Each has a sentence in `SENTENCES`."""

    CLIENT_REGISTERED = "client:registered"
    CLIENT_UPDATED = "client:updated"
    CLIENT_UPDATE_REFUSED = "client:update_refused"
    CLIENT_DELETED = "client:deleted"
    CLIENT_DELETE_REFUSED = "client:delete_refused"
    CLIENT_ALLOWED = "client:allowed"
    CLIENT_HELD = "client:held"
    CLIENT_HOLD_LIFTED = "client:hold_lifted"
    CLIENT_REVOKED = "client:revoked"
    CLIENT_PURGED = "client:purged"
    SECRET_ROTATED = "client:secret_rotated"
    SECRET_RETIRED = "client:secret_retired"
    REGISTRATION_ACCESS_TOKEN_ROTATED = "client:registration_access_token_rotated"
    REGISTRATION_ACCESS_TOKEN_RETIRED = "client:registration_access_token_retired"
    REGISTRATION_ACCESS_TOKEN_REVOKED = "client:registration_access_token_revoked"
    REGISTRATION_REFUSED = "registration:refused"
    REFUSALS_COUNTED = "registration:refusals_counted"
    TOKENS_COUNTED = "token:issues_counted"
    TOKEN_REFUSED = "token:refused"
    TOKEN_REVOKED = "token:revoked"
    TOKEN_REVOCATION_REFUSED = "token:revocation_refused"
    GRANT_ENDED = "grant:ended"
    AUTHORIZATION_ALLOWED = "authorization:allowed"
    AUTHORIZATION_DENIED = "authorization:denied"
    INITIAL_ACCESS_TOKEN_CREATED = "initial_access_token:created"
    INITIAL_ACCESS_TOKEN_REVOKED = "initial_access_token:revoked"
    ADMIN_TOKEN_CREATED = "admin_token:created"
    ADMIN_TOKEN_REVOKED = "admin_token:revoked"
    ADMIN_REFUSED = "admin:refused"
    ISSUER_CREATED = "issuer:created"
    ISSUER_UPDATED = "issuer:updated"
    KEY_CREATED = "key:created"
    KEY_ACTIVATED = "key:activated"
    KEY_RETIRED = "key:retired"
    IDENTITY_PROVIDER_CREATED = "identity_provider:created"
    IDENTITY_PROVIDER_UPDATED = "identity_provider:updated"
    IDENTITY_PROVIDER_DELETED = "identity_provider:deleted"
    CONSENT_WITHDRAWN = "consent:withdrawn"
    PERSON_CREATED = "person:created"
    PERSON_UPDATED = "person:updated"
    PERSON_DISABLED = "person:disabled"
    PERSON_ENABLED = "person:enabled"
    PASSWORD_SET = "person:password_set"
    PASSKEY_ADDED = "person:passkey_added"
    PASSKEY_REMOVED = "person:passkey_removed"
    IDENTITY_LINKED = "person:identity_linked"
    IDENTITY_UNLINKED = "person:identity_unlinked"
    ONE_TIME_CODES_ENROLLED = "person:one_time_codes_enrolled"
    ONE_TIME_CODES_REMOVED = "person:one_time_codes_removed"
    PERSON_SIGNED_IN = "person:signed_in"
    PERSON_SIGNED_OUT = "person:signed_out"
    PERSON_SIGNED_OUT_EVERYWHERE = "person:signed_out_everywhere"
    EVENT_STREAM_CREATED = "event_stream:created"
    EVENT_STREAM_CHANGED = "event_stream:changed"
    EVENT_STREAM_REMOVED = "event_stream:removed"
    MESSAGE_GIVEN_UP = "message:given_up"
    STORE_RESTORED = "store:restored"
    SERVER_STARTED = "server:started"
    SERVER_STOPPED = "server:stopped"


SENTENCES: dict[Tag, str] = {
    Tag.CLIENT_REGISTERED: "A client registered.",
    Tag.CLIENT_UPDATED: "A client's registration was replaced.",
    Tag.CLIENT_UPDATE_REFUSED: "An update of a client was refused.",
    Tag.CLIENT_DELETED: "A client deleted itself.",
    Tag.CLIENT_DELETE_REFUSED: "A client's deletion of itself was refused.",
    Tag.CLIENT_ALLOWED: "What a client may ask for, or how long its tokens last, was set.",
    Tag.CLIENT_HELD: "A hold was placed on a client.",
    Tag.CLIENT_HOLD_LIFTED: "A hold on a client was lifted.",
    Tag.CLIENT_REVOKED: "A client was revoked.",
    Tag.CLIENT_PURGED: "What was left of a revoked client was erased; its id stays taken.",
    Tag.SECRET_ROTATED: "A client secret was replaced; the old one is good for a while.",
    Tag.SECRET_RETIRED: "A replaced client secret came to its end.",
    Tag.REGISTRATION_ACCESS_TOKEN_ROTATED: "A registration access token was replaced.",
    Tag.REGISTRATION_ACCESS_TOKEN_RETIRED: "A replaced registration access token ended.",
    Tag.REGISTRATION_ACCESS_TOKEN_REVOKED: (
        "A registration access token was used on another client's address and is revoked."
    ),
    Tag.REGISTRATION_REFUSED: "A registration was refused.",
    Tag.REFUSALS_COUNTED: (
        "So many requests were refused in an interval, of strangers and again of known clients."
    ),
    Tag.TOKENS_COUNTED: "So many access tokens were issued to a client in an interval.",
    Tag.TOKEN_REFUSED: "An authenticated client was refused a token.",
    Tag.TOKEN_REVOKED: "An access token was revoked.",
    Tag.TOKEN_REVOCATION_REFUSED: "A client wanted to revoke the token of another client.",
    Tag.GRANT_ENDED: "What a client was allowed came to an end, with every token of it.",
    Tag.AUTHORIZATION_ALLOWED: (
        "A client got what it asked a person for: allowed now, or remembered from before."
    ),
    Tag.AUTHORIZATION_DENIED: "A person refused a client what it asked for.",
    Tag.INITIAL_ACCESS_TOKEN_CREATED: "An initial access token was created.",
    Tag.INITIAL_ACCESS_TOKEN_REVOKED: "An initial access token was revoked.",
    Tag.ADMIN_TOKEN_CREATED: "An admin token was created.",
    Tag.ADMIN_TOKEN_REVOKED: "An admin token was revoked.",
    Tag.ADMIN_REFUSED: "An admin token was refused something it may not do.",
    Tag.ISSUER_CREATED: "An issuer was created.",
    Tag.ISSUER_UPDATED: "An issuer's settings changed.",
    Tag.KEY_CREATED: "A signing key was created.",
    Tag.KEY_ACTIVATED: "A signing key took over.",
    Tag.KEY_RETIRED: "A signing key is no longer published.",
    Tag.IDENTITY_PROVIDER_CREATED: "People may sign in at a further identity provider.",
    Tag.IDENTITY_PROVIDER_UPDATED: "How people sign in at an identity provider changed.",
    Tag.IDENTITY_PROVIDER_DELETED: "Nobody signs in at an identity provider any more.",
    Tag.CONSENT_WITHDRAWN: "A person disconnected a client, which has to ask again.",
    Tag.PERSON_CREATED: "A person was made known.",
    Tag.PERSON_UPDATED: "What is known of a person changed.",
    Tag.PERSON_DISABLED: "A person was locked out; every session and grant of theirs ended.",
    Tag.PERSON_ENABLED: "A person may sign in again.",
    Tag.PASSWORD_SET: "A person got another password, and every session of theirs ended.",
    Tag.PASSKEY_ADDED: "A person can sign in with a further passkey.",
    Tag.PASSKEY_REMOVED: "A passkey signs nobody in any more.",
    Tag.IDENTITY_LINKED: "A person can sign in at an identity provider.",
    Tag.IDENTITY_UNLINKED: "A person cannot sign in at an identity provider any more.",
    Tag.ONE_TIME_CODES_ENROLLED: "A person proves codes of an app beside the password.",
    Tag.ONE_TIME_CODES_REMOVED: "A person needs no code beside the password any more.",
    Tag.PERSON_SIGNED_IN: "A person signed in with a browser.",
    Tag.PERSON_SIGNED_OUT: "A session of a person was ended.",
    Tag.PERSON_SIGNED_OUT_EVERYWHERE: "Every session and grant of a person was ended.",
    Tag.EVENT_STREAM_CREATED: "Somebody is told of security events from now on.",
    Tag.EVENT_STREAM_CHANGED: "Who is told of security events, of which, or where, changed.",
    Tag.EVENT_STREAM_REMOVED: "Somebody is told of security events no more.",
    Tag.MESSAGE_GIVEN_UP: "A message to a client or a subscriber did not arrive within a day.",
    Tag.STORE_RESTORED: "The store was put back from a backup; what came after that is gone.",
    Tag.SERVER_STARTED: "A server process began to keep this log.",
    Tag.SERVER_STOPPED: "A server process stopped; one that was killed says nothing.",
}


class ActorKind(StrEnum):
    """Who acted."""

    ANONYMOUS = "anonymous"
    CLIENT = "client"
    INITIAL_ACCESS_TOKEN = "initial_access_token"
    ADMIN_TOKEN = "admin_token"
    PERSON = "person"
    OPERATOR = "operator"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who acted: a kind, an id within the kind, and the address they spoke from."""

    kind: ActorKind
    id: str | None = None
    address: str | None = None


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One member's value before and after, and where the new one came from. Never a secret."""

    before: Any = None
    after: Any = None
    source: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the audit log, written in the commit of the change it explains.

    *id* is a UUIDv7 in text form. *changes* maps member names to what became of them;
    *detail* holds plain facts (counts, names, the rules that refused). *salt* is random and
    kept apart from the body, so that the body can be erased and the leaf still stands.
    """

    id: str
    issuer: str
    time: datetime
    tag: Tag
    actor: Actor
    client_id: str | None = None
    outcome: str = "success"
    reason: str | None = None
    request_id: str | None = None
    changes: dict[str, FieldChange] = {}
    detail: dict[str, Any] = {}
    salt: bytes
