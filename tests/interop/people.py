"""People with a browser: they sign in, are asked, and are sent back to the client.

What they fill in and click is what the server promises of its pages, and nothing else: fields
``username`` and ``password``, a button ``login``, buttons ``decision``, checkboxes ``scope``.
"""

import ssl
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2

from tests.interop.html_forms import Control, Form, Page, read_page

STEPS: Final = 24  # how many pages and redirects a person puts up with


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has an account."""

    username: str
    password: str

    def types(self) -> dict[str, str]:
        """Return what they type, by field; npm oidc-provider calls the username ``login``."""
        return {"username": self.username, "login": self.username, "password": self.password}


DEMO: Final = Person("demo", "demo")
"""The person that a server under development knows."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person does with the pages.

    *decision* is the button they choose, *scopes* what they tick where they may (None: all),
    *provider* the identity provider they sign in at, *user_code* what their device shows.
    """

    decision: str = "allow"
    scopes: frozenset[str] | None = None
    provider: str | None = None
    user_code: str | None = None

    def button(self, form: Form) -> Control | None:
        """Return what they click in *form*, None where it has no button they know."""
        buttons = form.buttons()
        wanted = (
            lambda one: self.provider is not None and one.value == self.provider,
            lambda one: one.name == "decision" and one.value == self.decision,
            lambda one: one.name in {"login", "continue"},
            lambda one: one.name == "",
        )
        return next((one for wish in wanted for one in buttons if wish(one)), None)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the browser came to rest: at another's *url* or, with a *status*, on a page of ours.

    *fields* is what is posted there, None where the browser was redirected. *pages* holds what
    the person read on the way, *clicked* the name of the button they left each by.
    """

    url: str
    status: int | None = None
    fields: dict[str, str] | None = None
    pages: tuple[str, ...] = ()
    clicked: tuple[str, ...] = ()

    @property
    def answer(self) -> dict[str, str]:
        """Return the parameters the client gets, however they come."""
        parts = urlsplit(self.url)
        return self.fields or dict(parse_qsl(parts.query) + parse_qsl(parts.fragment))


@dataclass(frozen=True, slots=True)
class _Step:
    """Where the browser goes next, and what it posts there; None where it just goes."""

    url: str
    said: dict[str, list[str]] | None = None

    def fields(self) -> dict[str, str] | None:
        """Return what is posted, one value a field."""
        said = self.said
        return None if said is None else {name: values[0] for name, values in said.items()}

    def request(self, http: httpx2.Client) -> httpx2.Request:
        """Return the request of this step, as *http* makes it."""
        if self.said is None:
            return http.build_request("GET", self.url)
        parts = urlsplit(self.url)
        headers = {"origin": f"{parts.scheme}://{parts.netloc}"}
        return http.build_request("POST", self.url, data=self.said, headers=headers)


@dataclass(frozen=True, slots=True)
class _Trail:
    """What was read and clicked so far."""

    pages: list[str] = field(default_factory=list)
    clicked: list[str] = field(default_factory=list)

    def arrival(
        self, url: str, *, status: int | None = None, fields: dict[str, str] | None = None
    ) -> Arrival:
        """Return the end of this trail at *url*."""
        return Arrival(url, status, fields, pages=tuple(self.pages), clicked=tuple(self.clicked))


@dataclass(slots=True)
class Browser:
    """A browser with its cookies, in the hands of *person*, who follows links to *homes* only.

    *wishes* is what they do unless they wish otherwise at a visit.
    """

    homes: Iterable[str]
    person: Person = DEMO
    tls: ssl.SSLContext | bool = True
    wishes: Wishes = Wishes()
    _http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        """Start without cookies."""
        self._http = httpx2.Client(verify=self.tls, trust_env=False, timeout=20)

    def close(self) -> None:
        """Throw the cookies away."""
        self._http.close()

    def visit(self, address: str, wishes: Wishes | None = None) -> Arrival:
        """Go to *address* and on from there, until the way leads elsewhere or ends."""
        step, trail, wishes = _Step(address), _Trail(), wishes or self.wishes
        for _ in range(STEPS):
            if not self._is_home(step.url):
                return trail.arrival(step.url, fields=step.fields())
            response = self._http.send(step.request(self._http))
            if response.is_redirect:
                step = _Step(_target(response))
                continue
            page = read_page(response.text)
            trail.pages.append(page.text)
            if page.onward:
                step = _Step(urljoin(str(response.url), page.onward))
                continue
            following = self._answer(response, page, wishes)
            if following is None:
                return trail.arrival(str(response.url), status=response.status_code)
            step, button = following
            trail.clicked.append(button.name)
        raise AssertionError(f"no end after {STEPS} steps; read: {trail.pages}")

    def _is_home(self, url: str) -> bool:
        return _origin(url) in {_origin(home) for home in self.homes}

    def _answer(
        self, response: httpx2.Response, page: Page, wishes: Wishes
    ) -> tuple[_Step, Control] | None:
        """Return the step that answers *page* and its button, None where it asks nothing."""
        for form in page.forms:
            button = wishes.button(form)
            if button is None:
                continue
            typed = self.person.types()
            if wishes.user_code:
                typed["user_code"] = wishes.user_code
            said = form.values(typed, wishes.scopes)
            if button.name:
                said[button.name] = [button.value]
            return _submission(urljoin(str(response.url), form.action), form, said), button
        return None


def _submission(address: str, form: Form, said: dict[str, list[str]]) -> _Step:
    if form.method == "post":
        return _Step(address, said)
    return _Step(urlsplit(address)._replace(query=urlencode(said, doseq=True)).geturl())


def _target(response: httpx2.Response) -> str:
    """Return where *response* redirects to; whatever was typed must not be sent along."""
    if response.status_code not in {302, 303}:
        raise AssertionError(f"{response.url} redirects with {response.status_code}")
    return urljoin(str(response.url), response.headers["location"])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def told(arrival: Arrival) -> dict[str, Any]:
    """Return *arrival* as JSON."""
    return asdict(arrival)
