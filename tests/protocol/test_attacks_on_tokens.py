"""Attacks upon tokens, and upon who hands them out, that worked elsewhere: each fails here.

The numbers are those of docs/threats.md.
"""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from registrary.core.base64url import encode
from registrary.testing.server import Stores, running_server
from tests.protocol.flows import App, an_app, claims_of
from tests.protocol.kit import OPERATOR, Issuer, bearer, error_of
from tests.protocol.people import Browser, authorize_path

API: Final = "https://api.example/"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture
def browser(server) -> Iterator[Browser]:
    """Return the browser of the person who is attacked."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture
def app(http) -> App:
    """Return a confidential client that may exchange tokens."""
    return an_app(http, grant_types=["authorization_code", "refresh_token", EXCHANGE])


# --- Claims that decide -------------------------------------------------------------------------

WISHES: Final = {
    "roles": {"value": "admin", "essential": True},
    "groups": {"values": ["admin"]},
    "realm_access": {"value": {"roles": ["admin"]}},
    "iss": {"value": "https://evil.example"},
    "aud": {"value": API},
    "scope": {"value": "admin"},
    "client_id": {"value": "another"},
    "azp": {"value": "another"},
}


def test_9_no_client_writes_claims_that_decide(browser, http):
    """CVE-2026-16102: a client that registered itself mapped what it liked into tokens."""
    mappers = {"protocol_mappers": [{"claim": "roles", "value": "admin"}], "claims": WISHES}
    app = an_app(http, **mappers)

    tokens = app.sign_in(browser, claims=json.dumps({"id_token": WISHES, "userinfo": WISHES}))

    said = [
        claims_of(tokens["id_token"]),
        claims_of(tokens["access_token"]),
        app.userinfo(tokens["access_token"]).json(),
    ]
    assert "protocol_mappers" not in app.body
    for claims in said:
        assert not {"roles", "groups", "realm_access"} & claims.keys()
        assert claims.get("iss", app.url) == app.url
        assert claims.get("client_id", app.body["client_id"]) == app.body["client_id"]
        assert "admin" not in json.dumps(claims)


def test_9_no_request_says_who_somebody_is(browser, app):
    """A request for another subject is refused, and gets no token about anybody."""
    wish = json.dumps({"id_token": {"sub": {"value": "admin"}}})

    back = browser.go_through(authorize_path(app.body, claims=wish))

    assert "code" not in (back.result if back.status == 303 else {})


# --- Who may give what --------------------------------------------------------------------------


@pytest.fixture
def clerk(http) -> dict[str, str]:
    """Return the header of somebody who may keep clients, and nothing else."""
    wish = {"name": "clerk", "permissions": ["clients:read", "clients:write"]}
    made = http.post("/api/v1/admin-tokens", json=wish, headers=OPERATOR)
    assert made.status_code == 201, made.text
    return bearer(made.json()["token"])


RAISES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "approves a scope": ("PATCH", "clients/{client}", {"approved_scope": "admin"}),
    "lengthens tokens": ("PATCH", "clients/{client}", {"access_token_lifetime": "10m"}),
    "makes an administrator": ("POST", "admin-tokens", {"name": "x", "permissions": ["*"]}),
    "makes a scope free": ("PUT", "scopes/admin", {"description": "x", "default": True}),
    "takes over an API": ("PUT", "resources/https%3A%2F%2Fapi.example%2F", {"name": "x"}),
    "opens the door": ("POST", "initial-access-tokens", {}),
    "makes a person": ("POST", "people", {"username": "mallory", "password": "long enough"}),
    "lets others sign in": (
        "POST",
        "identity-providers",
        {"name": "x", "url": "https://evil.example", "client_id": "x"},
    ),
    "listens": ("POST", "event-streams", {"url": "https://evil.example/"}),
}


@pytest.mark.parametrize("raised", RAISES)
def test_15_16_17_44_who_keeps_clients_gives_nothing_else(http, app, clerk, raised):
    """CVE-2026-4629: whoever managed clients gave them, and so themselves, every right."""
    method, path, wish = RAISES[raised]
    address = f"/api/v1/{path.format(client=app.body['client_id'])}"

    answer = http.request(method, address, json=wish, headers=clerk)

    assert 403 == answer.status_code, answer.text


def test_16_a_client_takes_no_scope_that_needs_approval(browser, http):
    """Neither when it registers, nor when it updates itself, nor when it asks."""
    app = an_app(http, scope="openid read admin")
    body = app.body
    kept = {"client_id": body["client_id"], "redirect_uris": body["redirect_uris"]}
    address, headers = body["registration_client_uri"], bearer(body["registration_access_token"])

    updated = http.put(address, json=kept | {"scope": "openid read admin"}, headers=headers)
    tokens = app.sign_in(browser, scope="openid read admin")

    assert ["openid read", "openid read"] == [body["scope"], updated.json()["scope"]]
    assert "openid read" == tokens["scope"]


# --- Tokens that are not ours -------------------------------------------------------------------


def _unsigned(token: str, _: dict[str, Any]) -> str:
    header = encode(b'{"alg":"none","typ":"at+jwt"}')
    return f"{header}.{token.split('.')[1]}."


def _by_the_public_key(token: str, jwks: dict[str, Any]) -> str:
    """Sign by HMAC with what everybody knows."""
    key = OctKey.import_key(json.dumps(jwks["keys"][0]).encode())
    header = {"alg": "HS256", "typ": "at+jwt", "kid": _kid(token)}
    return jwt.encode(header, claims_of(token), key, algorithms=["HS256"])


def _by_a_stranger(token: str, _: dict[str, Any]) -> str:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": _kid(token)}
    return jwt.encode(header, claims_of(token), ECKey.generate_key("P-256"))


def _with_its_own_key(token: str, _: dict[str, Any]) -> str:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "x", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims_of(token), key)


def _with_more_scope(token: str, _: dict[str, Any]) -> str:
    header, _payload, signature = token.split(".")
    more = claims_of(token) | {"scope": "openid read write admin", "exp": int(time.time()) + 9999}
    return f"{header}.{encode(json.dumps(more).encode())}.{signature}"


def _kid(token: str) -> str:
    part, _, _ = token.partition(".")
    header: dict[str, str] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header["kid"]


Forge = Callable[[str, dict[str, Any]], str]
FORGERIES: Final[dict[str, Forge]] = {
    "unsigned": _unsigned,
    "signed by the public key": _by_the_public_key,
    "signed by a stranger": _by_a_stranger,
    "with a key of its own": _with_its_own_key,
    "altered": _with_more_scope,
    "cut": lambda token, _: token.rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_49_a_forged_token_is_worth_nothing(browser, http, app, forgery):
    """WSO2-2020-0752: introspection believed whatever could be decoded."""
    token = app.sign_in(browser, scope="openid read", resource=API)["access_token"]
    forged = FORGERIES[forgery](token, http.get("/jwks").json())

    swap = {"subject_token": forged, "subject_token_type": ACCESS_TOKEN}
    exchanged = app.ask("/token", grant_type=EXCHANGE, **swap)

    assert app.is_active(token)
    assert not app.is_active(forged)
    assert 401 == app.userinfo(forged).status_code
    assert (400, "invalid_request") == error_of(exchanged)


def test_49_what_is_signed_for_something_else_is_no_access_token(browser, app):
    """An ID token is signed by the same keys, and goes through many hands."""
    tokens = app.sign_in(browser, scope="openid read")

    for other in (tokens["id_token"], tokens["refresh_token"]):
        assert 401 == app.userinfo(other).status_code
    assert not app.is_active(tokens["id_token"])


# --- Who signs in, and as whom ------------------------------------------------------------------


def test_33_nobody_is_signed_in_as_the_attacker(browser, server):
    """A login form that another site posts would make people work in somebody else's account."""
    with Browser(server.url) as attacker:
        page = attacker.open("/account")
    browser.open("/account")
    form = [*page.form.fields, ("login", "login")]
    filled = [(name, "demo" if name in {"username", "password"} else value) for name, value in form]

    posted = browser.post(f"{server.url}/account", filled)

    assert posted.asks_to_sign_in
    assert browser.open("/account").asks_to_sign_in


