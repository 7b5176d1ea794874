"""Several issuers in one process: who is signed in, and what they allowed, is known at one.

A server behind a proxy, as it is installed: browsers are at https, also where issuers share a host
and so every cookie. What comes from another issuer is answered like what nobody ever made.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.effects import ACCESS_TOKEN, DEVICE, EXCHANGE, bit_of, said
from tests.protocol.flows import App
from tests.protocol.kit import OPERATOR, Issuer, eventually, open_issuer
from tests.protocol.people import PKCE, Browser, Shown, authorize_path

FIRST: Final = "https://first.example"
PAIRS: Final = {
    "hosts": ("https://one.example", "https://two.example"),
    "paths": ("https://shared.example/one", "https://shared.example/two"),
    "root-and-path": ("https://mixed.example", "https://mixed.example/two"),
}
BACK: Final = "https://app.example/signed-out"
OPAQUE: Final = "https://opaque.example/"
GRANTS: Final = ("authorization_code", "refresh_token", "client_credentials", DEVICE, EXCHANGE)
SCOPE: Final = "openid email"


class Proxy(httpx2.BaseTransport):
    """Ends TLS in front of the server at *url*, and says so."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self._onward = httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, with the host it was for."""
        inside = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        headers = [*request.headers.multi_items(), ("x-forwarded-proto", "https")]
        onward = httpx2.Request(request.method, inside, headers=headers, stream=request.stream)
        return self._onward.handle_request(onward)

    def close(self) -> None:
        """Let go of the connections."""
        self._onward.close()


@dataclass
class Place:
    """An issuer with a person of its own, who uses a client of its own."""

    url: str
    proxy: str
    http: httpx2.Client
    app: App
    stack: ExitStack

    def browser(self) -> Browser:
        """Return a browser that was nowhere."""
        return self.stack.enter_context(Browser(self.url, transport=Proxy(self.proxy)))

    def sign_in(self, browser: Browser) -> Shown:
        """Let the person of this issuer sign in here."""
        return browser.sign_in(browser.open(f"{self.url}/account"), "anna", self.password)

    @property
    def password(self) -> str:
        """Return what only the person of this issuer knows."""
        return f"the password at {self.url}"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[dict[str, Place]]:
    """Run a server with pairs of issuers."""
    options = ("--issuer", FIRST, "--no-rate-limits")
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("isolation")
        server = stack.enter_context(running_server(folder, *options, dev=False, stores=stores))
        plain = stack.enter_context(httpx2.Client(base_url=server.url, trust_env=False, timeout=60))
        first = Issuer(plain, FIRST)
        yield {
            url: a_place(first, url, stack=stack, proxy=server.url)
            for pair in PAIRS.values()
            for url in pair
        }


def a_place(first: Issuer, url: str, *, stack: ExitStack, proxy: str) -> Place:
    """Make an issuer, somebody who signs in there, and a client that they use."""
    policy = {"name": "all", "grant_types": list(GRANTS)}
    issuer = open_issuer(first, url, policies=[policy], default_policies=["all"])
    http = httpx2.Client(
        base_url=url, trust_env=False, timeout=60, transport=Proxy(proxy), headers=OPERATOR
    )
    stack.enter_context(http)
    wish = {"token_format": "opaque", "name": "Opaque"}
    put = http.put(f"/api/v1/resources/{quote(OPAQUE, safe='')}", json=wish)
    assert put.status_code == 200, put.text
    del http.headers["authorization"]
    token = issuer.a_token(policy="all")
    made = http.post(
        f"/register/t/{token}",
        json={
            "redirect_uris": ["https://app.example/cb"],
            "grant_types": list(GRANTS),
            "scope": SCOPE,
            "post_logout_redirect_uris": [BACK],
        },
    )
    assert made.status_code == 201, made.text
    place = Place(url, proxy, http, App(http, url, made.json()), stack)
    person = {"username": "anna", "password": place.password}
    known = http.post("/api/v1/people", json=person, headers=OPERATOR)
    assert known.status_code == 201, known.text
    return place


@dataclass
class Belongings:
    """What came of somebody being at a place."""

    place: Place
    browser: Browser
    tokens: dict[str, Any]  # Any: JSON
    opaque: str
    code: str
    pushed: str
    device_code: str
    user_code: str


def belongings_of(place: Place) -> Belongings:
    """Sign somebody in at *place* and get one of everything."""
    app, browser = place.app, place.browser()
    place.sign_in(browser)
    tokens = app.sign_in(browser, scope=SCOPE)
    opaque = app.sign_in(browser, scope=SCOPE, resource=OPAQUE)["access_token"]
    allowed, waiting = (app.ask("/device_authorization", scope=SCOPE).json() for _ in range(2))
    browser.allow(browser.open(f"/device?device={allowed['user_code']}"))
    return Belongings(
        place,
        browser,
        tokens,
        opaque,
        app.code(browser, scope=SCOPE),
        push(app).json()["request_uri"],
        allowed["device_code"],
        waiting["user_code"],
    )


