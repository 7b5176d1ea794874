"""Where an authorization request comes from: its parameters, and who sends them."""

from dataclasses import dataclass

from registrary.authserver.authorization.failing import Failure
from registrary.authserver.authorization.judgement import UNKNOWN_CLIENT, judge
from registrary.authserver.authorization.reading import one
from registrary.authserver.authorization.request import AuthorizationRequest, Source, Values
from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client


@dataclass(frozen=True, slots=True)
class Requests:
    """Reads authorization requests. The client is read anew each time: it may have changed."""

    services: ServerServices

    async def read(self, context: ServerContext, values: Values) -> AuthorizationRequest | Failure:
        """Return the request that the parameters *values* make, or how it fails."""
        client_id = one(values, "client_id")
        if client_id is None:
            return Failure(code="invalid_request", description="client_id: is needed")
        client = await self.services.store.get(Client, context.id, client_id)
        if client is None:
            return UNKNOWN_CLIENT
        return judge(context, client, values, source=Source())
