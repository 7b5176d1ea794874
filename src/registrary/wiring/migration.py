"""Bringing a store of any kind to the form that this version needs."""

import msgspec

from registrary.config import Settings, SettingsError
from registrary.config.store_url import is_postgres, store_url
from registrary.storage.sqlite import upkeep
from registrary.wiring.adapters import database_path, open_vault


class Migrated(msgspec.Struct, frozen=True):
    """A store that is up to date. *store* is where it is, without any password."""

    store: str
    schema_version: int


async def migrate_store(settings: Settings, *, application_role: str | None) -> Migrated:
    """Make the store of *settings*, or bring it up to date.

    On PostgreSQL *application_role* is given the rights that a server needs.
    """
    if is_postgres(store_url(settings)):
        return await _migrate_database(settings, application_role)
    if application_role is not None:
        raise SettingsError("--application-role is for PostgreSQL")
    vault = await open_vault(settings, create=True)
    await vault.store.close()
    info = upkeep.info(database_path(settings))
    return Migrated(str(info.path), info.schema_version)


async def _migrate_database(settings: Settings, application_role: str | None) -> Migrated:
    # Imported here: who stays with SQLite need not wait for it.
    from registrary.storage.postgres import migrate_postgres  # noqa: PLC0415 - see above
    from registrary.storage.postgres.examination import examine  # noqa: PLC0415 - see above
    from registrary.wiring.database import postgres_options  # noqa: PLC0415 - see above

    url, options = store_url(settings), postgres_options(settings)
    await migrate_postgres(url, options=options, application_role=application_role)
    facts = await examine(url, options)
    return Migrated(facts.address, facts.schema)
