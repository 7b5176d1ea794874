"""``/logout`` (OpenID Connect RP-Initiated Logout): leaving, at a client's wish or one's own.

Who is not asked is sent back at once: that takes an ID token of just this session. Everybody else
sees a page of ours, and nobody is sent where their client has not registered.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from registrary.authserver.authorization.failing import is_verified
from registrary.authserver.authorization.way_back import form_action_source
from registrary.authserver.context import ServerContext
from registrary.authserver.logout.frames import frames_of
from registrary.authserver.logout.request import LogoutRequest, read_request
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.issuer import RuleSet
from registrary.protocol.account import PATH as ACCOUNT
from registrary.protocol.account import back_to, shown_name
from registrary.protocol.authorization_answers import see_other
from registrary.protocol.back_channel import visit_of
from registrary.protocol.browser import session_cookie
from registrary.protocol.conversation import Conversation, Desk, Headers, digest_of
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.media import is_form
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.routes import FORM_BODY_BYTES, Route

PATH: Final = "/logout"
LONGEST_QUERY: Final = 15 * 1024  # a request line has 16 KiB
PARAMETERS: Final = (
    "id_token_hint",
    "logout_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
    "ui_locales",
)
"""What may be asked with (§2)."""

_TITLE: Final = "You cannot be signed out this way"
_TOO_LONG: Final = "The application sent more than fits into an address."
_STALE: Final = "The page was open for too long. Please go back and try again."


@dataclass(frozen=True, slots=True)
class _Turn:
    """One step: the HTTP *request*, what is *asked*, and who is there."""

    request: HttpRequest
    asked: LogoutRequest
    signed_in: SignedIn | None

    @property
    def conversation(self) -> Conversation:
        """Return what the pages of this request are about."""
        query = self.request.query
        return Conversation(
            purpose="logout",
            digest=digest_of(PATH, query),
            return_to=f"{PATH}?{query}" if query else PATH,
        )


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """The end session endpoint of one issuer."""

    services: ServerServices
    context: ServerContext
    desk: Desk

    def route(self) -> Route:
        """Return its address, which takes GET and POST (§2)."""
        return Route(
            PATH,
            {"GET": self.ask, "POST": self.answer},
            "end_session_endpoint",
            body_limit=FORM_BODY_BYTES,
            for_people=True,
        )

    async def ask(self, request: HttpRequest) -> HttpResponse | Page:
        """Answer a request in the address: sign out, or ask first."""
        turn = await self._turn(request)
        if isinstance(turn, Page):
            return turn
        if turn.signed_in is None:
            return self._nobody(turn)
        if turn.asked.is_of(self.context, turn.signed_in):
            return await self._leave(turn, turn.signed_in)
        return self._question(turn, turn.signed_in)

    async def answer(self, request: HttpRequest) -> HttpResponse | Page:
        """Take the answer to our page, or a request in a body."""
        try:
            form = parse_parameters(request.body)
        except ParameterError as error:
            return _error(str(error))
        if not form.was_sent("csrf"):
            return _moved(self.context, request, form)
        turn = await self._turn(request)
        if isinstance(turn, Page):
            return turn
        if turn.signed_in is None:
            return self._nobody(turn)
        ticket = self.desk.open(request, form, turn.conversation)
        if ticket is None or ticket.session != turn.signed_in.session.id:
            return _error(_STALE, status=403)
        if form.get("decision") == "logout":
            return await self._leave(turn, turn.signed_in)
        return back_to(self.context, ACCOUNT)

    async def _turn(self, request: HttpRequest) -> _Turn | Page:
        try:
            sent = parse_parameters(request.query, repeatable=frozenset())
        except ParameterError as error:
            return _error(str(error))
        parameters = {name: values[0] for name, values in sent.values.items()}
        asked = await read_request(self.services, self.context, parameters)
        return _Turn(request, asked, await self.desk.who(request))

    def _question(self, turn: _Turn, signed_in: SignedIn) -> Page:
        """Return the page that asks whether to sign out."""
        csrf, headers = self.desk.seal(
            turn.request,
            turn.conversation,
            started_at=self.services.clock.now(),
            session=signed_in.session,
        )
        asked = turn.asked
        leads_back = asked.way_back if asked.hint is not None else None
        values = {
            "csrf": csrf,
            "form_action": leads_back and form_action_source(leads_back),
            "person": shown_name(signed_in.person),
            "client_name": asked.client and _name(asked.client),
        }
        return Page("logout", values=values, headers=headers)

    def _nobody(self, turn: _Turn) -> HttpResponse | Page:
        """Return what is next where nobody is here to be signed out.

        Whoever proves that they were may go back by themselves. Anybody could register a client,
        sign in to it and make such a link: to one that nobody here vouches for leads a link alone
        (RFC 9700 §4.11.2), but on issuers for certification.
        """
        client = turn.asked.client
        is_trusted = self.context.issuer.rule_set is RuleSet.OIDF_DYNAMIC or (
            client is not None and is_verified(client)
        )
        return _left(turn, [], is_proved=turn.asked.hint is not None and is_trusted)

    async def _leave(self, turn: _Turn, signed_in: SignedIn) -> HttpResponse | Page:
        """End the session, and tell clients by the browser what it can tell them."""
        frames = await frames_of(self.services, self.context, signed_in.session)
        await self.desk.sessions.end(self.context, signed_in.session, visit=visit_of(turn.request))
        gone = (session_cookie(self.context, None),)
        return _left(turn, frames, is_proved=turn.asked.hint is not None, headers=gone)


def _left(
    turn: _Turn, frames: list[str], *, is_proved: bool, headers: Headers = ()
) -> HttpResponse | Page:
    """Return the way back where there is one, or the page that says it is done.

    Without an ID token the client is not proved to have asked (§3): the person may follow a
    link. Nor is anybody sent on before the frames were loaded; the page does that itself.
    """
    way_back, client = turn.asked.way_back, turn.asked.client
    if way_back is not None and is_proved and not frames:
        return see_other(way_back, headers=headers)
    values = {
        "frames": frames,
        "link": way_back,
        "client_name": client and _name(client) if way_back else None,
        "goes_on": is_proved,
    }
    return Page("logged_out", values=values, headers=headers)


def _name(client: Client) -> str:
    return str(client.metadata.get("client_name") or client.client_id)


def _moved(context: ServerContext, request: HttpRequest, form: Parameters) -> HttpResponse | Page:
    """Return the redirect to the same request in an address.

    A form from another site comes without our cookies (SameSite=Lax); the address brings them.
    What is no parameter of ours could be anything, a secret even: it gets into no address.
    """
    if request.body and (not is_form(request) or request.query):
        return _error("The request must be a form.")
    sent = {name: form.values[name] for name in PARAMETERS if name in form}
    query = urlencode(sent, doseq=True, quote_via=quote) or request.query
    if len(query) > LONGEST_QUERY:
        return _error(_TOO_LONG, status=413)
    path = urlsplit(context.issuer.url).path + PATH
    return see_other(f"{path}?{query}" if query else path)


def _error(message: str, *, status: int = 400) -> Page:
    return Page("error", status, {"title": _TITLE, "message": message, "code": "invalid_request"})
