"""Opening a store in PostgreSQL with the keys that it keeps."""

from registrary.config import Settings
from registrary.config.store_url import direct_url, store_url
from registrary.keys.stored import NAME, SealedKeys
from registrary.ports.kept_store import KeysUnusable
from registrary.storage.postgres import PostgresOptions, PostgresStore, open_postgres
from registrary.wiring.sealed_keys import keys_at_hand, named_keys


async def open_database(settings: Settings, *, create: bool) -> tuple[PostgresStore, SealedKeys]:
    """Open the store and its keys; with *create* keys are made for a store that holds nothing.

    Tables are made, and brought up to date, only where the settings say so.
    """
    named_keys(settings)  # one that is none is told before anything is connected
    store = await open_postgres(
        store_url(settings),
        options=postgres_options(settings),
        migrate=create and settings.migrate,
    )
    try:
        has_keys, is_new = await store.key_document() is not None, not await store.issuers()
        if is_new and not create and not has_keys:
            raise KeysUnusable(NAME, "there is none yet; start the server once")
        at_hand = keys_at_hand(settings, create=create and is_new and not has_keys)
        keys = await SealedKeys(store, at_hand).open(create=is_new and create)
    except BaseException:
        await store.close()
        raise
    return store, keys


def postgres_options(settings: Settings) -> PostgresOptions:
    """Return how a process uses PostgreSQL."""
    wanted = settings.postgres
    return PostgresOptions(
        connections=wanted.connections,
        pooled=wanted.pooled,
        direct=direct_url(settings),
        connect_seconds=wanted.connect_seconds,
        read_seconds=wanted.read_seconds,
        commit_seconds=wanted.commit_seconds,
    )
