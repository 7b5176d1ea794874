"""Those who want to be told of security events: added, changed and removed by administrators."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec

from registrary.core.changes import Changes, Delete, Put, Unchanged
from registrary.core.deliveries import EventStream
from registrary.core.errors import FieldError
from registrary.core.events import Actor, Event, Tag
from registrary.core.ids import new_id
from registrary.core.sealing import SEAL_DRAW_BYTES
from registrary.core.uris import check_https_uri
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.security_events import (
    MESSAGE_DRAW_BYTES,
    STREAMS_LIMIT,
    EventType,
    SecurityEvent,
    authorization_place,
    security_message,
)
from registrary.ports.store import Conflict
from registrary.registrar.administration import NotFound, NotPossible
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import ATTEMPTS, Services

NAME: Final = "event stream"  # as a refusal calls it
TEXT_LIMIT: Final = 2000  # characters of an address, an audience or a state
_CREDENTIALS: Final = re.compile(r"[!-~]{1,64} [!-~]{1,4000}")  # a scheme, and what it wants
_OFFERED: Final = frozenset(kind.value for kind in EventType) - {EventType.VERIFICATION.value}
_ID_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class StreamWish:
    """What a stream shall become; None leaves a side as it is.

    *authorization* is sealed; an empty one takes it away. *events* empty is all of them.
    """

    url: str | None = None
    audience: str | None = None
    events: tuple[str, ...] | None = None
    authorization: str | None = None
    paused: bool | None = None

    def __repr__(self) -> str:
        """Keep the header out of logs and tracebacks."""
        return f"StreamWish({self.url})"


class EventStreams:
    """Keeps the event streams of an issuer, always with an event in the log."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def create(
        self, context: IssuerContext, wish: StreamWish, *, actor: Actor
    ) -> EventStream:
        """Store and return a new stream, which gets what happens from now on.

        Raises `NotPossible` for what `check_wish` refuses, and when there are too many.
        """
        if wish.url is None:
            raise NotPossible("url: must be given")
        services, now = self._services, self._services.clock.now()
        page = await services.store.page(EventStream, context.id, limit=STREAMS_LIMIT)
        if len(page.records) >= STREAMS_LIMIT:
            raise NotPossible(f"there are {STREAMS_LIMIT} event streams, which is the most")
        stream = EventStream(
            issuer=context.id,
            id=new_id(now, services.draw(_ID_BYTES)),
            url=wish.url,
            audience=wish.audience or wish.url,
            created_at=now,
            updated_at=now,
        )
        stream = self._wished(context, stream, wish)
        event = self._event(context, stream, Tag.EVENT_STREAM_CREATED, actor=actor)
        await services.store.commit(Changes(puts=(Put(stream),), events=(event,)))
        return stream

    async def change(
        self, context: IssuerContext, identifier: str, wish: StreamWish, *, actor: Actor
    ) -> EventStream:
        """Change what *wish* names; what is owed already goes by the change too.

        Raises `NotFound` and `NotPossible`.
        """

        def applied(stream: EventStream) -> Changes:
            changed = msgspec.structs.replace(
                self._wished(context, stream, wish),
                updated_at=self._services.clock.now(),
                revision=stream.revision + 1,
            )
            event = self._event(context, changed, Tag.EVENT_STREAM_CHANGED, actor=actor)
            return Changes(puts=(Put(changed, expected=stream.revision),), events=(event,))

        changes = await self._commit(context, identifier, applied)
        changed = changes.puts[0].record
        assert isinstance(changed, EventStream)  # noqa: S101 - for the type checker: just made
        return changed

    async def remove(self, context: IssuerContext, identifier: str, *, actor: Actor) -> None:
        """Remove a stream; what it is owed is dropped. Raises `NotFound`."""

        def applied(stream: EventStream) -> Changes:
            return Changes(
                deletions=(Delete(stream.kind, stream.issuer, stream.key),),
                unchanged=(Unchanged(stream.kind, stream.issuer, stream.key, stream.revision),),
                events=(self._event(context, stream, Tag.EVENT_STREAM_REMOVED, actor=actor),),
            )

        await self._commit(context, identifier, applied)

    async def verify(self, context: IssuerContext, identifier: str, *, state: str | None) -> None:
        """Send a verification event, which a receiver knows by *state*. Raises `NotFound`."""
        if state is not None and len(state) > TEXT_LIMIT:
            raise NotPossible(f"state: must be at most {TEXT_LIMIT} characters long")
        services = self._services
        stream = await self.find(context, identifier)
        subject = {"format": "opaque", "id": stream.id}
        members = {} if state is None else {"state": state}
        message = security_message(
            SecurityEvent(EventType.VERIFICATION, subject, members=members),
            stream,
            issuer=context.issuer,
            now=services.clock.now(),
            draw=services.draw(MESSAGE_DRAW_BYTES),
        )
        await services.store.commit(Changes(puts=(Put(message),)))

    async def find(self, context: IssuerContext, identifier: str) -> EventStream:
        """Return a stream. Raises `NotFound`."""
        stream = await self._services.store.get(EventStream, context.id, identifier)
        if stream is None:
            raise NotFound(NAME)
        return stream

    async def _commit(
        self,
        context: IssuerContext,
        identifier: str,
        applied: Callable[[EventStream], Changes],
    ) -> Changes:
        """Commit what *applied* makes of what is stored, again when others wrote meanwhile."""
        for _ in range(ATTEMPTS):
            changes = applied(await self.find(context, identifier))
            try:
                await self._services.store.commit(changes)
            except Conflict:
                continue
            return changes
        raise Conflict(EventStream.kind)

    def _wished(self, context: IssuerContext, stream: EventStream, wish: StreamWish) -> EventStream:
        check_wish(wish, dev=context.issuer.dev)
        now, paused_at = self._services.clock.now(), stream.paused_at
        if wish.paused is not None:
            paused_at = (paused_at or now) if wish.paused else None
        return msgspec.structs.replace(
            stream,
            url=stream.url if wish.url is None else wish.url,
            audience=stream.audience if wish.audience is None else wish.audience,
            events=stream.events if wish.events is None else wish.events,
            paused_at=paused_at,
            sealed_authorization=self._sealed(_at(stream, wish.url), wish.authorization),
        )

    def _sealed(self, stream: EventStream, authorization: str | None) -> bytes | None:
        if authorization is None:
            return stream.sealed_authorization
        if not authorization:
            return None
        place = authorization_place(stream.issuer, stream.id)
        sealer, draw = self._services.secret_keys.sealer(), self._services.draw(SEAL_DRAW_BYTES)
        return sealer.seal(authorization.encode(), place, draw)

    def _event(
        self, context: IssuerContext, stream: EventStream, tag: Tag, *, actor: Actor
    ) -> Event:
        return an_event(
            Occasion(context.id, self._services.clock.now(), actor),
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={
                "id": stream.id,
                "audience": stream.audience,
                "events": list(stream.events),
                "paused": stream.paused_at is not None,
            },
        )


