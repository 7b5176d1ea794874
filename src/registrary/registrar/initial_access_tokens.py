"""Initial access tokens: what lets a client register, made and ended by administrators."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.events import Actor, Event, Tag
from registrary.core.ids import new_id
from registrary.core.metadata import parsers
from registrary.core.records import InitialAccessToken
from registrary.core.secrets import (
    TOKEN_DRAW_BYTES,
    Prefix,
    Secret,
    mint_initial_access_token,
)
from registrary.policy.ceilings import policies_called
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.registrar.administration import (
    WORDS_LIMIT,
    NotPossible,
    check_words,
    name_of,
)
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import Services
from registrary.registrar.tokens import end_token

_TOKEN_DRAW: Final = 10 + TOKEN_DRAW_BYTES + EVENT_DRAW_BYTES


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What an initial access token shall allow.

    *uses* None is any number, *lifetime* None is for ever. *policies* must exist.
    """

    uses: int | None = None
    lifetime: timedelta | None = None
    policies: tuple[str, ...] = ()
    organization: str | None = None
    header_only: bool = False
    note: str | None = None


class InitialAccessTokens:
    """Makes and ends the initial access tokens of an issuer, always with an event."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def create(
        self, context: IssuerContext, wish: TokenWish, *, actor: Actor
    ) -> tuple[InitialAccessToken, Secret]:
        """Return a new initial access token; its text is never to be had again.

        Raises `NotPossible` for a policy the issuer does not have, and for a wish that
        `check_token_wish` refuses.
        """
        check_token_wish(wish)
        if policies_called(wish.policies, context.issuer) is None:
            raise NotPossible("policies: must be policies of this issuer")
        services, now = self._services, self._services.clock.now()
        draw = services.draw(_TOKEN_DRAW)
        identifier = new_id(now, draw)
        token = mint_initial_access_token(draw, bytes.fromhex(identifier))
        digest = services.secret_keys.peppers().digest(token, purpose=Prefix.INITIAL_ACCESS_TOKEN)
        record = InitialAccessToken(
            issuer=context.id,
            id=identifier,
            pepper_id=digest.key_id,
            mac=digest.mac,
            uses=wish.uses,
            expires_at=None if wish.lifetime is None else now + wish.lifetime,
            policies=wish.policies,
            organization=wish.organization,
            header_only=wish.header_only,
            note=wish.note,
            created_at=now,
            created_by=name_of(actor),
        )
        event = an_event(
            Occasion(context.id, now, actor),
            Tag.INITIAL_ACCESS_TOKEN_CREATED,
            draw=draw,
            detail={"id": identifier, "uses": wish.uses, "policies": list(wish.policies)},
        )
        await services.store.commit(Changes(puts=(Put(record),), events=(event,)))
        return record, token

    async def revoke(
        self, context: IssuerContext, identifier: str, *, actor: Actor
    ) -> InitialAccessToken:
        """End an initial access token; clients made with it stay. Raises `NotFound`."""

        def ended(record: InitialAccessToken) -> tuple[InitialAccessToken, Event]:
            now = self._services.clock.now()
            event = an_event(
                Occasion(context.id, now, actor),
                Tag.INITIAL_ACCESS_TOKEN_REVOKED,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                detail={"id": identifier},
            )
            revision = record.revision + 1
            return msgspec.structs.replace(record, revoked_at=now, revision=revision), event

        return await end_token(
            self._services, InitialAccessToken, (context.id, identifier), ended=ended
        )


def check_token_wish(wish: TokenWish) -> None:
    """Refuse a wish that makes no sense at any issuer; raises `NotPossible`."""
    if wish.uses is not None and wish.uses < 1:
        raise NotPossible("uses: must be at least 1")
    if wish.lifetime is not None and wish.lifetime <= timedelta(0):
        raise NotPossible("expires: must be longer than nothing")
    if wish.organization is not None:
        check_words("organization", wish.organization, limit=parsers.TEXT_LIMIT)
    if wish.note is not None:
        check_words("note", wish.note, limit=WORDS_LIMIT)
