"""The spelling of secrets and opaque tokens.

``rgy_rat_`` + locator + random part + checksum. The prefix tells leak scanners and people what
was found. The locator (22 characters, where the kind has one) names the record the token
belongs to, so that one read finds it. The random part holds 256 bits or more. The checksum, a
CRC-32 over all before it, lets a mistyped or invented token be refused without a read. All but
the prefix is base62, so nothing needs escaping in a header, a form, a path or a shell.
"""

import hmac
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from registrary.core.entropy import Draw
from registrary.core.secrets.secret import Secret


class Prefix(StrEnum):
    """What a token is, as its text begins."""

    CLIENT_SECRET = "rgy_cs_"
    REGISTRATION_ACCESS_TOKEN = "rgy_rat_"
    INITIAL_ACCESS_TOKEN = "rgy_iat_"
    ADMIN_TOKEN = "rgy_adm_"
    REFRESH_TOKEN = "rgy_rt_"
    AUTHORIZATION_CODE = "rgy_ac_"
    DEVICE_CODE = "rgy_dc_"
    ACCESS_TOKEN = "rgy_at_"
    PUSHED_REQUEST = "rgy_par_"
    SESSION = "rgy_ss_"


class ParsedToken(NamedTuple):
    """A token that is spelt as one of ours. Nothing says yet that it is good.

    *locator* is the 16 bytes naming its record, None for kinds without one; *token* is the
    whole text.
    """

    locator: bytes | None
    token: Secret


@dataclass(frozen=True, slots=True)
class _Format:
    """How long the random part is, how many bytes are drawn for it, and the whole's length."""

    random_characters: int
    draw_bytes: int
    has_locator: bool
    length: int


LOCATOR_BYTES: Final = 16
_LOCATOR_CHARACTERS: Final = 22  # 62**22 > 2**128
_CHECKSUM_CHARACTERS: Final = 6  # 62**6 > 2**32

# 43 characters of 62 are 256.03 bits. A client secret has 64, because it may be the key of
# HS512, which must have 64 octets (OpenID Connect Core §16.19).
_TOKEN_CHARACTERS: Final = 43
_CLIENT_SECRET_CHARACTERS: Final = 64
FAMILY_KEY_BYTES: Final = 32
_FAMILY_CHARACTERS: Final = 21  # 62**21 > 2**125, and the 22 before them are as hard to guess
# One byte in 32 is of no use (below), so half as many again never run short in practice: fewer
# than 43 of 64 remain once in 10**16 draws.
TOKEN_DRAW_BYTES: Final = 64
CLIENT_SECRET_DRAW_BYTES: Final = 96


def _format(prefix: Prefix) -> _Format:
    has_locator = prefix is not Prefix.CLIENT_SECRET
    characters = _TOKEN_CHARACTERS if has_locator else _CLIENT_SECRET_CHARACTERS
    return _Format(
        random_characters=characters,
        draw_bytes=TOKEN_DRAW_BYTES if has_locator else CLIENT_SECRET_DRAW_BYTES,
        has_locator=has_locator,
        length=len(prefix)
        + (_LOCATOR_CHARACTERS if has_locator else 0)
        + characters
        + _CHECKSUM_CHARACTERS,
    )


_FORMATS: Final[dict[str, _Format]] = {prefix: _format(prefix) for prefix in Prefix}

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# A byte below 248 = 4 × 62 stands for a digit, each digit for four bytes; the others are
# dropped, for every digit to be equally likely.
_TO_DIGIT: Final = bytes(ord(_DIGITS[byte % 62]) for byte in range(256))
_UNUSED: Final = bytes(range(248, 256))
_PAIRS: Final = [first + second for first in _DIGITS for second in _DIGITS]
_PAIR_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_PAIR_BASE: Final = 62 * 62


def mint_client_secret(draw: Draw) -> Secret:
    """Return a new client secret, long enough as key of every HMAC algorithm of JOSE."""
    return _mint(Prefix.CLIENT_SECRET, draw, None)


def mint_registration_access_token(draw: Draw, locator: bytes) -> Secret:
    """Return a new registration access token (RFC 7592 §3) for the client named by *locator*."""
    return _mint(Prefix.REGISTRATION_ACCESS_TOKEN, draw, locator)


def mint_initial_access_token(draw: Draw, locator: bytes) -> Secret:
    """Return a new initial access token (RFC 7591 §3) for the record named by *locator*."""
    return _mint(Prefix.INITIAL_ACCESS_TOKEN, draw, locator)


