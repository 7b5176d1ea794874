"""How tests of this folder use a browser: pages are opened, forms are filled in and posted.

Nothing of a page is taken for granted: what is posted is what its form holds, at the address it
was served from, with the cookies that a browser would send.
"""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2

USERNAME: Final = "demo"
PASSWORD: Final = "demo"
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Form:
    """A form: *fields* as they are sent without any button, *buttons* by name and value."""

    action: str | None
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, or what belongs to the last one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action")))
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "input" and self.forms and given.get("name"):
            is_box = given.get("type") == "checkbox"
            if not is_box or "checked" in given:
                self.forms[-1].fields.append((given["name"], given.get("value", "")))
        elif tag == "button" and self.forms and given.get("name"):
            self.forms[-1].buttons.append((given["name"], given.get("value", "")))


@dataclass(frozen=True)
class Shown:
    """What a browser got: an answer, at the *address* it was asked for."""

    address: str
    answer: httpx2.Response

    @property
    def status(self) -> int:
        """Return the status."""
        return self.answer.status_code

    @property
    def text(self) -> str:
        """Return the page."""
        return self.answer.text

    @property
    def form(self) -> Form:
        """Return the one form of the page."""
        (form,) = self._read().forms
        return form

    @property
    def links(self) -> list[str]:
        """Return where the links of the page lead."""
        return self._read().links

    @property
    def asks_to_sign_in(self) -> bool:
        """Tell whether this is the login page."""
        return any(name == "password" for form in self._read().forms for name, _ in form.fields)

    @property
    def asks_for_consent(self) -> bool:
        """Tell whether this is the consent page."""
        return ("decision", "allow") in [
            button for form in self._read().forms for button in form.buttons
        ]

    @property
    def scopes(self) -> list[str]:
        """Return the scopes that have a box with a tick."""
        return [value for name, value in self.form.fields if name == "scope"]

    @property
    def location(self) -> str:
        """Return where the answer leads."""
        assert self.status == 303, (self.status, self.text)
        return self.answer.headers["location"]

    @property
    def result(self) -> dict[str, str]:
        """Return the authorization response, however it travels."""
        if self.status == 200:
            return dict(self.form.fields)
        parts = urlsplit(self.location)
        return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))

    def _read(self) -> _Forms:
        reader = _Forms()
        reader.feed(self.text)
        return reader


class Browser:
    """A browser of somebody's: it keeps cookies, and follows no redirect by itself."""

    def __init__(self, url: str, **more: Any) -> None:
        self.url = url
        self.http = httpx2.Client(trust_env=False, timeout=20, **more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, address: str) -> Shown:
        """Open *address*; one without a host is below the issuer."""
        whole = address if "://" in address else self.url + address
        return Shown(whole, self.http.get(whole, headers={"accept": "text/html"}))

    def follow(self, shown: Shown) -> Shown:
        """Follow the redirect that *shown* is, at this server."""
        target = httpx2.URL(shown.address).join(shown.location)
        return self.open(str(target))

    def press(
        self, shown: Shown, button: tuple[str, str], *, drop: tuple[str, ...] = (), **fields: str
    ) -> Shown:
        """Press *button* of the form of *shown*, filled in with *fields*.

        *drop* are names of fields, or scopes, that are not sent.
        """
        form = shown.form
        assert button in form.buttons, form.buttons
        kept = [
            (name, fields.get(name, value))
            for name, value in form.fields
            if name not in drop and not (name == "scope" and value in drop)
        ]
        return self.post(shown.address, [*kept, button])

    def post(self, address: str, fields: list[tuple[str, str]]) -> Shown:
        """Post *fields* to *address*."""
        body = urlencode(fields)
        return Shown(address, self.http.post(address, content=body, headers=FORM))

    def sign_in(self, shown: Shown, username: str = USERNAME, password: str = PASSWORD) -> Shown:
        """Sign in on the login page *shown*."""
        return self.press(shown, ("login", "login"), username=username, password=password)

    def allow(self, shown: Shown, *, untick: tuple[str, ...] = ()) -> Shown:
        """Allow what the consent page *shown* asks, but for the boxes *untick*."""
        return self.press(shown, ("decision", "allow"), drop=untick)

    def deny(self, shown: Shown) -> Shown:
        """Refuse what the consent page *shown* asks."""
        return self.press(shown, ("decision", "deny"))

    def go_through(self, address: str) -> Shown:
        """Open *address*, sign in and allow as far as asked, and return how it ends."""
        shown = self.open(address)
        if shown.status == 200 and shown.asks_to_sign_in:
            shown = self.sign_in(shown)
        if shown.status == 200 and shown.asks_for_consent:
            shown = self.allow(shown)
        return shown


@dataclass(frozen=True)
class Pkce:
    """A PKCE verifier and its challenge (RFC 7636 §4)."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """Return the S256 challenge."""
        digest = sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


PKCE: Final = Pkce()


def authorize_path(client: dict[str, Any], **changes: str | None) -> str:
    """Return the address of a code request of *client*; None leaves a parameter out."""
    wanted = {
        "client_id": client["client_id"],
        "redirect_uri": (client.get("redirect_uris") or [None])[0],
        "response_type": "code",
        "scope": "openid",
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": PKCE.challenge,
        "code_challenge_method": "S256",
    } | changes
    sent = {name: value for name, value in wanted.items() if value is not None}
    return f"/authorize?{urlencode(sent, quote_via=quote)}"
