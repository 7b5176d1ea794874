"""What PostgreSQL and the way to it report, in words for the operator who has to act."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asyncpg import exceptions

from registrary.ports.store import StoreUnavailable

CONFLICT: Final = "RG001"
"""What `registrary.conflict` raises: a condition of the commit does not hold."""

UNSTORABLE: Final = "22021"
"""A text has a character that PostgreSQL cannot keep."""

ENTANGLED: Final = ("40001", "40P01")
"""The commit met another one, and was undone so that the other could go on."""

_READ_ONLY: Final = "25006"

_LOST: Final = (
    OSError,  # TimeoutError is one
    exceptions.InterfaceError,
    exceptions.PostgresConnectionError,
    exceptions.InternalClientError,
    exceptions.TargetServerAttributeNotMatched,
)

_BY_STATE: Final = {
    "25006": "it takes no writes: this is a standby, or the database is set to be read only",
    "42501": "the role lacks a right; run `registrary migrate --application-role` as the owner",
    "42704": "there is no such role; make it first, with CREATE ROLE",
    "53100": "its disk is full; writing goes on by itself once there is space",
    "53200": "it is out of memory",
    "53300": "it has no connection left; look at max_connections and postgres.connections",
    "55P03": "somebody keeps a table locked; look at pg_locks",
    "57014": "it was told to cancel what was asked; whether that was written is unknown",
    "57P01": "it is shutting down, or ended the connection",
    "57P02": "it ends all connections because one of its processes crashed",
    "57P03": "it is starting up or shutting down",
    "57P04": "the database was dropped",
    "58030": "its disk reports an error; look at the server's log",
    "58P01": "a file of it is missing; look at the server's log",
    "XX001": "its data is damaged; look at the server's log, and restore a backup",
    "XX002": "one of its indexes is damaged; look at the server's log",
    "28P01": "the role or its password is refused",
    "28000": "the role may not connect; look at pg_hba.conf and at the role",
    "3D000": "there is no database of this name",
    "08P01": "what answers speaks otherwise than PostgreSQL; behind a pooler set postgres.pooled",
}
_MISSING: Final = {"3F000", "42P01", "42703", "42883"}
_OUTAGE_CLASSES: Final = ("08", "28", "53", "57", "58", "XX")


class SchemaMismatch(StoreUnavailable):
    """The database is not what this version works with; trying later does not help."""


def is_lost(error: BaseException) -> bool:
    """Tell whether *error* says nothing but that the connection is of no more use."""
    if isinstance(error, exceptions.DataError | ValueError):
        return False  # what was bound is at fault, although asyncpg says so in the same family
    state = state_of(error)
    return isinstance(error, _LOST) or state[:2] in {"08", "57"} or state == _READ_ONLY


def state_of(error: BaseException) -> str:
    """Return the five letters by which PostgreSQL names an error; empty for any other."""
    return str(getattr(error, "sqlstate", None) or "")


def outage(error: BaseException, address: str) -> StoreUnavailable | None:
    """Return the outage that *error* is, with what to do about it; None when it is a mistake."""
    state = state_of(error)
    if state in _MISSING:
        return SchemaMismatch(f"{address}: its schema is not ours; run `registrary migrate`")
    if isinstance(error, exceptions.ClientConfigurationError):
        # Its text may repeat what the URL says.
        return StoreUnavailable(f"{address}: a parameter of its URL cannot be used")
    if isinstance(error, exceptions.DataError | ValueError):
        return None
    if state in _BY_STATE:
        return StoreUnavailable(f"{address}: {_BY_STATE[state]}")
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"{address}: it does not answer in time")
    if isinstance(error, exceptions.TargetServerAttributeNotMatched):
        return StoreUnavailable(f"{address}: no server there takes writes; all are standbys")
    if isinstance(error, OSError):
        return StoreUnavailable(f"{address}: it cannot be reached ({_cause(error)})")
    if isinstance(error, _LOST):
        return StoreUnavailable(f"{address}: the connection broke; what was asked may be done")
    if state.startswith(_OUTAGE_CLASSES):
        return StoreUnavailable(f"{address}: PostgreSQL gave up ({state})")
    return None


def _cause(error: OSError) -> str:
    if error.strerror is None and isinstance(error, ConnectionError):
        return "it closed the connection, or takes no TLS; look at sslmode in its URL"
    return error.strerror or type(error).__name__


@contextmanager
def outages_told(address: str) -> Iterator[None]:
    """Raise what lies in PostgreSQL, or on the way there, as `StoreUnavailable`."""
    try:
        yield
    except (OSError, exceptions.PostgresError, exceptions.InterfaceError) as error:
        unavailable = outage(error, address)
        if unavailable is None:
            raise
        raise unavailable from error
