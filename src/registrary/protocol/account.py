"""``/account``: what a person sees of themselves here, and what they can end."""

from contextlib import suppress
from typing import Final

from registrary.authserver.connections import Connection, Connections
from registrary.authserver.context import ServerContext
from registrary.authserver.logout.frames import frames_of
from registrary.authserver.people.refusals import Unknown
from registrary.authserver.people.services import by_person
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.people.ways_in import WaysIn, may_enrol_codes, may_enrol_passkeys
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.base64url import encode
from registrary.core.people import Passkey, Person, Session
from registrary.protocol.back_channel import visit_of
from registrary.protocol.browser import session_cookie
from registrary.protocol.conversation import Conversation, Desk, Headers, Reached, digest_of
from registrary.protocol.http import NO_STORE, HttpRequest, HttpResponse, Page
from registrary.protocol.moments import shown_moment
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters

PATH: Final = "/account"
CODE_PATH: Final = f"{PATH}/one-time-code"
PASSKEY_PATH: Final = f"{PATH}/passkey"
ABOUT: Final = Conversation(purpose="account", digest=digest_of(PATH), return_to=PATH)


class AccountEndpoint:
    """The account page of one issuer; who is not signed in is asked to."""

    def __init__(self, services: ServerServices, context: ServerContext, desk: Desk) -> None:
        self._services = services
        self._context = context
        self._desk = desk
        self._connections = Connections(services)
        self._ways = WaysIn(services)

    async def show(self, request: HttpRequest) -> HttpResponse | Page:
        """Show the account of who is signed in; who comes back from a provider is."""
        reached = await self._desk.returned(request, form_of(request.query), ABOUT)
        if reached is not None:
            return back_to(self._context, PATH, *reached.headers)
        signed_in = await self._desk.who(request)
        if signed_in is None:
            return await self._desk.ask(request, ABOUT)
        return await self._page(request, signed_in)

    async def act(self, request: HttpRequest) -> HttpResponse | Page:
        """Do what a button of the page says, or take the answer of the login page."""
        form = form_of(request.body)
        ticket = self._desk.open(request, form, ABOUT)
        if ticket is None:
            answer = await self._desk.answer(request, form, ABOUT)
            if isinstance(answer, Reached):
                return back_to(self._context, PATH, *answer.headers)
            return answer
        signed_in = await self._desk.who(request)
        if signed_in is None or ticket.session != signed_in.session.id:
            return await self._desk.ask(request, ABOUT)
        gone = await self._do(request, form, signed_in)
        frames = await frames_of(self._services, self._context, signed_in.session) if gone else []
        if frames:
            # The clients that only this browser can tell (Front-Channel Logout).
            values = {"frames": frames, "link": None, "client_name": None}
            return Page("logged_out", values=values, headers=gone)
        return back_to(self._context, PATH, *gone)

    async def _do(self, request: HttpRequest, form: Parameters, signed_in: SignedIn) -> Headers:
        """Do what *form* says; return headers where it signed this browser out."""
        visit, person = visit_of(request), signed_in.person
        if client_id := form.get("disconnect"):
            await self._connections.end(self._context, person.id, client_id, visit=visit)
        elif identifier := form.get("end_session"):
            for session in await self._desk.sessions.of_person(self._context.id, person.id):
                if session.id == identifier:
                    await self._desk.sessions.end(self._context, session, visit=visit)
            if identifier == signed_in.session.id:
                return (session_cookie(self._context, None),)
        elif passkey := form.get("remove_passkey"):
            await self._remove_passkey(person, passkey, visit=visit)
        elif "sign_out_everywhere" in form:
            await self._desk.sessions.end_all(self._context, person, visit=visit)
            return (session_cookie(self._context, None),)
        return ()

    async def _remove_passkey(self, person: Person, identifier: str, *, visit: Visit) -> None:
        occasion = by_person(self._services, self._context.id, person.id, visit=visit)
        with suppress(Unknown):  # it was removed in another tab
            await self._ways.remove_passkey(occasion, person.id, identifier)

    def _links(self, person: Person) -> dict[str, str | None]:
        """Return where *person* can set up further ways to prove themselves."""
        url = self._context.issuer.url
        may_have_passkeys = may_enrol_passkeys(self._context.issuer, person)
        return {
            "one_time_code_link": f"{url}{CODE_PATH}" if may_enrol_codes(person) else None,
            "passkey_link": f"{url}{PASSKEY_PATH}" if may_have_passkeys else None,
        }

    async def _page(self, request: HttpRequest, signed_in: SignedIn) -> Page:
        person, session = signed_in.person, signed_in.session
        csrf, headers = self._desk.seal(
            request, ABOUT, started_at=self._services.clock.now(), session=session
        )
        connections = await self._connections.of_person(self._context, person.id)
        sessions = await self._desk.sessions.of_person(self._context.id, person.id)
        values = {
            "csrf": csrf,
            "person": shown_name(person),
            "connections": [self._connection(each) for each in connections],
            "sessions": [_session(each, current=session) for each in sessions],
            "passkeys": [_passkey(each) for each in person.passkeys],
            "has_one_time_codes": person.one_time_codes is not None,
            **self._links(person),
        }
        return Page("account", values=values, headers=headers)

    def _connection(self, connection: Connection) -> dict[str, object]:
        client, catalogue = connection.client, self._context.issuer.scopes
        described = {scope.name: scope.description for scope in catalogue}
        return {
            "client_name": client.metadata.get("client_name") or client.client_id,
            "client_id": client.client_id,
            "host": connection.host,
            "scopes": [described.get(name, name) for name in connection.scope],
            "since": shown_moment(connection.since),
            "last_used": connection.used_at and shown_moment(connection.used_at),
        }


def form_of(text: str | bytes) -> Parameters:
    """Return the parameters of *text*; none where it cannot be read, as for who sent none."""
    try:
        return parse_parameters(text)
    except ParameterError:
        return Parameters({})


def back_to(context: ServerContext, path: str, *headers: tuple[bytes, bytes]) -> HttpResponse:
    """Return the way to the page at *path*, so that loading it again does nothing twice."""
    location = (b"location", f"{context.issuer.url}{path}".encode("ascii"))
    return HttpResponse(303, (location, *headers, *NO_STORE))


def shown_name(person: Person) -> str:
    """Return what a person knows themselves by."""
    claims = person.claims
    found = person.username or claims.get("email") or claims.get("name") or person.id
    return str(found)


def _session(session: Session, *, current: Session) -> dict[str, object]:
    return {
        "id": session.id,
        "since": shown_moment(session.created_at),
        "last_seen": shown_moment(session.seen_at),
        "current": session.id == current.id,
    }


def _passkey(passkey: Passkey) -> dict[str, object]:
    return {
        "id": encode(passkey.id),
        "name": passkey.name,
        "since": shown_moment(passkey.created_at),
    }
