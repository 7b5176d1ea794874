"""What a message becomes when it is sent: a signed token, in the form its receiver wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final
from urllib.parse import urlencode

from registrary.core.deliveries import EventStream, Message
from registrary.policy.security_events import SECURITY_EVENT, authorization_place
from registrary.ports import messenger
from registrary.ports.clock import Clock, Entropy
from registrary.ports.keys import SecretKeys, Signer
from registrary.ports.messenger import MessagePurpose, Post
from registrary.ports.store import Store

LOGOUT_TOKEN_TYPE: Final = "logout+jwt"  # Back-Channel Logout §2.4
SECURITY_EVENT_TYPE: Final = "secevent+jwt"  # RFC 8417 §2.3
LOGOUT_TOKEN_LIFETIME: Final = timedelta(minutes=2)  # §2.4: at most, against replay
_JTI_BYTES: Final = 16


class Obstacle(Enum):
    """Why a message is not sent now."""

    GONE = auto()
    """Nobody wants it any more."""
    PAUSED = auto()
    """It is wanted later."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to go."""

    url: str
    post: Post
    purpose: MessagePurpose


class Envelopes:
    """Makes envelopes of messages, freshly signed at each attempt."""

    def __init__(  # noqa: PLR0917 - what a message is made of, each from another place
        self, store: Store, signer: Signer, keys: SecretKeys, clock: Clock, entropy: Entropy
    ) -> None:
        self._store = store
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._entropy = entropy

    async def make(self, message: Message) -> Envelope | Obstacle:
        """Return *message* as it goes out now. Raises `NoSigningKey` and `UnsealError`."""
        if message.purpose == SECURITY_EVENT:
            return await self._security_event(message)
        return await self._logout_token(message)

    async def _security_event(self, message: Message) -> Envelope | Obstacle:
        """Return a SET as RFC 8935 §2.1 pushes it: the same token each time but for its signature.

        Where it goes and what lets it in are the stream's of this moment.
        """
        stream = await self._store.get(EventStream, message.issuer, message.about)
        if stream is None:
            return Obstacle.GONE
        if stream.paused_at is not None:
            return Obstacle.PAUSED
        token = await self._signed(message, message.claims, typ=SECURITY_EVENT_TYPE)
        post = Post("application/secevent+jwt", token.encode(), self._authorization(stream))
        return Envelope(stream.url, post, messenger.SECURITY_EVENT)

    def _authorization(self, stream: EventStream) -> str | None:
        if stream.sealed_authorization is None:
            return None
        place = authorization_place(stream.issuer, stream.id)
        return self._keys.sealer().unseal(stream.sealed_authorization, place).decode()

    async def _logout_token(self, message: Message) -> Envelope:
        """Return a logout token in a form (Back-Channel Logout §2.5).

        A ``jti`` of its own for each attempt: a client that remembers them would refuse the
        second one, though it could not act on the first.
        """
        now = self._clock.now()
        times = {
            "iat": now,
            "exp": now + LOGOUT_TOKEN_LIFETIME,
            "jti": self._entropy.token_bytes(_JTI_BYTES).hex(),
        }
        token = await self._signed(message, message.claims | times, typ=LOGOUT_TOKEN_TYPE)
        form = urlencode({"logout_token": token}).encode()
        post = Post("application/x-www-form-urlencoded", form)
        return Envelope(message.url, post, messenger.BACKCHANNEL_LOGOUT)

    async def _signed(self, message: Message, claims: Mapping[str, object], *, typ: str) -> str:
        return await self._signer.sign_jwt(message.issuer, claims, alg=message.alg, typ=typ)
