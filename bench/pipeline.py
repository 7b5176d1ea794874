"""One registration taken apart: every stage on its own, fed with what the stage before made.

Each stage runs over a batch with the clock of the process around it (user and system time of all
threads), so that the figures add up to what the same work costs inside the server.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.documents import numbered, registration
from bench.workshop import Workshop
from registrary.core.changes import Changes
from registrary.core.draft import Applicant, Draft, Facts
from registrary.core.events import Actor, ActorKind
from registrary.core.strict_json import parse_object
from registrary.policy.decision import Accepted
from registrary.policy.doors import Entry, enter
from registrary.policy.journal import Occasion
from registrary.policy.registering import (
    REGISTRATION_DRAW_BYTES,
    Screened,
    Terms,
    decide,
    screen,
)
from registrary.profiles import dynamic
from registrary.protocol.client_information import client_information
from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.protocol.registration import RegistrationEndpoint
from registrary.registrar.registration import Registrar
from registrary.storage.sqlite.work import ChangesWork
from registrary.storage.sqlite.writer import WriteConnection
from registrary.web.head import Head, judge_head
from registrary.web.wire import encode

_HeadLines = tuple[tuple[bytes, bytes], ...]
A = TypeVar("A")
B = TypeVar("B")

PEER = "127.0.0.1"
APPLICANT = Applicant(None, PEER)
PATH = "/register"
REQUEST_ID = "0123456789abcdef0123"
SHARED_HEADERS = f"date: Sat, 21 Nov 2026 00:00:00 GMT\r\nx-request-id: {REQUEST_ID}\r\n".encode()
ENDPOINT = "the endpoint"
WITHIN_ENDPOINT = (
    "strict JSON",
    "draft: members",
    "screen: rules",
    "decide: credentials, event",
    "encode",
    "SQLite",
    "queue and wake",
    "render",
)


@dataclass(slots=True)
class Stopwatch:
    """CPU of this process in microseconds per item, by stage in the order of the work."""

    figures: dict[str, float] = field(default_factory=dict)

    def each(self, name: str, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """Time *work* over *items* and return what it made of them."""
        begin = time.process_time_ns()
        made = [work(item) for item in items]
        self._note(name, begin, len(items))
        return made

    async def awaited(self, name: str, work: Awaitable[object], count: int) -> None:
        """Time *work*, which is about *count* items."""
        begin = time.process_time_ns()
        await work
        self._note(name, begin, count)

    def _note(self, name: str, begin: int, count: int) -> None:
        self.figures[name] = (time.process_time_ns() - begin) / count / 1000


@dataclass(slots=True)
class Pipeline:
    """The stages of one registration. *copy* writes to a second database, in this thread."""

    shop: Workshop
    copy: WriteConnection
    next_number: int = 0

    async def run(self, count: int, group: int) -> dict[str, float]:
        """Take *count* registrations through every stage, *group* of them to a COMMIT."""
        watch = Stopwatch()
        heads, bodies = self._requests(count)
        watch.each("judge the head", _judge, heads)
        documents = watch.each("strict JSON", parse_object, bodies)
        drafts = watch.each("draft: members", self._draft, documents)
        screened = watch.each("screen: rules", self._screen, drafts)
        accepted = watch.each("decide: credentials, event", self._decide, screened)
        changes = [decision.changes for decision in accepted]
        work = watch.each("encode", ChangesWork, changes)
        await watch.awaited("SQLite", self._write_alone(work, group), count)
        await watch.awaited("commit", self._commit(changes, group), count)
        responses = watch.each("render", self._render, accepted)
        await watch.awaited(ENDPOINT, self._answer(self._requests(count), group), count)
        watch.each("write", _write, responses)
        # Both the commits and the endpoint have left an event for each registration.
        await watch.awaited("sequence the log, later", self._sequence(), 2 * count)
        return without_double_counts(watch.figures)

    def _requests(self, count: int) -> tuple[list[_HeadLines], list[bytes]]:
        template = registration(PATH, 80)
        first, self.next_number = self.next_number, self.next_number + count
        whole = [numbered(template, first + index) for index in range(count)]
        parts = [request.split(b"\r\n\r\n", 1) for request in whole]
        return [_head_lines(head) for head, _ in parts], [body for _, body in parts]

    def _draft(self, document: dict[str, Any]) -> Draft:
        return dynamic.draft(document, APPLICANT, self.shop.context.offer)

    def _screen(self, draft: Draft) -> Screened:
        now = self.shop.services.clock.now()
        entry = enter(APPLICANT, Facts(), self.shop.context.issuer, now=now)
        assert isinstance(entry, Entry), entry
        screened = screen(draft, entry)
        assert isinstance(screened, Screened), screened
        return screened

    def _decide(self, screened: Screened) -> Accepted:
        services = self.shop.services
        terms = Terms(
            issuer=self.shop.context.issuer,
            occasion=Occasion(
                self.shop.context.id,
                services.clock.now(),
                Actor(ActorKind.ANONYMOUS, None, PEER),
                REQUEST_ID,
            ),
            keys=services.credential_keys(),
            draw=services.draw(REGISTRATION_DRAW_BYTES),
        )
        accepted = decide(screened, terms, None)
        assert isinstance(accepted, Accepted), accepted
        return accepted

    async def _write_alone(self, work: Sequence[ChangesWork], group: int) -> None:
        for start in range(0, len(work), group):
            self.copy.write(work[start : start + group])

    async def _commit(self, changes: Sequence[Changes], group: int) -> None:
        for start in range(0, len(changes), group):
            waiting = [self.shop.store.commit(part) for part in changes[start : start + group]]
            await asyncio.gather(*waiting)

    async def _answer(self, requests: tuple[list[_HeadLines], list[bytes]], group: int) -> None:
        endpoint = RegistrationEndpoint(self.shop.context, Registrar(self.shop.services))
        made = [
            HttpRequest("POST", PATH, headers=head, body=body, peer=PEER, request_id=REQUEST_ID)
            for head, body in zip(*requests, strict=True)
        ]
        for start in range(0, len(made), group):
            answers = [endpoint.create(request) for request in made[start : start + group]]
            assert {answer.status for answer in await asyncio.gather(*answers)} == {201}

    def _render(self, accepted: Accepted) -> HttpResponse:
        token = accepted.registration_access_token
        assert token
        return client_information(
            self.shop.context,
            accepted.client,
            status=201,
            token=token.reveal(),
            client_secret=accepted.client_secret,
            pending_scope=accepted.pending_scope,
        )

    async def _sequence(self) -> None:
        await self.shop.sequencer.run(self.shop.context.issuer)


def _head_lines(head: bytes) -> _HeadLines:
    """Return the headers as the HTTP parser hands them over."""
    lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
    return tuple((name.lower(), value) for name, value in lines)


def _judge(lines: _HeadLines) -> Head:
    return judge_head("POST", PATH.encode(), version="1.1", headers=lines)


def _write(response: HttpResponse) -> bytes:
    return encode(response, shared=SHARED_HEADERS)


def without_double_counts(figures: dict[str, float]) -> dict[str, float]:
    """Return figures that add up.

    Of *commit* is left what neither encoding nor SQLite is: queue and waking. Of the endpoint,
    what is in none of its stages: tasks, limits, bearer tokens, parameters.
    """
    handing_over = max(0.0, figures["commit"] - figures["encode"] - figures["SQLite"])
    named = {("queue and wake" if name == "commit" else name): figures[name] for name in figures}
    named["queue and wake"] = handing_over
    within = sum(named[name] for name in WITHIN_ENDPOINT)
    named[ENDPOINT] = max(0.0, figures[ENDPOINT] - within)
    return {("around the stages" if name == ENDPOINT else name): named[name] for name in named}
