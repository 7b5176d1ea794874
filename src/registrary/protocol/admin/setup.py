"""The one-time set-up link: a page with one button, and the first admin token behind it."""

from dataclasses import dataclass
from typing import Final

from registrary.protocol.http import HttpRequest, Page
from registrary.protocol.routes import FORM_BODY_BYTES, Route, last_segment
from registrary.registrar.context import IssuerContext
from registrary.registrar.first_administrator import FirstAdministrator

PATH: Final = "/setup/"
_NOT_GOOD: Final = Page(
    "error",
    status=404,
    values={
        "title": "This link is not good",
        "message": (
            "It was used, or is more than an hour old, or the server was started again since, or "
            "somebody has an admin token already. Starting the server prints a new link as long "
            "as nobody has one; the command registrary admin-token create makes one at any time."
        ),
    },
)


@dataclass(frozen=True, slots=True)
class SetupEndpoint:
    """Lets the first administrator of an issuer in, once.

    The address is the credential, so a form on another site could only be sent by who has it,
    and needs no further token against forgery.
    """

    context: IssuerContext
    first: FirstAdministrator

    def route(self) -> Route:
        """Return the address, which no metadata announces."""
        handlers = {"GET": self.show, "POST": self.accept}
        return Route(f"{PATH}{{token}}", handlers, body_limit=FORM_BODY_BYTES, for_people=True)

    async def show(self, request: HttpRequest) -> Page:
        """Show the button. Programs that follow every link they see spend nothing."""
        if not await self.first.is_open(self.context, last_segment(request)):
            return _NOT_GOOD
        return Page("setup", values={"issuer": self.context.issuer.url})

    async def accept(self, request: HttpRequest) -> Page:
        """Spend the link and show the first admin token, this once."""
        token = await self.first.accept(
            self.context, last_segment(request), address=request.peer or None
        )
        if token is None:
            return _NOT_GOOD
        values = {"issuer": self.context.issuer.url, "token": token.reveal()}
        return Page("setup_done", values=values)
