"""``/account/one-time-code`` and ``/account/passkey``: people add ways to prove who they are.

Only who signed in a moment ago may: a browser left open must not give somebody else a way in that
lasts. And only who signs in here: somebody whom an organisation vouches for leaves with it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from registrary.authserver.context import ServerContext
from registrary.authserver.people.one_time_codes import (
    SECRET_BYTES,
    address_for_apps,
    step_of,
    typed_secret,
)
from registrary.authserver.people.passkeys import (
    CHALLENGE_BYTES,
    PasskeyRefused,
    enrolled,
    enrolment_options,
)
from registrary.authserver.people.refusals import Unfit
from registrary.authserver.people.services import by_person
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.people.tickets import Ticket
from registrary.authserver.people.ways_in import (
    NAME_LIMIT,
    WaysIn,
    may_enrol_codes,
    may_enrol_passkeys,
)
from registrary.authserver.services import ServerServices
from registrary.core.people import Passkey, Person
from registrary.policy.journal import Occasion
from registrary.protocol.account import (
    CODE_PATH,
    PASSKEY_PATH,
    back_to,
    form_of,
    shown_name,
)
from registrary.protocol.account import PATH as ACCOUNT
from registrary.protocol.back_channel import visit_of
from registrary.protocol.conversation import Conversation, Desk, Reached, digest_of
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.parameters import Parameters
from registrary.protocol.routes import FORM_BODY_BYTES, Handler, Route
from registrary.protocol.sign_in_pages import FURTHER, Asked

FRESH: Final = timedelta(minutes=15)

_WRONG_CODE: Final = "The code is not right. Enter the one that the app shows now."
_NO_NAME: Final = "Enter a name of 1 to 80 characters."
_NO_PASSKEY: Final = "The device did not make a passkey that can be used here. Try another one."
_NOT_HERE: Final = Page(
    "error",
    403,
    {
        "title": "This cannot be set up here",
        "message": "You sign in through your organisation, which decides how you prove yourself.",
    },
)


def _about(path: str) -> Conversation:
    return Conversation(purpose="account", digest=digest_of(path), return_to=path)


class Enrolment:
    """What both pages have in common: who may see them, and what their tickets hold."""

    path: str

    def __init__(self, services: ServerServices, context: ServerContext, desk: Desk) -> None:
        self.services = services
        self.context = context
        self.desk = desk
        self.ways = WaysIn(services)
        self.about = _about(self.path)

    def route(self) -> Route:
        """Return the address of the page."""
        handlers: dict[str, Handler] = {"GET": self.show, "POST": self.act}
        return Route(self.path, handlers, body_limit=FORM_BODY_BYTES, for_people=True)

    async def show(self, request: HttpRequest) -> HttpResponse | Page:
        """Show the page to who signed in a moment ago; ask others to."""
        reached = await self.desk.returned(request, form_of(request.query), self.about)
        if reached is not None:
            return back_to(self.context, self.path, *reached.headers)
        signed_in = await self._fresh(request)
        if signed_in is None:
            return await self.desk.ask(request, self.about)
        return self.page(request, signed_in) if self.is_for(signed_in.person) else _NOT_HERE

    async def act(self, request: HttpRequest) -> HttpResponse | Page:
        """Take the answer of the page, or that of the login page before it."""
        form = form_of(request.body)
        ticket = self.desk.open(request, form, self.about)
        if ticket is None:
            answer = await self.desk.answer(request, form, self.about)
            if isinstance(answer, Reached):
                return back_to(self.context, self.path, *answer.headers)
            return answer
        signed_in = await self._fresh(request)
        if signed_in is None or ticket.session != signed_in.session.id:
            return await self.desk.ask(request, self.about)
        if not self.is_for(signed_in.person):
            return _NOT_HERE
        problem = await self.enrol(request, form, signed_in, ticket=ticket)
        if problem is not None:
            return self.page(request, signed_in, problem=problem, ticket=ticket)
        return back_to(self.context, ACCOUNT)

    def is_for(self, person: Person) -> bool:
        """Tell whether *person* may use the page."""
        raise NotImplementedError

    def page(
        self,
        request: HttpRequest,
        signed_in: SignedIn,
        *,
        problem: str | None = None,
        ticket: Ticket | None = None,
    ) -> Page:
        """Return the page; *ticket* is that of an answer that had a *problem*."""
        raise NotImplementedError

    async def enrol(
        self, request: HttpRequest, form: Parameters, signed_in: SignedIn, *, ticket: Ticket
    ) -> str | None:
        """Do what *form* says; return what is wrong with it."""
        raise NotImplementedError

    def occasion(self, request: HttpRequest, person: Person) -> Occasion:
        """Return that *person* acts now."""
        return by_person(self.services, self.context.id, person.id, visit=visit_of(request))

    def sealed(
        self,
        name: str,
        request: HttpRequest,
        signed_in: SignedIn,
        *,
        values: Mapping[str, object],
        secret: bytes | None = None,
        challenge: bytes | None = None,
    ) -> Page:
        """Return the page *name* with a ticket that holds *secret* and *challenge*."""
        now = self.services.clock.now()
        ticket = Ticket(
            started_at=now,
            made_at=now,
            session=signed_in.session.id,
            secret=secret,
            challenge=challenge,
        )
        asked = Asked(request, self.about)
        csrf, headers = self.desk.pages.sealed(asked, ticket, step=FURTHER)
        return Page(name, values={"csrf": csrf, **values}, headers=headers)

    async def _fresh(self, request: HttpRequest) -> SignedIn | None:
        signed_in = await self.desk.who(request)
        if signed_in is None:
            return None
        age = self.services.clock.now() - signed_in.session.auth_time
        return signed_in if age <= FRESH else None


class CodeEnrolment(Enrolment):
    """Sets up codes of an authenticator app."""

    path = CODE_PATH

    def is_for(self, person: Person) -> bool:
        """Tell whether *person* has a password that codes can stand beside."""
        return may_enrol_codes(person)

    def page(
        self,
        request: HttpRequest,
        signed_in: SignedIn,
        *,
        problem: str | None = None,
        ticket: Ticket | None = None,
    ) -> Page:
        """Return the page with a new secret, or the one that was shown before."""
        import segno  # noqa: PLC0415 - 3 ms of start-up, for a page that each sees once

        kept = None if ticket is None else ticket.secret
        secret = kept or self.services.draw(SECRET_BYTES).take(SECRET_BYTES)
        host = urlsplit(self.context.issuer.url).netloc
        address = address_for_apps(secret, issuer=host, person=shown_name(signed_in.person))
        values = {
            "secret": typed_secret(secret),
            "qr": segno.make(address, micro=False).svg_inline(scale=4),
            "problem": problem,
        }
        return self.sealed("enrol_one_time_code", request, signed_in, values=values, secret=secret)

    async def enrol(
        self, request: HttpRequest, form: Parameters, signed_in: SignedIn, *, ticket: Ticket
    ) -> str | None:
        """Turn the codes on, if the app shows the right one."""
        now, typed = self.services.clock.now(), form.get("one_time_code") or ""
        step = None if ticket.secret is None else step_of(ticket.secret, typed, now=now)
        if ticket.secret is None or step is None:
            return _WRONG_CODE
        occasion = self.occasion(request, signed_in.person)
        await self.ways.enrol_codes(occasion, signed_in.person, ticket.secret, step=step)
        return None


class PasskeyEnrolment(Enrolment):
    """Adds a passkey."""

    path = PASSKEY_PATH

    def is_for(self, person: Person) -> bool:
        """Tell whether *person* may have passkeys here."""
        return may_enrol_passkeys(self.context.issuer, person)

    def page(
        self,
        request: HttpRequest,
        signed_in: SignedIn,
        *,
        problem: str | None = None,
        ticket: Ticket | None = None,
    ) -> Page:
        """Return the page with a new challenge; one that was answered is spent."""
        del ticket
        challenge, person = (
            self.services.draw(CHALLENGE_BYTES).take(CHALLENGE_BYTES),
            signed_in.person,
        )
        name = shown_name(person)
        options = enrolment_options(self.context.issuer, person, challenge, name=name)
        values = {"options": options, "problem": problem}
        return self.sealed("enrol_passkey", request, signed_in, values=values, challenge=challenge)

    async def enrol(
        self, request: HttpRequest, form: Parameters, signed_in: SignedIn, *, ticket: Ticket
    ) -> str | None:
        """Add the passkey that the browser made."""
        name, answer = (form.get("name") or "").strip(), form.get("passkey") or ""
        if not (1 <= len(name) <= NAME_LIMIT and name.isprintable()):
            return _NO_NAME
        occasion = self.occasion(request, signed_in.person)
        try:
            identifier, key, count = enrolled(
                self.context.issuer, answer, challenge=ticket.challenge or b""
            )
            passkey = Passkey(
                id=identifier,
                public_key=key,
                sign_count=count,
                name=name,
                created_at=occasion.now,
            )
            await self.ways.add_passkey(occasion, signed_in.person, passkey)
        except (PasskeyRefused, Unfit):
            return _NO_PASSKEY
        return None
