"""Asking people who they are, in the middle of whatever they came for.

An endpoint that needs a person makes a `Desk`. It lends the endpoint a login page, takes the answer
at the same address, and gives back who it is. Between page and answer the server remembers nothing:
the ``csrf`` field does, which only the browser that got the page can send back.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import Departure
from registrary.authserver.people.provider_metadata import ProviderUnusable
from registrary.authserver.people.second_steps import Proved
from registrary.authserver.people.sessions import Sessions, SignedIn
from registrary.authserver.people.strength import acr_of
from registrary.authserver.people.tickets import Ticket
from registrary.authserver.people.upstream import Upstream, chosen_by_domain
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.people import IdentityProvider, Session
from registrary.core.records import SpentAssertion
from registrary.ports.store import Conflict
from registrary.protocol.browser import browser_of, cookie, session_cookie, session_cookie_name
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.parameters import Parameters
from registrary.protocol.sign_in_pages import (
    FURTHER,
    LOGIN,
    RETURNED,
    TICKET,
    Asked,
    Conversation,
    Headers,
    Shown,
    SignInPages,
    digest_of,
)
from registrary.protocol.sign_in_ways import TOO_MANY, Attempt, Ways

__all__ = ["Conversation", "Desk", "Headers", "Reached", "digest_of"]

_STALE: Final = "The page was open too long, or this browser sends no cookies. Please try again."
_AWAY: Final = "{} does not answer now. Try again later, or sign in another way."
_RETURN_LIFETIME: Final = timedelta(minutes=5)
_log: Final = logging.getLogger("registrary.people")


@dataclass(frozen=True, slots=True)
class Reached:
    """Somebody proved who they are. The answer must carry *headers*.

    *started_at* is when they came with this request: a sign-in since then is a fresh one
    (``prompt=login``, ``max_age``).
    """

    signed_in: SignedIn
    started_at: datetime
    headers: Headers = ()


class Desk:
    """Where the people of one issuer prove who they are."""

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context
        self.upstream = Upstream(services, context)
        self.pages = SignInPages(services, context, self.upstream)
        self._ways = Ways(services, context, self.pages)
        self.sessions = Sessions(services)

    async def who(self, request: HttpRequest) -> SignedIn | None:
        """Return who is signed in with the browser of *request*, or None."""
        token = cookie(request, session_cookie_name(self._context))
        return await self.sessions.current(self._context, token)

    async def ask(
        self,
        request: HttpRequest,
        conversation: Conversation,
        *,
        problem: str | None = None,
        started_at: datetime | None = None,
        status: int = 200,
    ) -> Page:
        """Return the login page; *started_at* where the conversation began before."""
        started = started_at or self._services.clock.now()
        shown = Shown(started, conversation.login_hint, problem, status)
        return await self.pages.login(Asked(request, conversation), shown)

    async def answer(
        self, request: HttpRequest, form: Parameters, conversation: Conversation
    ) -> Reached | Page | HttpResponse:
        """Return who the *form* of a page of ours proves, or what to answer until it does."""
        asked = Asked(request, conversation)
        ticket = self.pages.opened(asked, form.get("csrf"), step=LOGIN)
        if ticket is None:
            return await self.ask(request, conversation, problem=_STALE, status=403)
        attempt = Attempt(asked, form, ticket)
        provider = await self._chosen(form)
        if provider is not None:
            return await self._leave(attempt, provider)
        proved = await self._ways.take(attempt)
        return await self._let_in(attempt, proved) if isinstance(proved, Proved) else proved

    async def returned(
        self, request: HttpRequest, parameters: Parameters, conversation: Conversation
    ) -> Reached | None:
        """Return who came back from an identity provider with ``registrary_ticket``, once."""
        text, asked = parameters.get(TICKET), Asked(request, conversation)
        ticket = self.pages.opened(asked, text, step=RETURNED, lifetime=_RETURN_LIFETIME)
        if text is None or ticket is None:
            return None
        signed_in = await self.who(request)
        if signed_in is None or ticket.session != signed_in.session.id:
            return None
        spent = SpentAssertion(
            issuer=self._context.id,
            digest=digest_of(TICKET, text),
            expires_at=ticket.made_at + _RETURN_LIFETIME,
        )
        try:
            await self._services.store.commit(Changes(puts=(Put(spent),)))
        except Conflict:
            return None  # the page was loaded again
        return Reached(signed_in, ticket.started_at)

    def seal(
        self,
        request: HttpRequest,
        conversation: Conversation,
        *,
        started_at: datetime,
        session: Session | None = None,
    ) -> tuple[str, Headers]:
        """Return the ``csrf`` of a further page of *conversation*, and headers the page needs.

        The ticket that `open` gives back names *session*, so that the answer to a page shown to
        one person is not taken from the next who signs in.
        """
        now = self._services.clock.now()
        shown_in = None if session is None else session.id
        ticket = Ticket(started_at=started_at, made_at=now, session=shown_in)
        return self.pages.sealed(Asked(request, conversation), ticket, step=FURTHER)

    def open(
        self, request: HttpRequest, form: Parameters, conversation: Conversation
    ) -> Ticket | None:
        """Return the ticket that *form* brings back from a page that `seal` was called for.

        None: it is forged, of another browser or another request, or more than an hour old.
        """
        return self.pages.opened(Asked(request, conversation), form.get("csrf"), step=FURTHER)

    async def _chosen(self, form: Parameters) -> IdentityProvider | None:
        """Return the provider whose button was pressed, or that the typed address leads to."""
        if identifier := form.get("provider"):
            return await self.upstream.provider(identifier)
        username = form.get("username") or ""
        return chosen_by_domain(await self.upstream.providers(), username)

    async def _leave(self, attempt: Attempt, provider: IdentityProvider) -> Page:
        """Send somebody to *provider*: by a page, for a redirect would end at form-action."""
        asked = attempt.asked
        wait = self._ways.passwords.wait_for_source(self._context, visit=attempt.visit)
        if wait is not None:
            return await self.pages.login(asked, attempt.shown(TOO_MANY, status=429, wait=wait))
        leaving = Departure(
            browser=browser_of(asked.request, self._context) or "",
            request=asked.about,
            return_to=asked.conversation.return_to,
            started_at=attempt.ticket.started_at,
            login_hint=attempt.form.get("username") or "",
            max_age=asked.conversation.max_age,
        )
        try:
            link = await self.upstream.leave(provider, leaving)
        except ProviderUnusable as error:
            _log.warning("provider %s: %s", provider.id, error)
            shown = attempt.shown(_AWAY.format(provider.name), status=503)
            return await self.pages.login(asked, shown)
        return Page("onward", values={"link": link, "name": provider.name})

    async def _let_in(self, attempt: Attempt, proved: Proved) -> Reached | Page:
        """Begin a session of who *proved* it, in place of the one this browser had."""
        before = await self.who(attempt.asked.request)
        try:
            signed_in, token = await self.sessions.begin(
                self._context,
                proved.person,
                amr=proved.amr,
                acr=acr_of(proved.amr),
                visit=attempt.visit,
                replaces=None if before is None else before.session,
                also=proved.also,
            )
        except Conflict:
            return await self._ways.spent(attempt)
        headers = (session_cookie(self._context, token),)
        return Reached(signed_in, attempt.ticket.started_at, headers)
