"""What the keys of a store that keeps them itself are sealed under."""

import os
from collections.abc import Iterator

from registrary.config import Settings, SettingsError
from registrary.core.errors import FieldError
from registrary.keys.encryption import EncryptionKey
from registrary.keys.encryption_file import (
    encryption_key_file,
    make_encryption_key,
    read_encryption_key,
)

Keys = tuple[EncryptionKey, ...]


def named_keys(settings: Settings) -> Keys:
    """Return the key-encryption keys that *settings* name, the current one first.

    Raises `SettingsError` for what is no key.
    """
    return tuple(_named(settings))


def keys_at_hand(settings: Settings, *, create: bool = False) -> Keys:
    """Return the keys that *settings* name, or else the one of this account.

    With *create* it is made where there is none. Raises `SettingsError` when there is no key at
    all, and `KeysUnusable` for a file that is no use.
    """
    named = named_keys(settings)
    if settings.keys.encryption_key is not None:
        return named
    path = encryption_key_file(os.environ)
    text = make_encryption_key(path) if create else read_encryption_key(path)
    if text is None:
        raise SettingsError(
            "keys.encryption_key is required: name the file of the key that this database was "
            f"first used with in REGISTRARY_KEYS__ENCRYPTION_KEY_FILE, or copy it to {path}"
        )
    return (_parsed(text, str(path)), *named)


def _named(settings: Settings) -> Iterator[EncryptionKey]:
    if settings.keys.encryption_key is not None:
        yield _parsed(settings.keys.encryption_key, "keys.encryption_key")
    if settings.keys.previous_encryption_key is not None:
        yield _parsed(settings.keys.previous_encryption_key, "keys.previous_encryption_key")


def _parsed(text: str, name: str) -> EncryptionKey:
    try:
        return EncryptionKey.parse(text)
    except FieldError as error:
        raise SettingsError(f"{name} {error.rule}") from error