def push(app: App) -> httpx2.Response:
    """Push a request."""
    return app.ask(
        "/par",
        response_type="code",
        redirect_uri=app.body["redirect_uris"][0],
        scope=SCOPE,
        code_challenge=PKCE.challenge,
        code_challenge_method="S256",
    )


@pytest.fixture(scope="module", params=PAIRS.values(), ids=list(PAIRS))
def pair(request: pytest.FixtureRequest, places: dict[str, Place]) -> tuple[Belongings, Belongings]:
    """Return what somebody has at two issuers."""
    one, two = request.param
    return belongings_of(places[one]), belongings_of(places[two])


def exchange(app: App, token: str) -> str:
    """Exchange *token* and return what comes of it."""
    swap = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return said(app.ask("/token", grant_type=EXCHANGE, **swap))


def introspect(app: App, token: str) -> str:
    """Ask about *token* and return what is said of it."""
    return app.ask("/introspect", token=token).text


def asked_by_handle(home: Belongings, handle: str) -> str:
    """Come with a pushed request and return what is shown."""
    client_id = home.place.app.body["client_id"]
    query = urlencode({"client_id": client_id, "request_uri": handle})
    shown = home.browser.open(f"/authorize?{query}")
    return f"{shown.status} {shown.text}"


def hinted(home: Belongings, hint: str) -> str:
    """Ask silently for whom *hint* names, and return the answer."""
    path = authorize_path(home.place.app.body, scope=SCOPE, id_token_hint=hint, prompt="none")
    return str(home.browser.open(path).result.get("error", "code"))


def left(home: Belongings, hint: str) -> str:
    """Ask for a logout by *hint*; return whether the person is asked."""
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BACK})
    shown = home.browser.open(f"/logout?{query}")
    return "asks" if shown.status == 200 and shown.form.buttons else str(shown.status)


Try = Callable[[Belongings, Any], str]
# How a thing is tried at home: each thing of another issuer, or one that nobody made.
TRIES: Final[dict[str, tuple[Callable[[Belongings], Any], Any, Try]]] = {
    "code": (
        lambda of: of.code,
        "rgy_ac_nothing",
        lambda home, code: said(home.place.app.redeem(code)),
    ),
    "refresh token": (
        lambda of: of.tokens["refresh_token"],
        "rgy_rt_nothing",
        lambda home, token: said(home.place.app.refresh(token)),
    ),
    "device code": (
        lambda of: of.device_code,
        "rgy_dc_nothing",
        lambda home, code: said(home.place.app.ask("/token", grant_type=DEVICE, device_code=code)),
    ),
    "user code": (
        lambda of: of.user_code,
        "BCDF-GHJK",
        lambda home, code: str(
            "No device waits with this code" in home.browser.open(f"/device?device={code}").text
        ),
    ),
    "pushed request": (
        lambda of: of.pushed,
        "urn:ietf:params:oauth:request_uri:rgy_par_nothing",
        asked_by_handle,
    ),
    "token, introspected": (
        lambda of: of.tokens["access_token"],
        "nothing",
        lambda home, token: introspect(home.place.app, token),
    ),
    "opaque token, introspected": (
        lambda of: of.opaque,
        "rgy_at_nothing",
        lambda home, token: introspect(home.place.app, token),
    ),
    "refresh token, introspected": (
        lambda of: of.tokens["refresh_token"],
        "rgy_rt_nothing",
        lambda home, token: introspect(home.place.app, token),
    ),
    "token at userinfo": (
        lambda of: of.tokens["access_token"],
        "nothing",
        lambda home, token: said(home.place.app.userinfo(token)),
    ),
    "opaque token at userinfo": (
        lambda of: of.opaque,
        "rgy_at_nothing",
        lambda home, token: said(home.place.app.userinfo(token)),
    ),
    "token, exchanged": (
        lambda of: of.tokens["access_token"],
        "nothing",
        lambda home, token: exchange(home.place.app, token),
    ),
    "token, revoked": (
        lambda of: of.tokens["access_token"],
        "nothing",
        lambda home, token: home.place.app.ask("/revoke", token=token).text,
    ),
    "grant, revoked": (
        lambda of: of.tokens["refresh_token"],
        "rgy_rt_nothing",
        lambda home, token: home.place.app.ask("/revoke", token=token).text,
    ),
    "hint of who asks": (lambda of: of.tokens["id_token"], "e30.e30.e30", hinted),
    "hint of who leaves": (lambda of: of.tokens["id_token"], "e30.e30.e30", left),
}


@pytest.mark.parametrize("kind", TRIES)
def test_what_somebody_has_at_another_issuer_is_nothing_here(
    pair: tuple[Belongings, Belongings], kind: str
) -> None:
    """One tenant's token at the next would be the worst that can happen."""
    foreign, home = pair
    of, nothing, attempt = TRIES[kind]

    assert attempt(home, nothing) == attempt(home, of(foreign))


