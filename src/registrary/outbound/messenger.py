"""Posting what strangers want to be told, without becoming their hand inside the network."""

from typing import Final

import httpcore2

from registrary.outbound.guard import Exchange, Guard
from registrary.ports.fetcher import FetchRefused, Refusal
from registrary.ports.messenger import Delivered, MessagePurpose, Post, Undelivered

_TAKEN: Final = range(200, 300)


class GuardedMessenger(Guard):
    """Posts messages through the guard; implements ``ports.messenger.Messenger``."""

    async def post(
        self, url: str, post: Post, *, purpose: MessagePurpose
    ) -> Delivered | Undelivered:
        """Post once to *url*, and tell whether it was taken."""
        exchange = Exchange("POST", _headers(post), _read, post.body)
        try:
            return await self.exchange(url, exchange, bounds=purpose)
        except FetchRefused as refused:
            return Undelivered(refused.refusal, refused.detail)


def _headers(post: Post) -> list[tuple[str, str]]:
    headers = [
        ("Accept", "application/json"),
        ("Content-Type", post.media_type),
        ("Content-Length", str(len(post.body))),
    ]
    if post.authorization is not None:
        headers.append(("Authorization", post.authorization))
    return headers


async def _read(response: httpcore2.Response) -> Delivered:
    """Look at the status; the body says nothing that is used, so it is not waited for."""
    if response.status not in _TAKEN:
        # Redirects too: they would lead past every check that was made (CVE-2026-4366).
        raise FetchRefused(Refusal.STATUS, f"status is {response.status}")
    return Delivered(response.status)
