"""Asking identity providers for tokens, without becoming anybody's hand inside the network."""

from functools import partial

import httpcore2

from registrary.outbound.answer import Headers, check_answer
from registrary.outbound.guard import Exchange, Guard
from registrary.ports.exchanger import Question, Reply
from registrary.ports.fetcher import FetchPurpose, FetchRefused, Refusal

_OK = 200


class GuardedExchanger(Guard):
    """Asks providers through the guard; implements ``ports.exchanger.Exchanger``."""

    async def ask(self, url: str, question: Question, *, purpose: FetchPurpose) -> Reply:
        """Ask *question* at *url*; raise FetchRefused, and nothing else, without an answer."""
        method = "GET" if question.body is None else "POST"
        body = question.body or b""
        exchange = Exchange(
            method, _headers(question, purpose), partial(_read, purpose=purpose), body
        )
        return await self.exchange(url, exchange, bounds=purpose)


def _headers(question: Question, purpose: FetchPurpose) -> list[tuple[str, str]]:
    headers = [("Accept", ", ".join(purpose.media_types))]
    if question.body is not None:
        headers.append(("Content-Type", question.media_type))
        headers.append(("Content-Length", str(len(question.body))))
    if question.authorization is not None:
        headers.append(("Authorization", question.authorization))
    return headers


async def _read(response: httpcore2.Response, *, purpose: FetchPurpose) -> Reply:
    if 300 <= response.status < 400:  # noqa: PLR2004 - they would lead past every check
        raise FetchRefused(Refusal.STATUS, f"status is {response.status}")
    # Errors of OAuth come as JSON with statuses of their own; their type and size are judged alike.
    check_answer(_OK, Headers.parse(response.headers), purpose)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > purpose.limit_bytes:
            raise FetchRefused(Refusal.SIZE, f"answer exceeds {purpose.limit_bytes} bytes")
    return Reply(response.status, bytes(body))
