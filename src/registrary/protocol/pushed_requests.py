"""``POST /par`` (RFC 9126): clients hand in what they will ask a person, and get a handle."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.authserver.authorization.failing import Failure
from registrary.authserver.authorization.pushing import Pushed, Pushing
from registrary.authserver.authorization.request import Values
from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal
from registrary.core.addresses import source_key
from registrary.core.client import Client
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.dpop import ProofReader
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.parameters import Parameters

PATH: Final = "/par"
PER_MINUTE: Final = 300  # of one address: a public client proves nothing, and each leaves a record
_IN_DEVELOPMENT: Final = 10_000
_OF_THE_CLIENT: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True)
class PushedRequestEndpoint:
    """The pushed authorization request endpoint of one issuer."""

    channel: BackChannel
    proofs: ProofReader
    pushing: Pushing

    async def push(self, request: HttpRequest) -> HttpResponse:
        """Answer with a handle, or with the error that the person would have been led back with."""
        return self.proofs.with_nonce(request, await self._push(request))

    async def _push(self, request: HttpRequest) -> HttpResponse:
        wait = self._wait(request)
        if wait is not None:
            return error_response("too_many_requests", retry_after=wait)
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        own_address = frozenset({self._context.issuer.url + PATH})
        client = await self.channel.authenticate(
            request, form, public=True, also_known_as=own_address
        )
        if isinstance(client, HttpResponse):
            return client
        key = await self.proofs.key(request)
        if isinstance(key, Refusal):
            return refused(key)
        pushed = await self.pushing.push(
            self._context, client, _values(client, form), dpop_jkt=key or None
        )
        if isinstance(pushed, Failure):
            return await self._refused(request, client, pushed)
        return _rendered(pushed)

    async def _refused(
        self, request: HttpRequest, client: Client, failure: Failure
    ) -> HttpResponse:
        refusal = Refusal(failure.code, failure.description)
        visit = visit_of(request)
        await self.channel.authenticator.note_refused(self._context, client, refusal, visit=visit)
        return refused(refusal)

    def _wait(self, request: HttpRequest) -> timedelta | None:
        source = source_key(request.peer) if request.peer else "unknown"
        rate = _IN_DEVELOPMENT if self._context.issuer.dev else PER_MINUTE
        return self.pushing.services.wait_for(f"{self._context.id}:par:{source}", rate)

    @property
    def _context(self) -> ServerContext:
        return self.channel.context


def _values(client: Client, form: Parameters) -> Values:
    """Return what is asked, without what proved the client (§2.1)."""
    asked = {name: sent for name, sent in form.values.items() if name not in _OF_THE_CLIENT}
    return {**asked, "client_id": (client.client_id,)}


def _rendered(pushed: Pushed) -> HttpResponse:
    """Render the handle (§2.2)."""
    body = {
        "request_uri": pushed.request_uri,
        "expires_in": int(pushed.expires_in.total_seconds()),
    }
    return HttpResponse(201, (JSON, *NO_STORE), msgspec.json.encode(body))
