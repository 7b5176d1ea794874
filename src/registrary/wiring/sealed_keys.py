"""The keys of a store that keeps them itself, sealed under a key of the settings."""

from collections.abc import Iterator

from registrary.config import Settings, SettingsError
from registrary.config.store_url import demand_encryption_key
from registrary.core.errors import FieldError
from registrary.keys.encryption import EncryptionKey
from registrary.keys.stored import SealedKeys
from registrary.ports.kept_store import KeyDocuments


def sealed_keys_in(documents: KeyDocuments, settings: Settings) -> SealedKeys:
    """Return the keys in *documents*, to be opened; raises `SettingsError` for what is no key."""
    return SealedKeys(documents, tuple(keys_at_hand(settings)))


def keys_at_hand(settings: Settings) -> Iterator[EncryptionKey]:
    """Yield the key-encryption keys of *settings*, the current one first."""
    yield _parsed(demand_encryption_key(settings), "keys.encryption_key")
    previous = settings.keys.previous_encryption_key
    if previous is not None:
        yield _parsed(previous, "keys.previous_encryption_key")


def _parsed(text: str, name: str) -> EncryptionKey:
    try:
        return EncryptionKey.parse(text)
    except FieldError as error:
        raise SettingsError(f"{name} {error.rule}") from error
