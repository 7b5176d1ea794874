"""Whether a store and its keys are as they should be: before a start, and for ``doctor``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from registrary.core.issuer import Issuer
from registrary.core.signing_key import SigningKey
from registrary.keys.signer import MAX_KEYS
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.keys import UnsealError
from registrary.wiring.adapters import SystemClock, Vault

MERGE_DELAY: Final = timedelta(seconds=5)  # a running server leaves nothing waiting this long
CLOCK_TOLERANCE: Final = timedelta(seconds=5)
SET_THE_CLOCK: Final = (
    "Set the clock, and let it be kept right (NTP): tokens and the log depend on it."
)


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: whether it is good, what was seen, and what to do then.

    A note is good enough to go on with, and its advice is worth reading all the same.
    """

    name: str
    good: bool
    seen: str
    advice: str = ""
    is_note: bool = False


async def keys_problem(vault: Vault) -> KeysUnusable | None:
    """Return why the keys at hand are no use to the store, None when they are those it needs.

    Whoever changed the key file, or the store under it, is told here and not by clients: with
    other keys every credential looks wrong.
    """
    if vault.keys.problem is not None:
        return vault.keys.problem
    sealer = vault.keys.sealer()
    for issuer in await vault.store.issuers():
        page = await vault.store.page(SigningKey, issuer.id, limit=MAX_KEYS)
        for key in page.records:
            try:
                if key.sealed_private:
                    sealer.unseal(key.sealed_private, key.place)
            except UnsealError as error:
                wrong = f"it is not the one this store was written with: {error}"
                return KeysUnusable(vault.keys.name, wrong)
    return None


async def demand_keys(vault: Vault) -> None:
    """Refuse to go on with keys that are no use to the store; raises `KeysUnusable`."""
    problem = await keys_problem(vault)
    if problem is not None:
        raise problem


async def examine(vault: Vault) -> Sequence[Finding]:
    """Return what is good and what is not about the content of a store, and about its keys."""
    problem = await keys_problem(vault)
    findings = [
        Finding(
            "keys",
            problem is None,
            str(problem or vault.keys.name),
            f"Put the {vault.keys.name} back, from wherever its copy is kept.",
        )
    ]
    issuers = await vault.store.issuers()
    urls = ", ".join(issuer.url for issuer in issuers)
    findings.append(
        Finding(
            "issuers",
            bool(issuers),
            urls or "none; start the server once",
            "Start the server on this store, or name another one.",
        )
    )
    return [*findings, *[await _log_of(issuer, vault) for issuer in issuers], await _clock(vault)]


async def _log_of(issuer: Issuer, vault: Vault) -> Finding:
    waiting = await vault.store.waiting(issuer.id, limit=1)
    late = waiting and SystemClock().now() - waiting[0].time > MERGE_DELAY
    size = await vault.store.log_size(issuer.id)
    seen = f"{size} events" + ("; some wait for a running server" if late else "")
    advice = "Start the server; where it runs, its log says why it signs nothing."
    return Finding(f"log of {issuer.url}", not late, seen, advice)


async def _clock(vault: Vault) -> Finding:
    """Hold the clock against the newest events: time does not run backwards."""
    now = SystemClock().now()
    newest = [
        event.time
        for issuer in await vault.store.issuers()
        for event in await vault.store.recent_events(issuer.id, limit=1)
    ]
    ahead = max((time - now for time in newest), default=timedelta(0))
    seen = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if ahead > CLOCK_TOLERANCE:
        seen += f", but the newest event is {ahead.total_seconds():.0f} seconds later"
    return Finding("clock", ahead <= CLOCK_TOLERANCE, seen, SET_THE_CLOCK)
