"""Asking people who they are, in the middle of whatever they came for.

An endpoint that needs a person makes a `Desk`. It lends the endpoint a login page, takes the answer
at the same address, and gives back who it is. Between page and answer the server remembers nothing:
the ``csrf`` field does, which only the browser that got the page can send back.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import Departure
from registrary.authserver.people.password_sign_in import PasswordSignIn, TooMany
from registrary.authserver.people.provider_metadata import ProviderUnusable
from registrary.authserver.people.sessions import Sessions, SignedIn
from registrary.authserver.people.strength import acr_of
from registrary.authserver.people.tickets import Ticket
from registrary.authserver.people.upstream import Upstream, chosen_by_domain
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.people import IdentityProvider, Person, Session
from registrary.core.records import SpentAssertion
from registrary.core.secrets import Secret
from registrary.ports.store import Conflict
from registrary.protocol.back_channel import visit_of
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

__all__ = ["Conversation", "Desk", "Headers", "Reached", "digest_of"]

_STALE: Final = "The page was open too long, or this browser sends no cookies. Please try again."
_WRONG: Final = "The user name or the password is not right."
_AWAY: Final = "{} does not answer now. Try again later, or sign in another way."
_RETURN_LIFETIME: Final = timedelta(minutes=5)
_log: Final = logging.getLogger("registrary.people")
_TOO_MANY: Final = "There were too many attempts. Wait a minute and try again."


@dataclass(frozen=True, slots=True)
class Reached:
    """Somebody proved who they are. The answer must carry *headers*.

    *started_at* is when they came with this request: a sign-in since then is a fresh one
    (``prompt=login``, ``max_age``).
    """

    signed_in: SignedIn
    started_at: datetime
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A form of the login page that came back, and what it remembered."""

    asked: Asked
    form: Parameters
    ticket: Ticket


class Desk:
    """Where the people of one issuer prove who they are."""

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context
        self.upstream = Upstream(services, context)
        self.pages = SignInPages(services, context, self.upstream)
        self._passwords = PasswordSignIn(services)
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
        attempt = _Attempt(asked, form, ticket)
        provider = await self._chosen(form)
        if provider is not None:
            return await self._leave(attempt, provider)
        return await self._by_password(attempt)

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

    async def _leave(self, attempt: _Attempt, provider: IdentityProvider) -> Page:
        """Send somebody to *provider*: by a page, for a redirect would end at form-action."""
        request, username = attempt.asked.request, attempt.form.get("username") or ""
        started = attempt.ticket.started_at
        wait = self._passwords.wait_for_source(self._context, visit=visit_of(request))
        if wait is not None:
            shown = Shown(started, username, _TOO_MANY, 429, wait)
            return await self.pages.login(attempt.asked, shown)
        leaving = Departure(
            browser=browser_of(request, self._context) or "",
            request=attempt.asked.about,
            return_to=attempt.asked.conversation.return_to,
            started_at=started,
            login_hint=username,
        )
        try:
            link = await self.upstream.leave(provider, leaving)
        except ProviderUnusable as error:
            _log.warning("provider %s: %s", provider.id, error)
            shown = Shown(started, username, _AWAY.format(provider.name), 503)
            return await self.pages.login(attempt.asked, shown)
        return Page("onward", values={"link": link, "name": provider.name})

    async def _by_password(self, attempt: _Attempt) -> Reached | Page:
        username = attempt.form.get("username") or ""
        password = Secret(attempt.form.get("password") or "")
        visit = visit_of(attempt.asked.request)
        proved = await self._passwords.prove(self._context, username, password, visit=visit)
        started = attempt.ticket.started_at
        match proved:
            case Person():
                return await self._let_in(attempt, proved, ("pwd",))
            case TooMany(wait):
                shown = Shown(started, username, _TOO_MANY, 429, wait)
            case None:
                shown = Shown(started, username, _WRONG)
            case _:
                assert_never(proved)
        return await self.pages.login(attempt.asked, shown)

    async def _let_in(self, attempt: _Attempt, person: Person, amr: tuple[str, ...]) -> Reached:
        """Begin a session of *person*, in place of the one this browser had."""
        request = attempt.asked.request
        before = await self.who(request)
        signed_in, token = await self.sessions.begin(
            self._context,
            person,
            amr=amr,
            acr=acr_of(amr),
            visit=visit_of(request),
            replaces=None if before is None else before.session,
        )
        headers = (session_cookie(self._context, token),)
        return Reached(signed_in, attempt.ticket.started_at, headers)
