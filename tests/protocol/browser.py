"""A browser for tests: it keeps cookies, reads forms, and sends them as a person would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

import httpx2

_VALUELESS: Final = {"checkbox", "radio", "submit", "button", "image", "reset"}


@dataclass
class Form:
    """A form as it was served: hidden and filled fields, and its buttons by name."""

    action: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Reads forms and what stands in the page besides."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, fields and buttons."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action")))
        elif not self.forms or not given.get("name"):
            return
        elif tag == "button":
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))
        elif tag == "input" and (given.get("type", "text") not in _VALUELESS or "checked" in given):
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        """Note what people read."""
        self.text.append(data)


@dataclass(frozen=True)
class Page:
    """An answer that a browser shows."""

    answer: httpx2.Response
    forms: list[Form]
    text: str

    @property
    def status(self) -> int:
        """Return the status of the answer."""
        return self.answer.status_code

    @property
    def form(self) -> Form:
        """Return the one form of the page."""
        assert len(self.forms) == 1, self.answer.text
        return self.forms[0]


class Browser:
    """One browser at one issuer. It follows redirects only when told to."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.page: Page | None = None

    def open(self, address: str) -> Page:
        """Show the page at *address*, below the issuer or anywhere."""
        return self._shown(self.http.get(address))

    def submit(self, page: Page, button: tuple[str, str] | None = None, **fields: str) -> Page:
        """Fill in *fields* and press *button* of the form of *page*, the first one if None."""
        form = page.form
        pressed = button or (form.buttons[0] if form.buttons else None)
        sent = form.fields | ({} if pressed is None else dict([pressed])) | fields
        return self._shown(self.http.post(str(page.answer.url), data=sent))

    def follow(self, page: Page) -> Page:
        """Go where the redirect of *page* leads."""
        assert page.answer.is_redirect, page.answer.text
        return self.open(str(page.answer.next_request.url if page.answer.next_request else ""))

    def sign_in(self, address: str = "/account", *, username: str, password: str) -> Page:
        """Fill in the login page at *address* and return the answer."""
        page = self.open(address)
        return self.submit(page, ("login", "login"), username=username, password=password)

    def signed_in_as(self) -> str | None:
        """Return whom the account page greets."""
        text = self.open("/account").text
        return text.partition("You are signed in as ")[2].split(". ")[0].strip() or None

    def _shown(self, answer: httpx2.Response) -> Page:
        reader = _Reader()
        if "html" in answer.headers.get("content-type", ""):
            reader.feed(answer.text)
        return Page(answer, reader.forms, " ".join("".join(reader.text).split()))


@contextmanager
def a_browser(url: str) -> Iterator[Browser]:
    """Open a browser without cookies at the issuer *url*."""
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as http:
        yield Browser(http)
