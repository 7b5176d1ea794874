"""Secrets that must be read back, as they are kept: encrypted, and bound to their place."""

from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from registrary.core.entropy import Draw

SEAL_DRAW_BYTES: Final = 12  # of randomness that one `Sealer.seal` takes


class UnsealError(Exception):
    """Sealed bytes cannot be opened: the key is not at hand, or they belong elsewhere.

    An operator's matter: the key file is not the one this store was written with, or somebody
    changed the store.
    """


@dataclass(frozen=True, slots=True)
class Place:
    """Where sealed bytes are kept: record kind, member, issuer and the record's key.

    They open only there, so a row copied over another one does not become its secret.
    """

    table: str
    column: str
    issuer: str
    row: str

    def associated_data(self, key_id: str) -> bytes:
        """Return what is authenticated beside the secret: the place and the sealing key."""
        # An array keeps the parts apart, whatever characters they hold.
        return msgspec.json.encode([self.table, self.column, self.issuer, self.row, key_id])


class Sealer(Protocol):
    """Encrypts and decrypts small secrets. A value: the same arguments give the same bytes."""

    def seal(self, plaintext: bytes, place: Place, draw: Draw) -> bytes:
        """Return *plaintext* encrypted for *place*; takes `SEAL_DRAW_BYTES` from *draw*."""
        ...

    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """Return what was sealed for *place*. Raises `UnsealError`."""
        ...
