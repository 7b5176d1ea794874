"""The document of keys, sealed by whoever made it: one row."""

import asyncio
from typing import Final

from asyncpg import exceptions

from registrary.ports.store import Conflict
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.errors import ENTANGLED, outage, state_of
from registrary.storage.shared.statements import statements

_SQL: Final = statements(__package__, "key_document")
_WHAT: Final = "key document"


class KeyDocument:
    """Reads and replaces it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> tuple[int, bytes] | None:
        """Return the document and its revision."""
        rows = await self._database.rows(_SQL["read"])
        return (rows[0]["revision"], rows[0]["document"]) if rows else None

    async def replace(self, document: bytes, *, expected: int | None) -> None:
        """Put *document* in the place of revision *expected*. Raises `Conflict`."""
        end = asyncio.get_running_loop().time() + self._database.options.commit_seconds
        statement = "insert" if expected is None else "replace"
        bindings = (document,) if expected is None else (document, expected)
        try:
            rows = await self._database.commit(_SQL[statement], bindings, end=end)
        except exceptions.PostgresError as error:
            if state_of(error) in ENTANGLED:
                raise Conflict(_WHAT) from error
            raise outage(error, str(self._database.address)) or error from error
        if not rows:
            raise Conflict(_WHAT)
