"""A server with everything a client can have at it, and how each thing is tried."""

import base64
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx2

from registrary.testing.server import RunningServer, Stores, running_server
from tests.interop.enterprise import Enterprise, enterprise
from tests.protocol.flows import PUBLIC, App, an_app, claims_of
from tests.protocol.kit import OPERATOR, SERVICE, Issuer, bearer, eventually
from tests.protocol.people import PKCE, Browser, Shown, authorize_path

SIGNED: Final = "https://signed.example/"
OPAQUE: Final = "https://opaque.example/"
BACK: Final = "https://app.example/signed-out"
PASSWORD: Final = "correct horse"
SCOPE: Final = "openid read"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
_GRANT: Final = "urn:ietf:params:oauth:grant-type"
DEVICE: Final = f"{_GRANT}:device_code"
EXCHANGE: Final = f"{_GRANT}:token-exchange"
ASSERTION: Final = f"{_GRANT}:jwt-bearer"
EVERY_GRANT: Final = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    DEVICE,
    EXCHANGE,
    ASSERTION,
)
Answer = httpx2.Response


@dataclass
class House:
    """A server, a resource server that may ask about tokens, and a provider that vouches."""

    server: RunningServer
    http: httpx2.Client
    watcher: App
    company: Enterprise
    stack: ExitStack

    def admin(self, method: str, path: str, **wish: Any) -> dict[str, Any]:  # Any: JSON
        """Call the admin API, which agrees."""
        answer = self.http.request(method, f"/api/v1/{path}", json=wish, headers=OPERATOR)
        assert answer.status_code in {200, 201, 204}, answer.text
        said: dict[str, Any] = answer.json() if answer.content else {}
        return said

    def browser_of(self, username: str) -> Browser:
        """Return a browser in which somebody is signed in."""
        browser = self.stack.enter_context(Browser(self.server.url))
        browser.sign_in(browser.open("/account"), username, PASSWORD)
        return browser


@contextmanager
def a_house(folder: Path, stores: Stores) -> Iterator[House]:
    """Run a server whose codes outlast a busy machine; its resources are changed here."""
    with ExitStack() as stack:
        server = stack.enter_context(running_server(folder, "--no-rate-limits", stores=stores))
        http = stack.enter_context(httpx2.Client(base_url=server.url, trust_env=False, timeout=30))
        watcher = an_app(http, grant_types=[*SERVICE["grant_types"], EXCHANGE])
        house = House(server, http, watcher, stack.enter_context(enterprise()), stack)
        _furnish(house)
        yield house


def _furnish(house: House) -> None:
    lifetimes = {"authorization_code": "10m", "pushed_request": "10m", "device_code": "10m"}
    Issuer(house.http, house.server.url).change(lifetimes=lifetimes)
    watched = {"introspecting_clients": [house.watcher.body["client_id"]]}
    signed, opaque = (f"resources/{quote(uri, safe='')}" for uri in (SIGNED, OPAQUE))
    house.admin("PUT", signed, verifies_offline=True, **watched)
    house.admin("PUT", opaque, token_format="opaque", **watched)
    company = {"url": house.company.url, "client_id": "registrary", "client_secret": "a-secret"}
    house.admin("POST", "identity-providers", name="Company", **company)
    wanted: dict[str, Any] = {
        "grant_type": "client_credentials",
        "resource": OPAQUE,
    }  # Any: see ask
    assert eventually(lambda: house.watcher.ask("/token", **wanted).status_code, 200) == 200


@dataclass
class Holdings:
    """Everything that a client can have, of somebody who is signed in with *browser*."""

    app: App
    twin: App  # in whatever state the client is in; to be deleted
    bare: App  # in that state too, without a secret
    browser: Browser
    tokens: dict[str, Any]  # Any: JSON, for a resource that verifies offline
    bare_tokens: dict[str, Any]  # Any: JSON
    opaque: str
    own: str
    code: str
    page: Shown
    pushed: str
    device_code: str
    user_code: str

    @property
    def apps(self) -> tuple[App, ...]:
        """Return all clients whose state is the same."""
        return self.app, self.twin, self.bare

    @property
    def client_id(self) -> str:
        """Return the id of the client."""
        return str(self.app.body["client_id"])


