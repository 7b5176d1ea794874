"""How tests of this folder speak as a client, as an operator, and to one issuer of several."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from registrary.testing.server import ADMIN_TOKEN

URI: Final = "https://app.example/cb"
OPERATOR: Final = {"authorization": f"Bearer {ADMIN_TOKEN}"}
SERVICE: Final[dict[str, Any]] = {"grant_types": ["client_credentials"]}
SERVERS_OWN: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
"""Members of an answer that an update may not hold (RFC 7592 §2.2)."""

PATIENCE_SECONDS: Final = 30  # for what a busy machine does in its own time
_PAUSE_SECONDS: Final = 0.05
T = TypeVar("T")


def bearer(token: str) -> dict[str, str]:
    """Return the header that presents *token*."""
    return {"authorization": f"Bearer {token}"}


def eventually(ask: Callable[[], T], wanted: T) -> T:
    """Return *wanted* as soon as *ask* does; what it says last where it never does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask()) != wanted and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
    return answer


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    """Return the status of a refusal and its code."""
    return answer.status_code, answer.json()["error"]


@dataclass(frozen=True)
class Issuer:
    """The issuer at *url*; requests go over *http*, as from a proxy that ends TLS."""

    http: httpx2.Client
    url: str

    def request(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request to *path* below the issuer."""
        parts = urlsplit(self.url)
        headers = {"host": parts.netloc, "x-forwarded-proto": parts.scheme}
        headers |= dict(more.pop("headers", {}))
        return self.http.request(method, parts.path + path, headers=headers, **more)

    def metadata(self) -> dict[str, Any]:
        """Return what the issuer publishes."""
        found = self.request("GET", "/.well-known/openid-configuration")
        document: dict[str, Any] = found.json() if found.status_code == 200 else {}
        return document

    def register(
        self, *, token: str | None = None, headers: Mapping[str, str] | None = None, **members: Any
    ) -> httpx2.Response:
        """Register a client with *members*, presenting *token* if there is one."""
        sent = dict(headers or {}) | (bearer(token) if token else {})
        document = {"redirect_uris": [URI]} | members
        return self.request("POST", "/register", json=document, headers=sent)

    def a_token(self, **wish: Any) -> str:
        """Return a new initial access token."""
        path = "/api/v1/initial-access-tokens"
        made = self.request("POST", path, json=wish, headers=OPERATOR)
        assert made.status_code == 201, made.text
        token: str = made.json()["token"]
        return token

    def change(self, **wish: Any) -> None:
        """Change the issuer; this server follows within a second."""
        (own,) = (
            one["id"]
            for one in self.request("GET", "/api/v1/issuers", headers=OPERATOR).json()["items"]
            if one["url"] == self.url
        )
        done = self.request("PATCH", f"/api/v1/issuers/{own}", json=wish, headers=OPERATOR)
        assert done.status_code == 200, done.text


def open_issuer(first: Issuer, url: str, **wish: Any) -> Issuer:
    """Make an issuer like *first* that is as *wish* says, and return it once it is served so.

    It is closed until all of *wish* is: an issuer that takes registrations announces where.
    """
    path, new = "/api/v1/issuers", {"url": url, "mode": "closed"}
    made = first.request("POST", path, json=new, headers=OPERATOR)
    assert made.status_code == 201, made.text
    issuer = Issuer(first.http, url)
    wanted = {"mode": "open"} | wish
    changed = first.request("PATCH", f"{path}/{made.json()['id']}", json=wanted, headers=OPERATOR)
    assert changed.status_code == 200, changed.text
    address = f"{url}/register"

    def announced() -> str:
        return str(issuer.metadata().get("registration_endpoint"))

    assert address == eventually(announced, address)
    return issuer


class Registered:
    """A client as it knows itself: its last answer, and how it calls.

    *send* sends a request to a path below its issuer.
    """

    def __init__(self, send: Callable[..., httpx2.Response], answer: httpx2.Response) -> None:
        assert answer.status_code == 201, answer.text
        self.send = send
        self.body: dict[str, Any] = answer.json()
        self.token: str = self.body["registration_access_token"]
        self.path = f"/register/{self.body['client_id']}"

    def call(self, method: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        """Call the client's own address."""
        path = self.path + more.pop("query", "")
        return self.send(method, path, headers=bearer(token or self.token), **more)

    def update(self, **changes: Any) -> httpx2.Response:
        """Replace the registration by its last answer with *changes*; None removes a member."""
        return self.call("PUT", json=self.document(**changes))

    def document(self, **changes: Any) -> dict[str, Any]:
        """Return the last answer as an update with *changes*; None removes a member."""
        kept = {name: value for name, value in self.body.items() if name not in SERVERS_OWN}
        return {name: value for name, value in (kept | changes).items() if value is not None}

    def ask(self, path: str, **form: str) -> httpx2.Response:
        """Send *form* to *path* with the client's secret."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = httpx2.QueryParams(form)
        pair = (self.body["client_id"], self.body["client_secret"])
        return self.send("POST", path, content=str(body), headers=headers, auth=pair)

    def get_token(self, **form: str) -> httpx2.Response:
        """Ask for a token in the client's own name."""
        return self.ask("/token", grant_type="client_credentials", **form)

    def access_token(self) -> str:
        """Return a token in the client's own name."""
        answer = self.get_token()
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def is_active(self, token: str) -> bool:
        """Introspect *token*."""
        answer = self.ask("/introspect", token=token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])
