"""Who an administrator is, by the token they bring, and what is written of those turned away."""

from datetime import timedelta
from hmac import compare_digest
from typing import Final

from registrary.core.changes import Changes
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.issuer import Issuer
from registrary.core.records import AdminToken
from registrary.core.secrets import Digest, Prefix, parse_token
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import EVERYTHING, Caller
from registrary.registrar.services import Services

SETUP: Final = "setup"
"""The one permission of a set-up link: to make the first admin token, and nothing else."""


def is_link(token: AdminToken) -> bool:
    """Tell whether *token* is a set-up link, which opens nothing of the admin API."""
    return SETUP in token.permissions


class AdminAccess:
    """Knows administrators by their tokens.

    *operator_token* is the one from the settings, with every permission at every issuer; None
    when there is none.
    """

    def __init__(self, services: Services, *, operator_token: str | None = None) -> None:
        self._services = services
        self._operator_token = operator_token

    @property
    def has_operator_token(self) -> bool:
        """Tell whether the settings hold an admin token."""
        return self._operator_token is not None

    async def find(self, issuer: str, text: str, *, address: str | None = None) -> Caller | None:
        """Return who bears the token *text* at *issuer*, None for one that is not good."""
        wanted = self._operator_token
        if wanted is not None and compare_digest(text.encode(), wanted.encode()):
            actor = Actor(ActorKind.OPERATOR, "admin_token", address)
            return Caller(actor, frozenset({EVERYTHING}))
        record = await find_token(self._services, issuer, text)
        if record is None or is_link(record):
            return None
        actor = Actor(ActorKind.ADMIN_TOKEN, record.id, address)
        return Caller(actor, frozenset(record.permissions), record.expires_at)

    def turn_away(self, issuer: Issuer, peer: str) -> timedelta | None:
        """Count somebody whose token is not good; strangers leave counts, not events.

        Returns how long they have to wait, None while they keep to the rate of strangers. Who
        shares their address and has a good token, or registers there, is not kept waiting.
        """
        self._services.count_refusal(issuer.id, peer, "invalid_admin_token")
        return self._services.wait_for_stranger(issuer, peer, at="administration")

    async def note_refused(
        self, context: IssuerContext, caller: Caller, *, permission: str
    ) -> None:
        """Write down that *caller* wanted what they may not do."""
        event = an_event(
            Occasion(context.id, self._services.clock.now(), caller.actor),
            Tag.ADMIN_REFUSED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            outcome="refused",
            detail={"permission": permission},
        )
        await self._services.store.commit(Changes(events=(event,)))


async def find_token(services: Services, issuer: str, text: str) -> AdminToken | None:
    """Return the record of the admin token *text* of *issuer*, if it is good now."""
    parsed = parse_token(text, Prefix.ADMIN_TOKEN)
    if parsed is None or parsed.locator is None:
        return None
    record = await services.store.get(AdminToken, issuer, parsed.locator.hex())
    if record is None or not record.is_usable(services.clock.now()):
        return None
    digest = Digest(record.pepper_id, record.mac)
    peppers = services.secret_keys.peppers()
    return record if peppers.verify(parsed.token, digest, purpose=Prefix.ADMIN_TOKEN) else None
