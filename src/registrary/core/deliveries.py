"""What the server tells others by itself: messages to deliver, and those who want them."""

from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from registrary.core.changes import NO_LIMIT, Consume

REVOCATIONS: Final = "revocations"
"""The counter that moves whenever tokens of an issuer die before their time, or live again."""


def revocation_of(issuer: str) -> Consume:
    """Return what goes into every commit that ends tokens: status lists are made anew by it."""
    return Consume(issuer, REVOCATIONS, NO_LIMIT)


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signed POST that is owed to *url*; delivered at least once, then removed.

    *purpose* names what it is (``backchannel_logout``, ``security_event``) and with that how it
    is sent; *about* is the client or the event stream that gets it. Its *claims* are signed with
    *alg* when it is sent, so that what ends soon is fresh however late it is. *expires_at* is
    when it is next due: an earlier one is tried first. After *give_up_at* it is not tried again.
    """

    kind: ClassVar[str] = "message"

    issuer: str
    id: str
    revision: int = 1
    purpose: str
    url: str
    about: str
    alg: str
    claims: dict[str, Any]  # Any: claims are JSON values of every kind
    attempts: int = 0
    created_at: datetime
    expires_at: datetime
    give_up_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class EventStream(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who wants to be told of security events (RFC 8417) by push (RFC 8935).

    *audience* is the ``aud`` of what they get; *events* are event type URIs, empty for all.
    *sealed_authorization* is the ``Authorization`` header they want, encrypted. While the stream
    is paused, what is owed waits.
    """

    kind: ClassVar[str] = "event_stream"

    issuer: str
    id: str
    revision: int = 1
    url: str
    audience: str
    events: tuple[str, ...] = ()
    sealed_authorization: bytes | None = None
    created_at: datetime
    updated_at: datetime
    paused_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class StatusPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a status list, taken: *list_id* and *index* name it, *subject* has it.

    *subject* is ``client:`` or ``grant:`` and the id; keys sort by list, then index. Tokens of a
    client from before its *generation* was raised keep their place, and stay revoked there.
    """

    kind: ClassVar[str] = "status_place"

    issuer: str
    list_id: str
    index: int
    subject: str
    generation: int = 0
    revision: int = 1
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return f"{self.list_id}:{self.index:07d}"


class StatusOfClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from a client to its place in a status list, that of its tokens of *generation*."""

    kind: ClassVar[str] = "status_of_client"

    issuer: str
    client_id: str
    list_id: str
    index: int
    generation: int = 0
    revision: int = 1

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.client_id
