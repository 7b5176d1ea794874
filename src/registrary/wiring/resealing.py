"""Moving the keys in a store from the key they are sealed under to the next."""

from registrary.config import Settings, SettingsError
from registrary.config.store_url import is_postgres, store_url


async def reseal_keys(settings: Settings) -> str:
    """Seal the keys in the store of *settings* under the current key; return its id.

    Raises `SettingsError` for a store that does not keep its keys, `KeysUnusable` when they are
    sealed under a key that the settings do not hold.
    """
    if not is_postgres(store_url(settings)):
        raise SettingsError("store: only PostgreSQL keeps keys sealed; those of SQLite are a file")
    # Imported here: who stays with SQLite need not wait for it.
    from registrary.wiring.database import open_database  # noqa: PLC0415 - see above

    store, keys = await open_database(settings, create=False)
    try:
        await keys.reseal()
    finally:
        await store.close()
    return keys.sealed_under