def test_33_a_session_that_was_planted_is_not_kept(browser, server, app):
    """Who plants a cookie before somebody signs in would be signed in with them."""
    with Browser(server.url) as attacker:
        attacker.sign_in(attacker.open("/account"))
        planted = _session_of(attacker)
        for cookie in attacker.http.cookies.jar:
            browser.http.cookies.jar.set_cookie(cookie)

        browser.sign_in(browser.open(authorize_path(app.body, prompt="login")))

        assert planted != _session_of(browser)
        assert attacker.open("/account").asks_to_sign_in


def _session_of(browser: Browser) -> str:
    (value,) = {cookie.value for cookie in browser.http.cookies.jar if "session" in cookie.name}
    return str(value)


# --- What gets into addresses, and what is so by default ----------------------------------------

SECRETS: Final = ("client_secret", "client_assertion", "code_verifier", "password")


@pytest.mark.parametrize("path", ["/authorize", "/logout"])
def test_24_no_secret_is_moved_into_an_address(browser, server, app, path):
    """Addresses stay in histories and logs; a form that went astray must not."""
    named = {"client_id": app.body["client_id"], "state": "a-state"}
    fields = [*named.items(), *((name, "s3cret") for name in SECRETS)]

    moved = browser.post(f"{server.url}{path}", fields)

    assert "a-state" in moved.location
    assert "s3cret" not in moved.location


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, stores: Stores) -> Iterator[Issuer]:
    """Return an issuer that nobody has set up any further."""
    folder = tmp_path_factory.mktemp("untouched")
    with (
        running_server(
            folder, "--issuer", "https://plain.example", dev=False, stores=stores
        ) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
    ):
        yield Issuer(http, "https://plain.example")


