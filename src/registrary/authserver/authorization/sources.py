"""Where an authorization request comes from: its address, a request object, or what was pushed."""

from dataclasses import dataclass
from typing import Final

from registrary.authserver.authorization.failing import Failure, RequestRefused
from registrary.authserver.authorization.judgement import UNKNOWN_CLIENT, judge, refusal_of
from registrary.authserver.authorization.reading import INVALID, one
from registrary.authserver.authorization.request import AuthorizationRequest, Source, Values
from registrary.authserver.authorization.request_objects import RequestObjects
from registrary.authserver.context import ServerContext
from registrary.authserver.opaque_tokens import find
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.grants import PushedRequest
from registrary.core.issuer import RuleSet
from registrary.core.metadata import Feature
from registrary.core.secrets import Prefix

PUSHED_URI: Final = "urn:ietf:params:oauth:request_uri:"
UNKNOWN_PUSHED: Final = "request_uri: is unknown, was used, or is too old"
_CARRIERS: Final = ("request", "request_uri")


@dataclass(frozen=True, slots=True)
class Requests:
    """Reads authorization requests. The client is read anew each time: it may have changed."""

    services: ServerServices

    async def read(self, context: ServerContext, values: Values) -> AuthorizationRequest | Failure:
        """Return the request that the parameters *values* make, or how it fails."""
        client_id = one(values, "client_id")
        if client_id is None:
            return Failure(code=INVALID, description="client_id: is needed")
        client = await self.services.store.get(Client, context.id, client_id)
        if client is None or client.effects.refusal == "invalid_client":
            return UNKNOWN_CLIENT
        uri = one(values, "request_uri") or ""
        if uri.startswith(PUSHED_URI):
            return await self._pushed(context, client, uri.removeprefix(PUSHED_URI))
        try:
            values, source = await self.opened(context, client, values)
        except RequestRefused as refused:
            return refusal_of(context, client, values, refused=refused)
        return judge(context, client, values, source=source)

    async def opened(
        self, context: ServerContext, client: Client, values: Values
    ) -> tuple[Values, Source]:
        """Return the parameters that count: those of a request object, if *values* bring one.

        Raises `RequestRefused`.
        """
        objects = RequestObjects(self.services)
        text, uri = one(values, "request"), one(values, "request_uri")
        if text is not None and uri is not None:
            raise RequestRefused(INVALID, "request_uri", "and request exclude each other")
        if uri is not None:
            text = await objects.fetch(context, client, uri)
        if text is None:
            return values, Source()
        if Feature.REQUEST_OBJECTS not in context.offer.features:
            raise RequestRefused("request_not_supported", "request", "is not supported")
        found = await objects.read(context, client, text)
        source = Source(is_signed=found.is_signed, good_until=found.expires_at)
        return self._merged(context, values, dict(found.parameters)), source

    def _merged(self, context: ServerContext, values: Values, inside: Values) -> Values:
        """Return the parameters of an object, which alone count (RFC 9101 §6.3).

        OpenID Connect Core §6.1 lets those beside it fill in what it does not say.
        """
        beside = {name: sent for name, sent in values.items() if name not in _CARRIERS}
        if context.issuer.rule_set is not RuleSet.OIDF_DYNAMIC:
            beside = {"client_id": values["client_id"]}
        return {**beside, **inside}

    async def _pushed(
        self, context: ServerContext, client: Client, token: str
    ) -> AuthorizationRequest | Failure:
        """Return what *client* pushed before (RFC 9126 §4); whatever stands beside is ignored."""
        record = await find(
            self.services, PushedRequest, context.id, text=token, prefix=Prefix.PUSHED_REQUEST
        )
        now = self.services.clock.now()
        if record is None or record.client_id != client.client_id or record.expires_at <= now:
            return Failure(code="invalid_request_uri", description=UNKNOWN_PUSHED, client=client)
        source = Source(
            is_pushed=True,
            pushed=record,
            is_signed=record.is_signed,
            dpop_jkt=record.dpop_jkt,
            good_until=record.good_until,
        )
        return judge(context, client, record.parameters, source=source)
