"""Adapters of commands, which answer from the store alone."""

from registrary.ports.fetcher import Fetched, FetchPurpose, FetchRefused, Refusal


class NoFetcher:
    """Fetches nothing: commands do not connect to anyone."""

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        """Refuse."""
        del url, purpose
        raise FetchRefused(Refusal.URL, "commands fetch nothing")
