"""What the server tells others by itself: messages to deliver, and those who want them."""

from datetime import datetime
from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A POST that is owed to *url*; delivered at least once, then removed.

    *purpose* names what it is (``backchannel_logout``, ``security_event``) and with that how it
    is sent and what counts as delivered. *expires_at* is when it is next due: an earlier one is
    tried first. After *give_up_at* it is not tried again. *sealed_authorization* is the
    ``Authorization`` header, encrypted.
    """

    kind: ClassVar[str] = "message"

    issuer: str
    id: str
    revision: int = 1
    purpose: str
    url: str
    media_type: str
    body: bytes
    sealed_authorization: bytes | None = None
    about: str | None = None
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

    *subject* is ``client:`` or ``grant:`` and the id; keys sort by list, then index.
    """

    kind: ClassVar[str] = "status_place"

    issuer: str
    list_id: str
    index: int
    subject: str
    revision: int = 1
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return f"{self.list_id}:{self.index:07d}"


class StatusOfClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from a client to its place in a status list, as a token spells it."""

    kind: ClassVar[str] = "status_of_client"

    issuer: str
    client_id: str
    list_id: str
    index: int
    revision: int = 1

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.client_id
