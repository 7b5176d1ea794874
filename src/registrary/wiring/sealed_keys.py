"""What the keys of a store that keeps them itself are sealed under."""

from collections.abc import Iterator

from registrary.config import Settings, SettingsError
from registrary.config.store_url import demand_encryption_key
from registrary.core.errors import FieldError
from registrary.keys.encryption import EncryptionKey


def keys_at_hand(settings: Settings) -> Iterator[EncryptionKey]:
    """Yield the key-encryption keys of *settings*, the current one first.

    Raises `SettingsError` where there is none, or for what is no key.
    """
    yield _parsed(demand_encryption_key(settings), "keys.encryption_key")
    previous = settings.keys.previous_encryption_key
    if previous is not None:
        yield _parsed(previous, "keys.previous_encryption_key")


def _parsed(text: str, name: str) -> EncryptionKey:
    try:
        return EncryptionKey.parse(text)
    except FieldError as error:
        raise SettingsError(f"{name} {error.rule}") from error