def mint_admin_token(draw: Draw, locator: bytes) -> Secret:
    """Return a new admin token for the record named by *locator*."""
    return _mint(Prefix.ADMIN_TOKEN, draw, locator)


def mint_token(prefix: Prefix, draw: Draw, locator: bytes) -> Secret:
    """Return a new token of the kind that begins with *prefix*, any but a client secret.

    *locator* is 16 bytes. Takes `TOKEN_DRAW_BYTES` from *draw*.
    """
    return _mint(prefix, draw, locator)


def mint_token_of_family(prefix: Prefix, draw: Draw, locator: bytes, *, key: bytes) -> Secret:
    """Return a new token that whoever has the *key* of its family knows again when it is old.

    The end of its random part is a code over the beginning. Half of the 256 bits are left to
    guess, and the digest of the whole decides as ever.
    """
    text = _mint(prefix, draw, locator).reveal()
    kept = text[: -_CHECKSUM_CHARACTERS - _FAMILY_CHARACTERS]
    marked = kept + _family_code(kept, key)
    return Secret(marked + _checksum(marked))


def is_of_family(token: ParsedToken, *, key: bytes) -> bool:
    """Tell whether *token* was minted for the family of *key*, however long ago.

    Nobody else can spell one, so an old one that comes back was issued here and is replayed.
    """
    marked = token.token.reveal()[:-_CHECKSUM_CHARACTERS]
    kept, code = marked[:-_FAMILY_CHARACTERS], marked[-_FAMILY_CHARACTERS:]
    return hmac.compare_digest(code, _family_code(kept, key))


def parse_token(text: str, prefix: str) -> ParsedToken | None:
    """Return the token *text* spells if it is one of the kind of *prefix*, else None.

    Every fault gives the same None: length, prefix, alphabet, checksum. The checksum is no
    proof; the digest is.
    """
    expected = _FORMATS[prefix]
    if len(text) != expected.length or not text.startswith(prefix) or not text.isascii():
        return None
    body = text[len(prefix) :]
    if (
        not body.isalnum()
        or _checksum(text[:-_CHECKSUM_CHARACTERS]) != text[-_CHECKSUM_CHARACTERS:]
    ):
        return None
    if not expected.has_locator:
        return ParsedToken(None, Secret(text))
    locator = _decode_locator(body[:_LOCATOR_CHARACTERS])
    return None if locator is None else ParsedToken(locator, Secret(text))


def _mint(prefix: Prefix, draw: Draw, locator: bytes | None) -> Secret:
    wanted = _FORMATS[prefix]
    if wanted.has_locator is (locator is None):
        raise ValueError("this kind of token does not go with what was passed as locator")
    digits = draw.take(wanted.draw_bytes).translate(_TO_DIGIT, _UNUSED)
    while len(digits) < wanted.random_characters:
        digits += draw.take(wanted.draw_bytes).translate(_TO_DIGIT, _UNUSED)
    body = digits[: wanted.random_characters].decode("ascii")
    named = body if locator is None else _encode_locator(locator) + body
    text = prefix.value + named
    return Secret(text + _checksum(text))


def _family_code(text: str, key: bytes) -> str:
    # 64 octets, of which one in 32 is of no use: fewer than 21 never remain.
    octets = hmac.digest(key, text.encode("ascii"), "sha512").translate(_TO_DIGIT, _UNUSED)
    return octets[:_FAMILY_CHARACTERS].decode("ascii")


def _checksum(text: str) -> str:
    rest, last = divmod(zlib.crc32(text.encode("ascii")), _PAIR_BASE)
    first, middle = divmod(rest, _PAIR_BASE)
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]


def _encode_locator(locator: bytes) -> str:
    if len(locator) != LOCATOR_BYTES:
        raise ValueError(f"a locator has {LOCATOR_BYTES} bytes")
    number = int.from_bytes(locator, "big")
    pairs = []
    for _ in range(_LOCATOR_CHARACTERS // 2):
        number, value = divmod(number, _PAIR_BASE)
        pairs.append(_PAIRS[value])
    return "".join(reversed(pairs))


def _decode_locator(digits: str) -> bytes | None:
    number = 0
    for start in range(0, _LOCATOR_CHARACTERS, 2):
        number = number * _PAIR_BASE + _PAIR_VALUES[digits[start : start + 2]]
    if number >> 8 * LOCATOR_BYTES:
        return None
    return number.to_bytes(LOCATOR_BYTES, "big")
