"""Passwords of people: kept as argon2id (RFC 9106), computed beside the loop that serves."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registrary.core.secrets import Secret

SHORTEST: Final = 8  # characters (NIST SP 800-63B §5.1.1.2)
LONGEST: Final = 256
# Two passes over 19 MiB by one lane: what OWASP asks for at least. Memory is what an attack costs,
# and what many people at once cost us.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of their own: many people at once keep each other waiting, and nobody else.
_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="passwords")


async def hashed(password: Secret) -> str:
    """Return *password* as it is kept."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _HASHER.hash, _prepared(password))


async def fits(password: Secret, kept: str | None) -> bool:
    """Tell whether *kept* was made of *password*.

    None, for somebody who has none or does not exist, takes as long and is False.
    """
    prepared = _prepared(password)
    if len(prepared) > LONGEST:
        return False
    loop = asyncio.get_running_loop()
    is_equal = await loop.run_in_executor(_THREADS, _is_equal, kept, prepared)
    return is_equal and kept is not None


def is_acceptable(password: Secret) -> bool:
    """Tell whether *password* may become one: neither short nor endless."""
    return SHORTEST <= len(_prepared(password)) <= LONGEST


def _prepared(password: Secret) -> str:
    # One keyboard sends é as one character, another as two (RFC 8265 §4.2).
    return unicodedata.normalize("NFC", password.reveal())


def _is_equal(kept: str | None, prepared: str) -> bool:
    try:
        return _HASHER.verify(_nobodys() if kept is None else kept, prepared)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """Return a hash of the same price that no password has."""
    return _HASHER.hash("\0")
