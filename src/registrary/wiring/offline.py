"""Adapters of commands, which answer from the store alone."""

from pathlib import Path
from typing import NoReturn

from registrary.config import Settings
from registrary.core.events import Tag
from registrary.keys.local import key_file_of
from registrary.ports.fetcher import Fetched, FetchPurpose, FetchRefused, Refusal
from registrary.registrar.counting import Counting
from registrary.registrar.services import Services
from registrary.wiring.adapters import SystemClock, SystemEntropy, Vault, database_path


class NoFetcher:
    """Fetches nothing: commands do not connect to anyone."""

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        """Refuse."""
        del url, purpose
        raise FetchRefused(Refusal.URL, "commands fetch nothing")


class NoKeys:
    """No secret keys, for work that needs the public halves alone."""

    def peppers(self) -> NoReturn:
        """Refuse."""
        raise RuntimeError("no secret is looked at here")

    def sealer(self) -> NoReturn:
        """Refuse."""
        raise RuntimeError("nothing is signed here")


def offline_services(vault: Vault) -> Services:
    """Return what use cases need from outside, for a process that serves nobody."""
    return Services(
        store=vault.store,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        fetcher=NoFetcher(),
        secret_keys=vault.keys,
        refusals=Counting(Tag.REFUSALS_COUNTED),
    )


def key_path(settings: Settings) -> Path:
    """Return where the key file lies; raises `SettingsError` when no store is named."""
    named = settings.keys.file
    return Path(named) if named else key_file_of(database_path(settings))
