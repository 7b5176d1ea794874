"""Fetching what strangers point to, without becoming their hand inside the network."""

from functools import partial

import httpcore2

from registrary.outbound.answer import Headers, check_answer, fresh_for
from registrary.outbound.guard import Exchange, Guard
from registrary.ports.fetcher import Fetched, FetchPurpose, FetchRefused, Refusal


class GuardedFetcher(Guard):
    """Fetches documents through the guard; implements ``ports.fetcher.Fetcher``."""

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        """Fetch the document at *url*; raise FetchRefused, and nothing else, when it cannot be."""
        accepted = [kind for kind in purpose.media_types if "*" not in kind]
        exchange = Exchange(
            "GET", [("Accept", ", ".join(accepted))], partial(_read, purpose=purpose)
        )
        return await self.exchange(url, exchange, bounds=purpose)


async def _read(response: httpcore2.Response, *, purpose: FetchPurpose) -> Fetched:
    headers = Headers.parse(response.headers)
    media_type = check_answer(response.status, headers, purpose)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > purpose.limit_bytes:
            raise FetchRefused(Refusal.SIZE, f"answer exceeds {purpose.limit_bytes} bytes")
    return Fetched(bytes(body), media_type, fresh_for(headers), headers.one("etag"))
