"""The pages on which people prove who they are, and the tickets that these hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.names import LOCAL_PREFIX
from registrary.authserver.people.passkeys import CHALLENGE_BYTES, sign_in_options
from registrary.authserver.people.tickets import (
    TICKET_LIFETIME,
    Binding,
    Ticket,
    open_ticket,
    seal_ticket,
)
from registrary.authserver.people.upstream import Upstream
from registrary.authserver.services import ServerServices
from registrary.core.people import Person, SignInName
from registrary.protocol.browser import (
    BROWSER_DRAW_BYTES,
    browser_cookie,
    browser_of,
    new_browser,
)
from registrary.protocol.http import HttpRequest, Page

Headers = tuple[tuple[bytes, bytes], ...]

TICKET: Final = "registrary_ticket"
"""The parameter of who comes back from a way round."""

LOGIN: Final = "login"  # the steps at which a ticket is good
FURTHER: Final = "further"
RETURNED: Final = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What somebody came for, as far as asking who they are goes.

    *purpose* is ``authorize``, ``device``, ``account`` or ``logout``; *digest* stands for what the
    person is asked about (see `digest_of`): a page about anything else is no answer to it.
    *return_to* is path and query below the issuer, to go on at after a way round. *max_age* is
    for how many seconds a sign-in elsewhere does. *client*, *links* and *form_action* are values of
    the page ``login``.
    """

    purpose: str
    digest: str
    return_to: str
    client: Mapping[str, object] | None = None
    links: Mapping[str, object] = field(default_factory=dict)
    login_hint: str = ""
    form_action: str | None = None
    max_age: int | None = None


def digest_of(*parts: str) -> str:
    """Return what stands for *parts*, what a person is asked about, in a conversation."""
    return sha256(msgspec.json.encode(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody in front of a page: their request, and what they came for."""

    request: HttpRequest
    conversation: Conversation

    @property
    def about(self) -> str:
        """Return what tickets of this conversation are bound to."""
        return f"{self.conversation.purpose}:{self.conversation.digest}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a login page shows besides what it is for; *wait* is told to who came too often."""

    started_at: datetime
    username: str = ""
    problem: str | None = None
    status: int = 200
    wait: timedelta | None = None

    def headers(self) -> Headers:
        """Return when to come again, if not at once."""
        if self.wait is None:
            return ()
        seconds = max(1, -int(-self.wait.total_seconds() // 1))
        return ((b"retry-after", str(seconds).encode()),)


class SignInPages:
    """The pages of one issuer on which people prove who they are."""

    def __init__(
        self, services: ServerServices, context: ServerContext, upstream: Upstream
    ) -> None:
        self._services = services
        self._context = context
        self._upstream = upstream

    async def login(self, asked: Asked, shown: Shown) -> Page:
        """Return the login page."""
        challenge = self._services.draw(CHALLENGE_BYTES).take(CHALLENGE_BYTES)
        now = self._services.clock.now()
        ticket = Ticket(started_at=shown.started_at, made_at=now, challenge=challenge)
        csrf, headers = self.sealed(asked, ticket, step=LOGIN)
        conversation, providers = asked.conversation, await self._upstream.providers()
        values: dict[str, object] = {
            "csrf": csrf,
            "form_action": conversation.form_action,
            "client": conversation.client,
            "username": shown.username,
            "problem": shown.problem,
            "providers": [{"id": each.id, "name": each.name} for each in providers],
            "has_password": not providers or await self._has_local_people(),
            "passkey": sign_in_options(self._context.issuer, challenge),
            "links": conversation.links or None,
        }
        return Page("login", shown.status, values, (*headers, *shown.headers()))

    def one_time_code(self, asked: Asked, ticket: Ticket, person: Person) -> Page:
        """Return the page that asks *person*, who has proved their password, for a code."""
        proved = msgspec.structs.replace(ticket, person=person.id, generation=person.generation)
        return self.one_time_code_again(asked, proved, problem=None)

    def one_time_code_again(self, asked: Asked, ticket: Ticket, *, problem: str | None) -> Page:
        """Return the page that asks whom *ticket* names for a code."""
        csrf, headers = self.sealed(asked, ticket, step=LOGIN)
        values: dict[str, object] = {
            "csrf": csrf,
            "form_action": asked.conversation.form_action,
            "problem": problem,
            "client": asked.conversation.client,
        }
        return Page("one_time_code", 200, values, headers)

    def sealed(self, asked: Asked, ticket: Ticket, *, step: str) -> tuple[str, Headers]:
        """Return *ticket* as text for the page at *step*, and a cookie for a new browser."""
        browser = browser_of(asked.request, self._context)
        if browser is not None:
            return self.sealed_for(browser, asked.about, ticket, step=step), ()
        browser = new_browser(self._services.draw(BROWSER_DRAW_BYTES))
        header = browser_cookie(self._context, browser)
        return self.sealed_for(browser, asked.about, ticket, step=step), (header,)

    def sealed_for(self, browser: str, about: str, ticket: Ticket, *, step: str) -> str:
        """Return *ticket* as text for a page at *step* that *browser* will get *about*."""
        binding = Binding(self._context.id, step, browser, about)
        return seal_ticket(self._services, binding, ticket)

    def opened(
        self,
        asked: Asked,
        text: str | None,
        *,
        step: str,
        lifetime: timedelta = TICKET_LIFETIME,
    ) -> Ticket | None:
        """Return the ticket *text*, None unless this browser got it for this at *step*."""
        browser = browser_of(asked.request, self._context)
        if browser is None:
            return None
        binding = Binding(self._context.id, step, browser, asked.about)
        return open_ticket(self._services, binding, text, lifetime=lifetime)

    async def _has_local_people(self) -> bool:
        """Tell whether anybody could sign in with a user name here."""
        page = await self._services.store.page(
            SignInName, self._context.id, after=LOCAL_PREFIX, limit=1
        )
        return any(name.name.startswith(LOCAL_PREFIX) for name in page.records)
