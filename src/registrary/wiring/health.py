"""What ``registrary doctor`` looks at in a store and its keys."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from registrary.config import Settings
from registrary.keys.local import key_file_of
from registrary.wiring.adapters import SystemClock, Vault, database_path

FREE_BYTES: Final = 512 * 1024 * 1024  # less free disk than this is worth a warning
MERGE_DELAY: Final = timedelta(seconds=5)  # a running server leaves nothing waiting this long


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: whether it is good, and what was seen."""

    name: str
    good: bool
    seen: str


async def examine(settings: Settings, vault: Vault) -> Sequence[Finding]:
    """Return what is good and what is not about the store of *settings*."""
    path = database_path(settings)
    free = shutil.disk_usage(path.parent).free
    problem = vault.keys.problem
    findings = [
        Finding("disk", free >= FREE_BYTES, f"{free // 2**20} MiB free beside {path.name}"),
        Finding("keys", problem is None, str(problem or key_file_of(path).name)),
    ]
    issuers = await vault.store.issuers()
    urls = ", ".join(issuer.url for issuer in issuers)
    findings.append(Finding("issuers", bool(issuers), urls or "none; start the server once"))
    for issuer in issuers:
        waiting = await vault.store.waiting(issuer.id, limit=1)
        late = waiting and SystemClock().now() - waiting[0].time > MERGE_DELAY
        size = await vault.store.log_size(issuer.id)
        seen = f"{size} events" + ("; some wait for a running server" if late else "")
        findings.append(Finding(f"log of {issuer.url}", not late, seen))
    return findings
