"""The ways to sign in here, as the form of the login page brings them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from registrary.authserver.context import ServerContext
from registrary.authserver.people.password_sign_in import PasswordSignIn, TooMany
from registrary.authserver.people.second_steps import Proved, SecondSteps
from registrary.authserver.people.tickets import Ticket
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.people import Person
from registrary.core.secrets import Secret
from registrary.protocol.back_channel import visit_of
from registrary.protocol.http import Page
from registrary.protocol.parameters import Parameters
from registrary.protocol.sign_in_pages import Asked, Shown, SignInPages

WRONG: Final = "The user name or the password is not right."
TOO_MANY: Final = "There were too many attempts. Wait a minute and try again."
_NO_PASSKEY: Final = "That passkey signs nobody in here. Try again, or sign in another way."
_WRONG_CODE: Final = "The code is not right, or was used before. Wait for the next one."


@dataclass(frozen=True, slots=True)
class Attempt:
    """A form of the login page that came back, and what the page remembered."""

    asked: Asked
    form: Parameters
    ticket: Ticket

    @property
    def visit(self) -> Visit:
        """Return where it came from."""
        return visit_of(self.asked.request)

    def shown(self, problem: str, *, status: int = 200, wait: timedelta | None = None) -> Shown:
        """Return what the login page says to the next attempt."""
        username = self.form.get("username") or ""
        return Shown(self.ticket.started_at, username, problem, status, wait)


class Ways:
    """Takes passwords, codes and passkeys at one issuer."""

    def __init__(
        self, services: ServerServices, context: ServerContext, pages: SignInPages
    ) -> None:
        self._context = context
        self._pages = pages
        self._second_steps = SecondSteps(services)
        self.passwords = PasswordSignIn(services)

    async def take(self, attempt: Attempt) -> Proved | Page:
        """Return who *attempt* proves, or the page that asks on."""
        if passkey := attempt.form.get("passkey"):
            return await self._by_passkey(attempt, passkey)
        if attempt.ticket.person is not None:
            return await self._by_code(attempt)
        return await self._by_password(attempt)

    async def _by_passkey(self, attempt: Attempt, answer: str) -> Proved | Page:
        wait = self.passwords.wait_for_source(self._context, visit=attempt.visit)
        if wait is not None:
            shown = attempt.shown(TOO_MANY, status=429, wait=wait)
            return await self._pages.login(attempt.asked, shown)
        proved = await self._second_steps.by_passkey(
            self._context, attempt.ticket, answer, visit=attempt.visit
        )
        return proved or await self._pages.login(attempt.asked, attempt.shown(_NO_PASSKEY))

    async def _by_password(self, attempt: Attempt) -> Proved | Page:
        username = attempt.form.get("username") or ""
        password = Secret(attempt.form.get("password") or "")
        found = await self.passwords.prove(self._context, username, password, visit=attempt.visit)
        match found:
            case Person(one_time_codes=None):
                return Proved(found, ("pwd",))
            case Person():
                return self._pages.one_time_code(attempt.asked, attempt.ticket, found)
            case TooMany(wait):
                shown = attempt.shown(TOO_MANY, status=429, wait=wait)
            case None:
                shown = attempt.shown(WRONG)
            case _:
                assert_never(found)
        return await self._pages.login(attempt.asked, shown)

    async def _by_code(self, attempt: Attempt) -> Proved | Page:
        wait = self._second_steps.wait_for_code(self._context, attempt.ticket)
        if wait is not None:
            shown = attempt.shown(TOO_MANY, status=429, wait=wait)
            return await self._pages.login(attempt.asked, shown)
        typed = attempt.form.get("one_time_code") or ""
        proved = await self._second_steps.by_code(
            self._context, attempt.ticket, typed, visit=attempt.visit
        )
        if proved is not None:
            return proved
        return self._pages.one_time_code_again(attempt.asked, attempt.ticket, problem=_WRONG_CODE)

    async def spent(self, attempt: Attempt) -> Page:
        """Return the page for who proved what somebody proved a moment before."""
        if attempt.ticket.person is None:
            return await self._pages.login(attempt.asked, attempt.shown(_NO_PASSKEY))
        return self._pages.one_time_code_again(attempt.asked, attempt.ticket, problem=_WRONG_CODE)