def holdings_of(house: House, username: str) -> Holdings:
    """Register a client, and get it one of each kind from the person called *username*."""
    app, twin = (
        an_app(house.http, grant_types=EVERY_GRANT, post_logout_redirect_uris=[BACK])
        for _ in range(2)
    )
    bare = an_app(house.http, **PUBLIC)
    browser = house.browser_of(username)
    tokens = app.sign_in(browser, scope=SCOPE, resource=SIGNED)
    opaque = app.sign_in(browser, scope=SCOPE, resource=OPAQUE)["access_token"]
    own = app.ask("/token", grant_type="client_credentials", resource=SIGNED).json()
    allowed, waiting = (app.ask("/device_authorization", scope=SCOPE).json() for _ in range(2))
    browser.allow(browser.open(f"/device?device={allowed['user_code']}"))
    return Holdings(
        app=app,
        twin=twin,
        bare=bare,
        browser=browser,
        tokens=tokens,
        bare_tokens=bare.sign_in(browser, scope=SCOPE),
        opaque=opaque,
        own=own["access_token"],
        code=app.code(browser, scope=SCOPE, resource=SIGNED),
        page=browser.open(authorize_path(app.body, scope=SCOPE, prompt="consent")),
        pushed=_push(app).json()["request_uri"],
        device_code=allowed["device_code"],
        user_code=waiting["user_code"],
    )


def _push(app: App) -> Answer:
    return app.ask(
        "/par",
        response_type="code",
        redirect_uri=app.body["redirect_uris"][0],
        scope=SCOPE,
        prompt="consent",
        code_challenge=PKCE.challenge,
        code_challenge_method="S256",
    )


def found(house: House, held: Holdings) -> dict[str, str]:
    """Try everything and return what comes of it, by the names of the table.

    What changes something comes last: a client that is let in again is tried once more.
    """
    pages = _pages(held)
    return {
        **pages,
        **_channel(house, held),
        **_worth(house, held),
        **_own_address(held),
        "/logout at its wish": _logout(held),
    }


def _pages(held: Holdings) -> dict[str, str]:
    browser, body = held.browser, held.app.body

    def asked(**request: str) -> str:
        return shown(browser.open(authorize_path(body, scope=SCOPE, **request)))

    handle = urlencode({"client_id": held.client_id, "request_uri": held.pushed})
    return {
        "/authorize, a new request": asked(prompt="consent"),
        "/authorize, consent is remembered": asked(),
        "/authorize, prompt=none": asked(prompt="none"),
        "/authorize, a page open before": shown(browser.allow(held.page)),
        "/authorize, pushed before": shown(browser.open(f"/authorize?{handle}")),
        "/device, a code that waits": shown(browser.open(f"/device?device={held.user_code}")),
    }


def _channel(house: House, held: Holdings) -> dict[str, str]:
    app, subject = held.app, held.tokens["access_token"]
    swap = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN}
    vouched = house.company.assertion(
        audience=app.url, resource=SIGNED, client_id=str(app.body["client_id"])
    )
    answers = {
        "/par": _push(app),
        "/device_authorization": app.ask("/device_authorization", scope="read"),
        "/token, code": app.redeem(held.code),
        "/token, refresh token": app.refresh(held.tokens["refresh_token"]),
        "/token, refresh token, no secret": held.bare.refresh(held.bare_tokens["refresh_token"]),
        "/token, device code": app.ask("/token", grant_type=DEVICE, device_code=held.device_code),
        "/token, client credentials": app.ask("/token", grant_type="client_credentials"),
        "/token, exchange": app.ask("/token", **swap),
        "/token, exchange by an API": house.watcher.ask("/token", **swap),
        "/token, assertion of a provider": app.ask(
            "/token", grant_type=ASSERTION, assertion=vouched
        ),
        "/revoke": app.ask("/revoke", token="rgy_rt_nothing"),
    }
    return {name: said(answer) for name, answer in answers.items()}


