"""Codes by the clock (TOTP, RFC 6238), as authenticator apps show them: SHA-1, six digits, 30 s."""

import hashlib
import hmac
from base64 import b32encode
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from registrary.authserver.people.services import PeopleServices
from registrary.core.entropy import Draw
from registrary.core.people import OneTimeCodes, Person
from registrary.core.sealing import Place

SECRET_BYTES: Final = 20  # RFC 4226 §4, R6
_DIGITS: Final = 6
_STEP_SECONDS: Final = 30
_DRIFT: Final = 1  # steps that a telephone's clock may be off (RFC 6238 §5.2)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of *secret* at *step* (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def step_of(secret: bytes, typed: str, *, now: datetime, after: int = 0) -> int | None:
    """Return the step that *typed* is the code of, None unless it is one of about *now*.

    Only steps behind *after* count: a code that was seen over somebody's shoulder is spent
    (RFC 6238 §5.2).
    """
    code = "".join(typed.split())
    here = int(now.timestamp()) // _STEP_SECONDS
    found = None
    for step in range(here - _DRIFT, here + _DRIFT + 1):
        # All are compared, so that time does not tell which one was near.
        is_equal = hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        if is_equal and step > after:
            found = step
    return found


def address_for_apps(secret: bytes, *, issuer: str, person: str) -> str:
    """Return the address that apps read from a QR code, for *person* at the host *issuer*."""
    label = f"{quote(issuer)}:{quote(person)}"
    return f"otpauth://totp/{label}?{urlencode({'secret': typed_secret(secret), 'issuer': issuer})}"


def typed_secret(secret: bytes) -> str:
    """Return *secret* as people type it into an app (RFC 4648 §6)."""
    return b32encode(secret).decode().rstrip("=")


def enrolled(
    services: PeopleServices, person: Person, secret: bytes, *, step: int, draw: Draw
) -> OneTimeCodes:
    """Return the codes of *secret*, of which that of *step* was shown; takes from *draw*."""
    sealed = services.secret_keys.sealer().seal(secret, _place(person), draw)
    return OneTimeCodes(sealed_secret=sealed, confirmed_at=services.clock.now(), last_step=step)


def secret_of(services: PeopleServices, person: Person, codes: OneTimeCodes) -> bytes:
    """Return the secret of *codes*, which are those of *person*."""
    return services.secret_keys.sealer().unseal(codes.sealed_secret, _place(person))


def _place(person: Person) -> Place:
    return Place(Person.kind, "one_time_codes", person.issuer, person.id)
