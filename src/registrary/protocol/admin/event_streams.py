"""Those who are told of security events, in the admin API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registrary.core.deliveries import EventStream
from registrary.ports.store import Store
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation
from registrary.registrar.context import IssuerContext
from registrary.registrar.event_streams import EventStreams, StreamWish
from registrary.registrar.permissions import Permission

_PATH: Final = "/event-streams"
_ONE: Final = f"{_PATH}/{{id}}"
_READ: Final = Permission.EVENT_STREAMS_READ
_WRITE: Final = Permission.EVENT_STREAMS_WRITE


class StreamRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who wants to be told, and of what.

    *url* takes events by POST (RFC 8935). *audience* is the ``aud`` of what comes there, the
    address itself if absent. *events* are event type URIs, all when empty. *authorization* is
    sent as that header, such as ``Bearer …``; it is never shown again.
    """

    url: str
    audience: str | None = None
    events: tuple[str, ...] = ()
    authorization: str | None = None


class StreamChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What of a stream becomes otherwise; what is absent stays as it is.

    An empty *authorization* takes the header away, and so does a *url* at another host without a
    new one. What a *paused* stream is owed waits, for a
    day at most.
    """

    url: str | None = None
    audience: str | None = None
    events: tuple[str, ...] | None = None
    authorization: str | None = None
    paused: bool | None = None


class VerificationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A verification event to send, which the receiver knows by *state*."""

    state: str | None = None


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, never its authorization."""

    id: str
    url: str
    audience: str
    events: tuple[str, ...]
    has_authorization: bool
    paused_at: datetime | None
    created_at: datetime
    updated_at: datetime


class StreamPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some streams, and where to go on."""

    items: list[StreamView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EventStreamOperations:
    """Operations on the event streams of one issuer."""

    context: IssuerContext
    store: Store
    streams: EventStreams

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (*self._on_all(), *self._on_one())

    def _on_all(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="POST",
                path=_PATH,
                permission=_WRITE,
                summary="Tell somebody of security events from now on.",
                run=self.create,
                body=StreamRequest,
                returns=StreamView,
                status=201,
            ),
            Operation(
                method="GET",
                path=_PATH,
                permission=_READ,
                summary="List event streams, oldest first.",
                run=self.list_streams,
                query=PAGED,
                returns=StreamPage,
            ),
        )

    def _on_one(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="GET",
                path=_ONE,
                permission=_READ,
                summary="Show an event stream.",
                run=self.show,
                returns=StreamView,
            ),
            Operation(
                method="PATCH",
                path=_ONE,
                permission=_WRITE,
                summary="Change, pause or resume an event stream.",
                run=self.change,
                body=StreamChange,
                returns=StreamView,
            ),
            Operation(
                method="DELETE",
                path=_ONE,
                permission=_WRITE,
                summary="Remove an event stream, and what it is owed.",
                run=self.remove,
                status=204,
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/verification",
                permission=_WRITE,
                summary="Send a verification event.",
                run=self.verify,
                body=VerificationRequest,
                status=204,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Add a stream."""
        wanted: StreamRequest = call.read(StreamRequest)
        wish = StreamWish(wanted.url, wanted.audience, wanted.events, wanted.authorization)
        stream = await self.streams.create(self.context, wish, actor=call.caller.actor)
        return Answer(_view(stream), status=201)

    async def list_streams(self, call: Call) -> Answer:
        """List streams by id, oldest first."""
        page = await self.store.page(
            EventStream,
            self.context.id,
            after=call.query.get("cursor"),
            limit=page_limit(call.query),
        )
        items = [_view(stream) for stream in page.records]
        return Answer(StreamPage(items=items, next_cursor=page.next_after))

    async def show(self, call: Call) -> Answer:
        """Show one stream."""
        return Answer(_view(await self.streams.find(self.context, call.path["id"])))

    async def change(self, call: Call) -> Answer:
        """Change one stream."""
        wanted = call.read(StreamChange)
        wish = StreamWish(**msgspec.structs.asdict(wanted))
        stream = await self.streams.change(
            self.context, call.path["id"], wish, actor=call.caller.actor
        )
        return Answer(_view(stream))

    async def remove(self, call: Call) -> Answer:
        """Remove one stream."""
        await self.streams.remove(self.context, call.path["id"], actor=call.caller.actor)
        return Answer(status=204)

    async def verify(self, call: Call) -> Answer:
        """Send a verification event; that it was asked for is all that is known then."""
        wanted: VerificationRequest = call.read(VerificationRequest)
        await self.streams.verify(self.context, call.path["id"], state=wanted.state)
        return Answer(status=204)


def _view(stream: EventStream) -> StreamView:
    return StreamView(
        id=stream.id,
        url=stream.url,
        audience=stream.audience,
        events=stream.events,
        has_authorization=stream.sealed_authorization is not None,
        paused_at=stream.paused_at,
        created_at=stream.created_at,
        updated_at=stream.updated_at,
    )
