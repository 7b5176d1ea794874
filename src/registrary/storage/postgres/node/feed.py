"""What changed, as the database tells it."""

from typing import Final

import asyncpg

from registrary.storage.postgres.node.freshness import Change, News, Position
from registrary.storage.shared.statements import statements

LIMIT: Final = 2000  # changes taken one by one; of more than these everything is forgotten

_SQL: Final = statements(__package__, "node")


class TableFeed:
    """Reads the table of changes over one connection.

    Transactions end in another order than they begin, so a place in the table would not do:
    what counts is which of them the snapshot of the last look did not see. That leaves out
    nothing and repeats nothing.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def news(self, since: Position | None) -> News:
        """Return every change that became visible after *since*, and where that leaves us."""
        if since is None:
            row = await self._connection.fetchrow(_SQL["position"])
            return News(Position(row["server"], row["snapshot"]), None)
        rows = await self._connection.fetch(_SQL["news"], since.snapshot, LIMIT)
        position = Position(rows[0]["server"], rows[0]["snapshot"])
        if position.server != since.server or len(rows) == LIMIT:
            return News(position, None)
        changes = [Change(kind, issuer, key) for _, _, kind, issuer, key in rows if kind]
        return News(position, changes)
