"""A browser in front of a desk."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from registrary.protocol.conversation import Conversation, Desk, Reached
from registrary.protocol.http import HttpRequest, Page
from registrary.protocol.parameters import parse_parameters
from tests.unit.authserver.people.kit import PASSWORD, House

ABOUT = Conversation(purpose="authorize", digest="digest", return_to="/authorize?client_id=1")


class Browser:
    """A browser with its cookies; it sends what forms say."""

    def __init__(self, house: House, *, peer: str = "192.0.2.1"):
        self.house = house
        self.peer = peer
        self.desk = Desk(house.services, house.context)
        self.cookies: dict[str, str] = {}

    def request(self, method: str = "GET", *, path: str = "/authorize") -> HttpRequest:
        """Return a request of this browser."""
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = ((b"cookie", line.encode()),) if line else ()
        return HttpRequest(method, path, headers=headers, peer=self.peer)

    def post(self, path: str, fields: Mapping[str, str]) -> HttpRequest:
        """Return the request that sends *fields* to *path*."""
        request = self.request("POST", path=path)
        return msgspec.structs.replace(request, body=urlencode(fields).encode())

    def keep(self, headers) -> None:
        """Keep the cookies that an answer set."""
        for name, value in headers:
            if name == b"set-cookie":
                key, _, rest = value.decode().partition("=")
                self.cookies[key] = rest.partition(";")[0]

    async def ask(self, about: Conversation = ABOUT, **more: Any) -> Page:
        """Open the login page."""
        page = await self.desk.ask(self.request(), about, **more)
        self.keep(page.headers)
        return page

    async def answer(self, page: Page, about: Conversation = ABOUT, **fields: str):
        """Send *fields* with the ticket of *page*."""
        form = {"csrf": str(page.values["csrf"])} | fields
        parameters = parse_parameters(urlencode(form))
        answer = await self.desk.answer(self.request("POST"), parameters, about)
        self.keep(answer.headers)
        return answer

    async def sign_in(self, username: str = "anna", password: str = PASSWORD) -> Reached:
        """Sign in with a password."""
        answer = await self.answer(await self.ask(), username=username, password=password)
        assert isinstance(answer, Reached)
        return answer

    async def who(self) -> str | None:
        """Return the user name of who is signed in."""
        found = await self.desk.who(self.request())
        return None if found is None else found.person.username