def _at(stream: EventStream, url: str | None) -> EventStream:
    """Return *stream* as it is kept for *url*: what lets it in at one host is shown to no other.

    Whoever may change an address would else learn what nobody is shown.
    """
    if url is None or _origin(url) == _origin(stream.url):
        return stream
    return msgspec.structs.replace(stream, sealed_authorization=None)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def check_wish(wish: StreamWish, *, dev: bool) -> None:
    """Refuse what no stream can be; raises `NotPossible`, which never says the header."""
    if wish.url is not None:
        try:
            check_https_uri(wish.url, loopback_http=dev)
        except FieldError as error:
            raise NotPossible(f"url: {error.rule}") from error
        if "#" in wish.url or len(wish.url) > TEXT_LIMIT:
            raise NotPossible(f"url: must have no fragment and {TEXT_LIMIT} characters at most")
    if wish.audience is not None and not 1 <= len(wish.audience) <= TEXT_LIMIT:
        raise NotPossible(f"audience: must have 1 to {TEXT_LIMIT} characters")
    if not _OFFERED.issuperset(wish.events or ()):
        raise NotPossible("events: must be event types of this server")
    if wish.authorization and not _CREDENTIALS.fullmatch(wish.authorization):
        raise NotPossible("authorization: must be a scheme, a blank and credentials in ASCII")
