"""Pushed authorization requests (RFC 9126): judged when they come, kept for one answer."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from registrary.authserver.authorization.failing import Failure, RequestRefused
from registrary.authserver.authorization.judgement import judge
from registrary.authserver.authorization.reading import INVALID
from registrary.authserver.authorization.request import Values
from registrary.authserver.authorization.sources import PUSHED_URI, Requests
from registrary.authserver.context import ServerContext
from registrary.authserver.opaque_tokens import mint
from registrary.authserver.people.tickets import TICKET_LIFETIME
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.grants import PushedRequest
from registrary.core.secrets import Prefix

# A person who came in time may take as long over our pages as those are good, sign-in and all.
_KEPT_LONGER: Final = 2 * TICKET_LIFETIME


@dataclass(frozen=True, slots=True)
class Pushed:
    """The ``request_uri`` of a pushed request, and how long a person may wait to come with it."""

    request_uri: str
    expires_in: timedelta

    def __repr__(self) -> str:
        """Keep the handle out of logs and tracebacks."""
        return "Pushed(…)"


@dataclass(frozen=True, slots=True)
class Pushing:
    """Takes pushed requests for every issuer."""

    services: ServerServices

    async def push(
        self, context: ServerContext, client: Client, values: Values, *, dpop_jkt: str | None
    ) -> Pushed | Failure:
        """Keep the request *values* of *client*, which proved itself, if it may be asked.

        *dpop_jkt* is the key it proved (RFC 9449 §10.1). What is judged again later cannot have
        been altered: the person brings nothing but a handle.
        """
        try:
            if "request_uri" in values:
                raise RequestRefused(INVALID, "request_uri", "must not be pushed")  # §2.1
            values, source = await Requests(self.services).opened(context, client, values)
            _check_time(source.good_until, self.services.clock.now())
        except RequestRefused as refused:
            return Failure(code=refused.code, description=refused.description, client=client)
        source = replace(source, is_pushed=True, dpop_jkt=dpop_jkt)
        asked = judge(context, client, values, source=source)
        if isinstance(asked, Failure):
            return asked
        return await self._kept(context, client, values, is_signed=source.is_signed, jkt=dpop_jkt)

    async def _kept(
        self,
        context: ServerContext,
        client: Client,
        values: Values,
        *,
        is_signed: bool,
        jkt: str | None,
    ) -> Pushed:
        minted = mint(self.services, Prefix.PUSHED_REQUEST)
        now, lifetime = self.services.clock.now(), context.issuer.lifetimes.pushed_request
        record = PushedRequest(
            issuer=context.id,
            id=minted.id,
            pepper_id=minted.pepper_id,
            mac=minted.mac,
            client_id=client.client_id,
            parameters={name: tuple(sent) for name, sent in values.items()},
            is_signed=is_signed,
            dpop_jkt=jkt,
            created_at=now,
            good_until=now + lifetime,
            expires_at=now + lifetime + _KEPT_LONGER,
        )
        await self.services.store.commit(Changes(puts=(Put(record),)))
        return Pushed(PUSHED_URI + minted.token.reveal(), lifetime)


def _check_time(good_until: datetime | None, now: datetime) -> None:
    if good_until is not None and good_until <= now:
        raise RequestRefused("invalid_request_object", "request", "exp has passed")