def _worth(house: House, held: Holdings) -> dict[str, str]:
    """Return what those say who are asked what a token is worth."""
    app, signed = held.app, held.tokens["access_token"]

    def asked(who: App, token: str) -> str:
        answer = who.ask("/introspect", token=token)
        return on_off(answer.json()["active"]) if answer.status_code == 200 else said(answer)

    return {
        "/introspect itself, person's JWT": asked(app, signed),
        "/introspect itself, opaque": asked(app, held.opaque),
        "/introspect itself, refresh token": asked(app, held.tokens["refresh_token"]),
        "/introspect itself, own JWT": asked(app, held.own),
        "/introspect, person's JWT": asked(house.watcher, signed),
        "/introspect, opaque": asked(house.watcher, held.opaque),
        "/introspect, own JWT": asked(house.watcher, held.own),
        "/userinfo, JWT": said(app.userinfo(signed)),
        "/userinfo, opaque": said(app.userinfo(held.opaque)),
        "/userinfo, no secret": said(app.userinfo(held.bare_tokens["access_token"])),
        "status list, its own token": on_off(not bit_of(held.own, house.http)),
        "status list, a person's token": on_off(not bit_of(signed, house.http)),
    }


def _own_address(held: Holdings) -> dict[str, str]:
    """Return how the client is answered at its own address (RFC 7592)."""
    body, twin = held.app.body, held.twin.body
    address, headers = body["registration_client_uri"], bearer(body["registration_access_token"])
    servers = {"registration_access_token", "registration_client_uri"}
    servers |= {"client_secret_expires_at", "client_id_issued_at"}
    document = {name: value for name, value in body.items() if name not in servers}
    read = document | {"contacts": ["somebody@app.example"]}
    moved = read | {"redirect_uris": [*body["redirect_uris"], "https://app.example/cb2"]}
    call = held.app.http.request
    return {
        "/register/{id} GET": said(call("GET", address, headers=headers)),
        "/register/{id} PUT, what people read": said(
            call("PUT", address, json=read, headers=headers)
        ),
        "/register/{id} PUT, a redirect URI": said(
            call("PUT", address, json=moved, headers=headers)
        ),
        "/register/{id} DELETE": said(
            call(
                "DELETE",
                twin["registration_client_uri"],
                headers=bearer(twin["registration_access_token"]),
            )
        ),
    }


def _logout(held: Holdings) -> str:
    wish = {"id_token_hint": held.tokens["id_token"], "post_logout_redirect_uri": BACK}
    left = held.browser.open(f"/logout?{urlencode(wish)}")
    if left.status == 303:
        return "back" if left.location == BACK else left.location
    return "link" if left.links else "asks" if ("decision", "logout") in left.form.buttons else ""


def shown(page: Shown) -> str:
    """Return what a browser shows, in a word."""
    if page.status == 303:
        result = page.result
        return "code" if "code" in result else f"to the client: {result.get('error')}"
    if page.status == 200 and page.asks_to_sign_in:
        return "login"
    if page.asks_for_consent:
        return "asks"
    if "No device waits with this code" in page.text:
        return "none"
    if 400 <= page.status < 500:
        return "link" if page.links else "page"
    return page.text


def said(answer: Answer) -> str:
    """Return ``ok``, or the error code of an answer to a program."""
    return "ok" if answer.is_success else str(answer.json()["error"])


def on_off(state: object) -> str:
    """Return how the table says it."""
    return "on" if state else "off"


def bit_of(token: str, http: httpx2.Client) -> int:
    """Return what the list that *token* names says of it, one for ended."""
    named = claims_of(token)["status"]["status_list"]
    answer = http.get(named["uri"])
    assert answer.status_code == 200, answer.text
    octets = zlib.decompress(base64.urlsafe_b64decode(_padded(answer.text)))
    place = int(named["idx"])
    return octets[place // 8] >> (place % 8) & 1


def _padded(token: str) -> str:
    lst: str = claims_of(token)["status_list"]["lst"]
    return lst + "=" * (-len(lst) % 4)
