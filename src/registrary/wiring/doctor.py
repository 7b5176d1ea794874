"""What ``registrary doctor`` looks at: a store of any kind, what is in it, and the clock."""

import asyncio

from registrary.config import Settings
from registrary.config.store_url import is_postgres, store_url
from registrary.wiring.file_findings import examine_file
from registrary.wiring.health import Finding


def examine_store(settings: Settings, *, thorough: bool) -> list[Finding]:
    """Return what is good and what is not about the store of *settings*.

    *thorough* reads all of it. Nothing is changed. Whatever cannot be opened is a finding, not a
    failure; only a store that is not there raises `SettingsError`.
    """
    if is_postgres(store_url(settings)):
        # Imported here: who stays with SQLite need not wait for it.
        from registrary.wiring.database_findings import (  # noqa: PLC0415 - see above
            examine_database,
        )

        return asyncio.run(examine_database(settings, thorough=thorough))
    return asyncio.run(examine_file(settings, thorough=thorough))