def test_41_what_nobody_set_is_safe(untouched):
    """GHSA-9h47-pqcx-hjr4: a server had to be set up before it was safe."""
    metadata = untouched.metadata()

    assert ["code"] == metadata["response_types_supported"]
    assert ["S256"] == metadata["code_challenge_methods_supported"]
    assert not {"implicit", "password"} & {*metadata["grant_types_supported"]}
    # An unsigned request object says no more than the parameters that it stands for.
    assert ["request_object_signing_alg_values_supported"] == [
        name
        for name, listed in metadata.items()
        if name.endswith("_alg_values_supported") and "none" in listed
    ]
    assert "offline_access" in metadata["scopes_supported"]
    assert not {"admin", "dcr"} & {*metadata["scopes_supported"]}


def test_41_nobody_comes_in_unasked(untouched):
    """There is no demo person, no free registration, and no password that was delivered."""
    page = untouched.request("GET", "/account")

    assert 401 == untouched.register().status_code
    assert 401 == untouched.request("GET", "/api/v1/clients").status_code
    assert [] == untouched.request("GET", "/api/v1/people", headers=OPERATOR).json()["items"]
    assert all(
        cookie.startswith("__Host-") and "Secure" in cookie and "HttpOnly" in cookie
        for cookie in page.headers.get_list("set-cookie")
    )


@pytest.mark.parametrize(
    "url",
    ["http://login.example", "https://user@login.example", "javascript:alert(1)", "file:///etc"],
)
def test_44_no_provider_is_at_an_address_of_another_kind(untouched, url):
    """GHSA-5rr4-8452-hf4v: what was registered as a provider was called, whatever it was."""
    wish = {"name": "x", "url": url, "client_id": "x"}

    made = untouched.request("POST", "/api/v1/identity-providers", json=wish, headers=OPERATOR)

    assert 400 == made.status_code
    assert "url" in made.json()["detail"]