def test_who_is_signed_in_at_one_is_nobody_at_the_other(
    pair: tuple[Belongings, Belongings],
) -> None:
    """Also where both share a host, so that the browser sends every cookie to both."""
    foreign, home = pair
    visitor = foreign.place.browser()
    foreign.place.sign_in(visitor)

    shown = visitor.open(f"{home.place.url}/account")
    silent = visitor.open(home.place.url + authorize_path(home.place.app.body, prompt="none"))

    assert shown.asks_to_sign_in
    assert "login_required" == silent.result["error"]
    assert not visitor.open(f"{foreign.place.url}/account").asks_to_sign_in


def test_a_session_of_one_under_the_name_of_the_other_is_none(
    pair: tuple[Belongings, Belongings],
) -> None:
    """The name of a cookie is no proof: whoever has one can send it under any."""
    foreign, home = pair
    taken = {
        kind: cookie.value
        for cookie in foreign.browser.http.cookies.jar
        for kind in ("session", "browser")
        if f"rgy_{kind}_" in cookie.name and cookie.value
    }
    names = [cookie.name for cookie in home.browser.http.cookies.jar]
    sent = "; ".join(
        f"{name}={value}" for kind, value in taken.items() for name in names if kind in name
    )

    shown = home.place.http.get("/account", headers={"cookie": sent})

    assert {"session", "browser"} == taken.keys()
    assert Shown(home.place.url, shown).asks_to_sign_in


def test_a_page_of_one_is_answered_at_no_other(pair: tuple[Belongings, Belongings]) -> None:
    """What was sealed into a form says which issuer made it."""
    foreign, home = pair
    visitor = home.place.browser()
    elsewhere, here = (
        visitor.open(f"{place.url}/account") for place in (foreign.place, home.place)
    )
    filled = [("username", "anna"), ("password", home.place.password), ("login", "login")]
    (csrf,) = [value for name, value in elsewhere.form.fields if name == "csrf"]

    crossed = visitor.post(here.address, [("csrf", csrf), *filled])

    assert crossed.asks_to_sign_in
    assert visitor.open(here.address).asks_to_sign_in


def test_a_password_of_one_signs_nobody_in_at_the_other(
    pair: tuple[Belongings, Belongings],
) -> None:
    """They have the same name there, and are somebody else."""
    foreign, home = pair
    visitor = home.place.browser()

    shown = visitor.sign_in(visitor.open("/account"), "anna", foreign.place.password)

    assert shown.asks_to_sign_in


def test_nobody_disconnects_a_client_of_another_issuer(
    pair: tuple[Belongings, Belongings],
) -> None:
    """The button names a client; the page only knows those of its issuer."""
    foreign, home = pair
    page = home.browser.open("/account")
    client_id = foreign.place.app.body["client_id"]
    fields = [*page.form.fields, ("disconnect", client_id)]

    home.browser.post(page.address, fields)

    assert foreign.place.app.is_active(foreign.tokens["access_token"])
    assert client_id not in page.text


def test_what_one_revokes_no_list_of_another_shows(pair: tuple[Belongings, Belongings]) -> None:
    """Lists have the same names at every issuer, and places of their own."""
    foreign, home = pair
    of_both = [one.place.app.ask("/token", grant_type="client_credentials") for one in pair]
    away, kept = (answer.json()["access_token"] for answer in of_both)
    client_id = foreign.place.app.body["client_id"]
    hold = {"kind": "dormant", "reason": "a test"}
    path = f"/api/v1/clients/{client_id}/holds"

    placed = foreign.place.http.post(path, json=hold, headers=OPERATOR)
    ended = eventually(lambda: bit_of(away, foreign.place.http), 1)
    here = bit_of(kept, home.place.http)
    foreign.place.http.delete(f"{path}/dormant", headers=OPERATOR)

    assert (201, 1, 0) == (placed.status_code, ended, here)


def test_everything_works_where_it_belongs(places: dict[str, Place]) -> None:
    """Trying it elsewhere proves nothing if it is no good, and must not spoil it."""
    one, two = (belongings_of(places[url]) for url in PAIRS["paths"])
    for of, nothing, attempt in TRIES.values():
        del nothing
        attempt(two, of(one))

    app, token = one.place.app, one.tokens["access_token"]
    found = {
        "token": app.is_active(token) and app.is_active(one.opaque),
        "user code": TRIES["user code"][2](one, one.user_code) == "False",
        "pushed request": asked_by_handle(one, one.pushed).startswith("303"),
        "userinfo": app.userinfo(token).is_success and app.userinfo(one.opaque).is_success,
        "exchange": exchange(app, token) == "ok",
        "code": app.redeem(one.code).is_success,
        "refresh token": app.refresh(one.tokens["refresh_token"]).is_success,
        "device code": said(app.ask("/token", grant_type=DEVICE, device_code=one.device_code))
        == "ok",
        "hint of who asks": hinted(one, one.tokens["id_token"]) == "code",
        "hint of who leaves": left(one, one.tokens["id_token"]) == "303",
    }

    assert dict.fromkeys(found, True) == found
