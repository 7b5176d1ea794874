"""Opaque tokens: minted for a record, and found again by what they spell."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from registrary.authserver.services import ServerServices
from registrary.core.ids import new_id
from registrary.core.secrets import (
    TOKEN_DRAW_BYTES,
    Digest,
    PepperRing,
    Prefix,
    Secret,
    mint_token,
    parse_token,
)

MINT_DRAW_BYTES: Final = 10 + TOKEN_DRAW_BYTES  # an id, and the token that names it


class TokenRecord(Protocol):
    """A record that a token opens: it keeps the digest of it."""

    @property
    def pepper_id(self) -> str:
        """Return which pepper made the digest."""
        ...

    @property
    def mac(self) -> bytes:
        """Return the digest."""
        ...


R = TypeVar("R", bound=TokenRecord)


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token, with what its record keeps of it: an id, and the digest."""

    token: Secret
    id: str
    pepper_id: str
    mac: bytes


def mint(services: ServerServices, prefix: Prefix) -> Minted:
    """Return a new token of the kind *prefix*, for a record that does not exist yet."""
    draw = services.draw(MINT_DRAW_BYTES)
    record_id = new_id(services.clock.now(), draw)
    token = mint_token(prefix, draw, bytes.fromhex(record_id))
    digest = services.secret_keys.peppers().digest(token, purpose=prefix)
    return Minted(token, record_id, digest.key_id, digest.mac)


async def find(
    services: ServerServices, record_type: type[R], issuer: str, *, text: str, prefix: Prefix
) -> R | None:
    """Return the record that the token *text* opens, or None; what was wrong is not told."""
    parsed = parse_token(text, prefix)
    if parsed is None or parsed.locator is None:
        return None
    record = await services.store.get(record_type, issuer, parsed.locator.hex())
    if record is None or not opens(
        parsed.token, record, peppers=services.secret_keys.peppers(), prefix=prefix
    ):
        return None
    return record


def opens(token: Secret, record: TokenRecord, *, peppers: PepperRing, prefix: Prefix) -> bool:
    """Tell whether *token* is the one that *record* keeps the digest of."""
    return peppers.verify(token, Digest(record.pepper_id, record.mac), purpose=prefix)
