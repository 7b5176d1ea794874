"""Making the partitions that events of coming months will need."""

from typing import Final

from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.errors import outages_told
from registrary.storage.shared.statements import statements

_SQL: Final = statements(__package__, "schema")


async def prepare_partitions(database: Database, ahead: int) -> int:
    """Make the partitions of this month and *ahead* more; return how many are new."""
    end = database.now() + database.options.commit_seconds
    with outages_told(str(database.address)):
        rows = await database.commit(_SQL["prepare_partitions"], [ahead], end=end)
    return int(rows[0][0])
