"""What SQLite reports, in words for the operator who has to act."""

from pathlib import Path
from typing import Final

import apsw

from registrary.ports.store import StoreUnavailable

OUTAGES: Final = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
"""Errors that lie in the machine and not in the statement: nothing was written."""


class SchemaMismatch(StoreUnavailable):
    """The file is not what this version works with; trying later does not help."""


def unavailable(error: apsw.Error, path: Path) -> StoreUnavailable:
    """Return the outage that *error* is, with what to do about it."""
    match error:
        case apsw.FullError():
            text = "the disk is full; writing goes on by itself once there is space"
        case apsw.ReadOnlyError():
            text = "it cannot be written; look at its owner, its mode and how its disk is mounted"
        case apsw.BusyError() | apsw.LockedError():
            text = "another process keeps it locked"
        case apsw.CantOpenError():
            text = "it, or a file beside it, cannot be opened; look at its folder and their modes"
        case apsw.CorruptError() | apsw.NotADBError():
            text = "it is damaged or no SQLite file; stop the server and restore a backup"
        case apsw.PermissionsError():
            text = "access is denied; look at its owner and mode"
        case apsw.IOError():
            text = f"its disk reports an error ({_cause(error)}); look at the disk and its space"
        case _:
            text = f"SQLite gave up ({_cause(error)})"
    return StoreUnavailable(f"{path}: {text}")


def _cause(error: apsw.Error) -> str:
    """Return SQLite's name for *error*, such as ``SQLITE_IOERR_FSYNC``."""
    code = getattr(error, "extendedresult", -1)
    return str(apsw.mapping_extended_result_codes.get(code, error))
