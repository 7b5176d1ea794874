"""Ending the tokens that administrators make."""

from collections.abc import Callable
from typing import TypeVar

from registrary.core.changes import Changes, Put
from registrary.core.events import Event
from registrary.core.records import AdminToken, InitialAccessToken
from registrary.ports.store import Conflict
from registrary.registrar.administration import NotFound
from registrary.registrar.services import ATTEMPTS, Services

Token = TypeVar("Token", AdminToken, InitialAccessToken)


async def end_token(
    services: Services,
    kind: type[Token],
    place: tuple[str, str],
    *,
    ended: Callable[[Token], tuple[Token, Event]],
) -> Token:
    """Store what *ended* makes of the token at *place* (issuer and id), with its event.

    One that has ended stays as it is. Raises `NotFound`, and `Conflict` when others keep writing.
    """
    for _ in range(ATTEMPTS):
        record = await services.store.get(kind, *place)
        if record is None:
            raise NotFound(kind.kind.replace("_", " "))
        if record.revoked_at is not None:
            return record
        end, event = ended(record)
        try:
            await services.store.commit(
                Changes(puts=(Put(end, expected=record.revision),), events=(event,))
            )
        except Conflict:
            continue
        return end
    raise Conflict(kind.kind)
