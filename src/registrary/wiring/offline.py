"""Adapters of commands, which answer from the store alone."""

from pathlib import Path
from typing import NoReturn

from registrary.config import Settings
from registrary.keys.local import key_file_of
from registrary.ports.fetcher import Fetched, FetchPurpose, FetchRefused, Refusal
from registrary.wiring.adapters import database_path


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


def key_path(settings: Settings) -> Path:
    """Return where the key file lies; raises `SettingsError` when no store is named."""
    named = settings.keys.file
    return Path(named) if named else key_file_of(database_path(settings))
