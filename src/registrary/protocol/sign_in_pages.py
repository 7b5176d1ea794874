"""The pages on which people prove who they are, and the tickets that these hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.tickets import Binding, Ticket, open_ticket, seal_ticket
from registrary.authserver.services import ServerServices
from registrary.protocol.browser import (
    BROWSER_DRAW_BYTES,
    browser_cookie,
    browser_of,
    new_browser,
)
from registrary.protocol.http import HttpRequest, Page
from registrary.protocol.parameters import Parameters

Headers = tuple[tuple[bytes, bytes], ...]

LOGIN: Final = "login"  # the steps at which a ticket is good
FURTHER: Final = "further"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What somebody came for, as far as asking who they are goes.

    *purpose* is ``authorize``, ``device``, ``account`` or ``logout``; *digest* stands for what the
    person is asked about (see `digest_of`): a page about anything else is no answer to it.
    *return_to* is path and query below the issuer, to go on at after a way round. *client*,
    *links* and *form_action* are values of the page ``login``.
    """

    purpose: str
    digest: str
    return_to: str
    client: Mapping[str, object] | None = None
    links: Mapping[str, object] = field(default_factory=dict)
    login_hint: str = ""
    form_action: str | None = None


def digest_of(*parts: str) -> str:
    """Return what stands for *parts*, what a person is asked about, in a conversation."""
    return sha256(msgspec.json.encode(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody in front of a page: their request, and what they came for."""

    request: HttpRequest
    conversation: Conversation


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

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context

    async def login(self, asked: Asked, shown: Shown) -> Page:
        """Return the login page."""
        ticket = Ticket(started_at=shown.started_at, made_at=self._services.clock.now())
        csrf, headers = self.sealed(asked, ticket, step=LOGIN)
        conversation = asked.conversation
        values: dict[str, object] = {
            "csrf": csrf,
            "form_action": conversation.form_action,
            "client": conversation.client,
            "username": shown.username,
            "problem": shown.problem,
            "providers": [],
            "has_password": True,
            "passkey": None,
            "links": conversation.links or None,
        }
        return Page("login", shown.status, values, (*headers, *shown.headers()))

    def sealed(self, asked: Asked, ticket: Ticket, *, step: str) -> tuple[str, Headers]:
        """Return *ticket* as text for the page at *step*, and a cookie for a new browser."""
        browser = browser_of(asked.request, self._context)
        if browser is not None:
            return self._sealed_for(browser, asked, ticket, step=step), ()
        browser = new_browser(self._services.draw(BROWSER_DRAW_BYTES))
        header = browser_cookie(self._context, browser)
        return self._sealed_for(browser, asked, ticket, step=step), (header,)

    def opened(self, asked: Asked, form: Parameters, *, step: str) -> Ticket | None:
        """Return the ticket in *form*, None unless this browser got it for this at *step*."""
        browser = browser_of(asked.request, self._context)
        if browser is None:
            return None
        binding = self._binding(browser, asked.conversation, step)
        return open_ticket(self._services, binding, form.get("csrf"))

    def _sealed_for(self, browser: str, asked: Asked, ticket: Ticket, *, step: str) -> str:
        binding = self._binding(browser, asked.conversation, step)
        return seal_ticket(self._services, binding, ticket)

    def _binding(self, browser: str, conversation: Conversation, step: str) -> Binding:
        about = f"{conversation.purpose}:{conversation.digest}"
        return Binding(self._context.id, step, browser, about)
