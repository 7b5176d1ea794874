"""Posting messages to addresses that others named."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from registrary.ports.fetcher import KIB, Refusal


@dataclass(frozen=True, slots=True)
class MessagePurpose:
    """Why something is posted, and with that how long it may take.

    *deadline* bounds it all, from waiting for a turn to the first line of the answer;
    *limit_bytes* what of the answer may arrive meanwhile: nothing of its body is used.
    """

    name: str
    limit_bytes: int = 64 * KIB  # what one read may bring
    deadline: timedelta = timedelta(seconds=10)


BACKCHANNEL_LOGOUT: Final = MessagePurpose("backchannel_logout")
SECURITY_EVENT: Final = MessagePurpose("security_event")


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted; *authorization* is the value of that header, if it has one."""

    media_type: str
    body: bytes
    authorization: str | None = None

    def __repr__(self) -> str:
        """Keep body and header out of logs and tracebacks."""
        return f"Post({self.media_type})"


@dataclass(frozen=True, slots=True)
class Delivered:
    """It arrived: the answer was a 2xx."""

    status: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """It did not arrive, or was not taken; *refusal* and *detail* are for operators alone."""

    refusal: Refusal
    detail: str


class Messenger(Protocol):
    """Posts to addresses strangers chose, without harm to the network we are in."""

    async def post(
        self, url: str, post: Post, *, purpose: MessagePurpose
    ) -> Delivered | Undelivered:
        """Post once to *url*; redirects are not followed, special-use addresses not reached."""
        ...
