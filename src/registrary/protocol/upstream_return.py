"""``/signin/callback``: where identity providers send people back (RFC 6749 §4.1.2)."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import punctuation
from typing import Final
from urllib.parse import quote

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import RETURN_PATH, Arrival, return_path
from registrary.authserver.people.provider_metadata import ProviderUnusable
from registrary.authserver.people.strength import FEDERATED
from registrary.authserver.people.tickets import Ticket
from registrary.authserver.people.upstream import CameBack, Vouched
from registrary.authserver.services import ServerServices
from registrary.core.people import IdentityProvider
from registrary.core.secrets import Secret
from registrary.protocol.back_channel import visit_of
from registrary.protocol.browser import browser_of, session_cookie
from registrary.protocol.conversation import Desk
from registrary.protocol.http import NO_STORE, HttpRequest, HttpResponse, Page
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.routes import Route
from registrary.protocol.sign_in_pages import RETURNED, TICKET

_NOT_KNOWN: Final = (
    "It took more than ten minutes, or began in another browser, or was finished before. Go back "
    "to the application and start again."
)
_NOBODY: Final = "{} knows who you are, but nobody of that name may sign in here."
_NOT_PROVED: Final = "{} did not say who you are. Go back to the application and start again."
_LEEWAY: Final = timedelta(seconds=60)
_log: Final = logging.getLogger("registrary.people")


@dataclass(frozen=True, slots=True)
class ReturnEndpoint:
    """The way back from the identity providers of one issuer."""

    services: ServerServices
    context: ServerContext
    desk: Desk

    def routes(self) -> tuple[Route, ...]:
        """Return the address of all providers and those of single ones; no metadata has them."""
        paths = (RETURN_PATH, f"{RETURN_PATH}/{{provider}}")
        return tuple(Route(path, {"GET": self.arrive}, for_people=True) for path in paths)

    async def arrive(self, request: HttpRequest) -> HttpResponse | Page:
        """Sign in whom a provider vouches for, and go on at what they came for."""
        try:
            parameters = parse_parameters(request.query)
        except ParameterError as error:
            return _refused(str(error))
        state, browser = parameters.get("state") or "", browser_of(request, self.context)
        arrival = await self.desk.upstream.attempts.end(
            self.context, state=Secret(state), browser=browser
        )
        if arrival is None or browser is None:
            self.services.count_refusal(self.context.id, request.peer, "unknown_state")
            return _refused(_NOT_KNOWN)
        provider = await self.desk.upstream.provider(arrival.attempt.provider)
        if provider is None or request.path != return_path(provider):
            # A code that came to another address is another provider's.
            return _refused(_NOT_KNOWN)
        vouched = await self._vouched(request, parameters, provider, arrival=arrival)
        if not isinstance(vouched, Vouched):
            return vouched
        return await self._let_in(request, vouched, arrival, browser=browser)

    async def _vouched(
        self,
        request: HttpRequest,
        parameters: Parameters,
        provider: IdentityProvider,
        *,
        arrival: Arrival,
    ) -> Vouched | Page:
        code = parameters.get("code")
        if code is None:
            _log.info("provider %s sent somebody back without a code", provider.id)
            return _refused(_NOT_PROVED.format(provider.name))
        came = CameBack(Secret(code), parameters.get("iss"))
        try:
            vouched = await self.desk.upstream.arrive(
                provider, arrival, came, visit=visit_of(request)
            )
        except ProviderUnusable as error:
            _log.warning("provider %s: %s", provider.id, error)
            return _refused(_NOT_PROVED.format(provider.name), status=502)
        return vouched or _refused(_NOBODY.format(provider.name), status=403)

    async def _let_in(
        self, request: HttpRequest, vouched: Vouched, arrival: Arrival, *, browser: str
    ) -> HttpResponse:
        before = await self.desk.who(request)
        signed_in, token = await self.desk.sessions.begin(
            self.context,
            vouched.person,
            amr=("fed",),
            acr=FEDERATED,
            provider=vouched.provider.id,
            auth_time=_proved_at(vouched, arrival),
            visit=visit_of(request),
            replaces=None if before is None else before.session,
        )
        ticket = Ticket(
            started_at=arrival.attempt.started_at,
            made_at=self.services.clock.now(),
            session=signed_in.session.id,
        )
        text = self.desk.pages.sealed_for(browser, arrival.kept.request, ticket, step=RETURNED)
        path = arrival.attempt.return_to
        address = f"{self.context.issuer.url}{path}{'&' if '?' in path else '?'}{TICKET}={text}"
        location = (b"location", quote(address, safe=punctuation).encode("ascii"))
        return HttpResponse(303, (location, session_cookie(self.context, token), *NO_STORE))


def _proved_at(vouched: Vouched, arrival: Arrival) -> datetime | None:
    """Return when somebody proved themselves, where that was before they left for the provider.

    Its clock may be behind ours by a little.
    """
    proved_at = vouched.authenticated_at
    if proved_at is None or proved_at + _LEEWAY >= arrival.attempt.started_at:
        return None
    return proved_at


def _refused(message: str, *, status: int = 400) -> Page:
    return Page("error", status, {"title": "You were not signed in", "message": message})
