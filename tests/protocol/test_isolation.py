"""Several issuers in one process: what belongs to one means nothing at another.

Whatever opens a door at one issuer is, at every address of another, answered like something that
nobody ever made: with the same bytes.
"""

import asyncio
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from registrary.config import Settings
from registrary.core.entropy import Draw
from registrary.core.secrets import Prefix, mint_client_secret, mint_token
from registrary.testing.server import ADMIN_TOKEN, RunningServer, Stores, running_server
from registrary.wiring.app import Runtime

FIRST: Final = "https://first.example"
PAIRS: Final = {
    "hosts": ("https://one.example", "https://two.example:8443"),
    "paths": ("https://shared.example/one", "https://shared.example/two"),
    "root-and-path": ("https://mixed.example", "https://mixed.example/two"),
}
OPERATOR: Final = {"authorization": f"Bearer {ADMIN_TOKEN}"}
DOCUMENT: Final = {"redirect_uris": ["https://app.example/cb"]}
SERVICE: Final = {"grant_types": ["client_credentials"]}
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VARYING: Final = {
    "date",
    "x-request-id",
}  # headers that differ between two answers to the same request
STRANGER: Final = "unknown"
DRAWN: Final = re.compile(  # anew for each page, by which it knows its own answer
    r'(?<=name="csrf" value=")[^"]+|(?<=challenge&#34;:&#34;)[\w-]+|(?<=rgy_browser_)[^;]+'
    r"|(?<=client_id=)[0-9a-f]+"  # what a form said, when it is moved into an address
)
PASSWORD: Final = "correct horse"

# What the placeholders of each route stand for; a new route needs its row.
ADDRESSES: Final = {
    "/register": (),
    "/register/t/{token}": ("initial_access_token",),
    "/register/{client_id}": ("client_id",),
    "/authorize": (),
    "/token": (),
    "/jwks": (),
    "/userinfo": (),
    "/introspect": (),
    "/revoke": (),
    "/par": (),
    "/device_authorization": (),
    "/device": (),
    "/logout": (),
    "/logos/{client_id}": ("client_id",),
    "/account": (),
    "/account/one-time-code": (),
    "/account/passkey": (),
    "/signin/callback": (),
    "/signin/callback/{provider}": ("identity_provider_id",),
    "/status-lists": (),
    "/status-lists/{id}": ("word",),  # clients-0 is a name at every issuer
    "/setup/{token}": ("admin_token",),
    "/api/v1/openapi.json": (),
    "/api/v1/clients": (),
    "/api/v1/clients/{id}": ("client_id",),
    "/api/v1/clients/{id}/holds": ("client_id",),
    "/api/v1/clients/{id}/holds/{kind}": ("client_id", "word"),
    "/api/v1/clients/{id}/credentials": ("client_id",),
    "/api/v1/clients/{id}/explain": ("client_id",),
    "/api/v1/clients/{id}/events": ("client_id",),
    "/api/v1/initial-access-tokens": (),
    "/api/v1/initial-access-tokens/{id}": ("initial_access_token_id",),
    "/api/v1/admin-tokens": (),
    "/api/v1/admin-tokens/{id}": ("admin_token_id",),
    "/api/v1/issuers": (),
    "/api/v1/issuers/{id}": ("issuer_id",),
    "/api/v1/keys": (),
    "/api/v1/keys/{kid}": ("kid",),
    "/api/v1/keys/{kid}/renewal": ("kid",),
    "/api/v1/scopes": (),
    "/api/v1/scopes/{name}": ("scope",),
    "/api/v1/resources": (),
    "/api/v1/resources/{uri}": ("resource",),
    "/api/v1/event-streams": (),
    "/api/v1/event-streams/{id}": ("event_stream_id",),
    "/api/v1/event-streams/{id}/verification": ("event_stream_id",),
    "/api/v1/people": (),
    "/api/v1/people/{id}": ("person_id",),
    "/api/v1/people/{id}/password": ("person_id",),
    "/api/v1/people/{id}/sign-out": ("person_id",),
    "/api/v1/people/{id}/one-time-codes": ("person_id",),
    "/api/v1/people/{id}/identities": ("person_id",),
    "/api/v1/people/{id}/identities/{provider}": ("person_id", "identity_provider_id"),
    "/api/v1/people/{id}/passkeys/{passkey}": ("person_id", "word"),
    "/api/v1/identity-providers": (),
    "/api/v1/identity-providers/{id}": ("identity_provider_id",),
    "/api/v1/audit/events": (),
    "/api/v1/audit/events/{id}": ("event_id",),
    "/api/v1/audit/checkpoint": (),
    "/api/v1/audit/proofs": (),
    "/api/v1/{segment}": ("client_id",),
    "/api/v1/{segment}/{segment}": ("word", "client_id"),
    "/api/v1/{segment}/{segment}/{segment}": ("word", "client_id", "event_id"),
    "/api/v1/{segment}/{segment}/{segment}/{segment}": ("word", "client_id", "word", "kid"),
}


@dataclass(frozen=True)
class Belongings:
    """What one issuer made, by what it is: credentials and the names of things."""

    url: str
    things: Mapping[str, str]
    key: ECKey  # of the client that signs its assertions

    def __getitem__(self, name: str) -> str:
        return self.things[name]


Door = Callable[..., httpx2.Response]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a server that will have several issuers."""
    folder = tmp_path_factory.mktemp("isolation")
    options = ("--issuer", FIRST, "--no-rate-limits")
    with running_server(folder, *options, dev=False, stores=stores) as running:
        yield running


@pytest.fixture(scope="module")
def wire(server: RunningServer) -> Iterator[httpx2.Client]:
    """Return a connection to the server."""
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


def door_of(wire: httpx2.Client, url: str) -> Door:
    """Return a function that sends requests to the issuer at *url*."""
    host, _, path = url.removeprefix("https://").partition("/")

    def send(method: str, address: str, **more: Any) -> httpx2.Response:
        headers = {"host": host, "x-forwarded-proto": "https"} | more.pop("headers", {})
        prefix = f"/{path}" if path else ""
        return wire.request(method, f"{prefix}{address}", headers=headers, **more)

    return send


@pytest.fixture(scope="module")
def issuers(wire: httpx2.Client) -> dict[str, Belongings]:
    """Make the issuers, and at each one of everything."""
    first = door_of(wire, FIRST)
    urls = [url for pair in PAIRS.values() for url in pair]
    for url in urls:
        made = first("POST", "/api/v1/issuers", json={"url": url}, headers=OPERATOR)
        assert 201 == made.status_code
    end = time.monotonic() + 30
    while any(door_of(wire, url)("GET", "/jwks").status_code != 200 for url in urls):
        assert time.monotonic() < end
    return {url: furnished(door_of(wire, url), url) for url in urls}


def furnished(door: Door, url: str) -> Belongings:
    """Make one of everything at an issuer."""
    wanted = {"name": "test", "permissions": ["*"]}
    admin = door("POST", "/api/v1/admin-tokens", json=wanted, headers=OPERATOR).json()
    token = door("POST", "/api/v1/initial-access-tokens", json={}, headers=OPERATOR).json()
    bearer = {"authorization": f"Bearer {token['token']}"}
    secret = door("POST", "/register", json=SERVICE, headers=bearer).json()
    key = ECKey.generate_key("P-256", auto_kid=True)
    signing = {
        **SERVICE,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    signer = door("POST", "/register", json=signing, headers=bearer).json()
    access = door("POST", "/token", data=grant(), auth=basic(secret)).json()
    events = door("GET", "/api/v1/audit/events", headers=OPERATOR).json()
    listed = door("GET", "/api/v1/issuers", headers=OPERATOR).json()["items"]
    things = {
        "issuer_id": next(issuer["id"] for issuer in listed if issuer["url"] == url),
        "admin_token": admin["token"],
        "admin_token_id": admin["id"],
        "initial_access_token": token["token"],
        "initial_access_token_id": token["id"],
        "client_id": secret["client_id"],
        "client_secret": secret["client_secret"],
        "registration_access_token": secret["registration_access_token"],
        "signer_id": signer["client_id"],
        "access_token": access["access_token"],
        "event_id": events["items"][0]["event"]["id"],
        "kid": door("GET", "/jwks").json()["keys"][0]["kid"],
        "word": "admin",
    }
    return Belongings(url, things | kept_by_operators(door), key)


def kept_by_operators(door: Door) -> dict[str, str]:
    """Make one of everything that administrators of an issuer keep, and return its names."""
    own = os.urandom(8).hex()

    def made(path: str, **wish: Any) -> str:
        answer = door("POST", f"/api/v1/{path}", json=wish, headers=OPERATOR)
        assert answer.status_code == 201, answer.text
        identifier: str = answer.json()["id"]
        return identifier

    scope, resource = f"scope-{own}", f"https://{own}.example/"
    for path, wish in (
        (f"scopes/{scope}", {"description": "A scope"}),
        (f"resources/{quote(resource, safe='')}", {"name": own}),
    ):
        put = door("PUT", f"/api/v1/{path}", json=wish, headers=OPERATOR)
        assert put.status_code == 200, put.text
    return {
        "scope": scope,
        "resource": quote(resource, safe=""),
        "event_stream_id": made("event-streams", url=f"https://{own}.example/events"),
        "person_id": made("people", username=own, password=PASSWORD),
        "identity_provider_id": made(
            "identity-providers", name="Work", url=f"https://{own}.example", client_id="x"
        ),
    }


def made_up(like: Belongings) -> Belongings:
    """Return things spelt like those of *like* that nobody made."""

    def token(prefix: Prefix) -> str:
        return mint_token(prefix, Draw(os.urandom(200)), os.urandom(16)).reveal()

    key = ECKey.generate_key("P-256", auto_kid=True)
    claims = {"iss": like.url, "sub": "x", "client_id": "x", "exp": int(time.time()) + 60}
    identifiers = (
        "admin_token_id",
        "initial_access_token_id",
        "client_id",
        "signer_id",
        "event_stream_id",
        "person_id",
        "identity_provider_id",
    )
    things = {
        "issuer_id": "0123456789",
        "admin_token": token(Prefix.ADMIN_TOKEN),
        "initial_access_token": token(Prefix.INITIAL_ACCESS_TOKEN),
        "client_secret": mint_client_secret(Draw(os.urandom(200))).reveal(),
        "registration_access_token": token(Prefix.REGISTRATION_ACCESS_TOKEN),
        "access_token": jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "x"}, claims, key),
        "event_id": str(uuid.uuid4()),
        "kid": "A" * 43,
        "word": "admin",
        "scope": f"scope-{os.urandom(8).hex()}",
        "resource": quote(f"https://{os.urandom(8).hex()}.example/", safe=""),
        **{name: os.urandom(16).hex() for name in identifiers},
    }
    return Belongings(like.url, things, key)


def grant(**more: str) -> dict[str, str]:
    """Return a token request."""
    return {"grant_type": "client_credentials"} | more


def basic(client: Mapping[str, Any]) -> tuple[str, str]:
    """Return id and secret, for Basic authentication."""
    return client["client_id"], client["client_secret"]


def assertion(of: Belongings, audience: str) -> str:
    """Return an assertion of a client that signs, addressed to *audience*."""
    now = int(time.time())
    claims = {
        "iss": of["signer_id"],
        "sub": of["signer_id"],
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode({"alg": "ES256", "kid": of.key.kid}, claims, of.key)


def bearer(name: str) -> Callable[[Belongings, Belongings], dict[str, Any]]:
    """Return how the thing called *name* is presented as a bearer token."""

    def present(of: Belongings, at: Belongings) -> dict[str, Any]:
        del at
        headers = {"authorization": f"Bearer {of[name]}"}
        return {"headers": headers, "json": DOCUMENT | {"client_id": of["client_id"]}}

    return present


# How each kind of credential of one issuer is presented at another.
CREDENTIALS: Final[dict[str, Callable[[Belongings, Belongings], dict[str, Any]]]] = {
    "registration access token": bearer("registration_access_token"),
    "initial access token": bearer("initial_access_token"),
    "admin token": bearer("admin_token"),
    "access token": bearer("access_token"),
    "client secret as a token": bearer("client_secret"),
    "client secret": lambda of, _: {"data": grant(), "auth": basic(of.things)},
    "client secret in the form": lambda of, _: {
        "data": grant(client_id=of["client_id"], client_secret=of["client_secret"])
    },
    "client id alone": lambda of, _: {"data": grant(client_id=of["client_id"])},
    "assertion": lambda of, at: {
        "data": grant(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion(of, at.url))
    },
    "token of another, asked about by a client": lambda of, at: {
        "data": {"token": of["access_token"]},
        "auth": basic(at.things),
    },
}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Return every route of an issuer, with each of its methods."""
    return all_routes(tmp_path_factory.mktemp("routes"))


def all_routes(folder: Path) -> list[tuple[str, str]]:
    """Start an application and return its route table."""

    async def ask() -> list[tuple[str, str]]:
        store = f"sqlite:///{folder / 'registrary.db'}"
        runtime = Runtime(Settings(dev=True, store=store), {})
        async with runtime.lifespan():
            (site,) = runtime.directory.sites
            return [(route.template, method) for route in site.routes for method in route.methods]

    return asyncio.run(ask())


def filled(template: str, of: Belongings) -> str:
    """Return the address of *template* with what *of* has in its placeholders."""
    segments = template.split("/")
    names = iter(ADDRESSES[template])
    return "/".join(of[next(names)] if "{" in segment else segment for segment in segments)


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Return all of an answer that a caller can tell apart, without what tells nothing."""
    headers = [
        (name, DRAWN.sub("…", value))
        for name, value in answer.headers.multi_items()
        if name not in VARYING
    ]
    return answer.status_code, sorted(headers), DRAWN.sub("…", answer.text)


@pytest.fixture(scope="module", params=PAIRS.values(), ids=list(PAIRS))
def pair(
    request: pytest.FixtureRequest, issuers: dict[str, Belongings]
) -> tuple[Belongings, Belongings]:
    """Return what two issuers have."""
    one, two = request.param
    return issuers[one], issuers[two]


def test_every_route_has_its_row(routes: list[tuple[str, str]]) -> None:
    """A new address is held to the same before it is served."""
    assert {template for template, _ in routes} == ADDRESSES.keys()


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_credential_of_another_issuer_is_an_unknown_one(
    wire: httpx2.Client,
    routes: list[tuple[str, str]],
    pair: tuple[Belongings, Belongings],
    kind: str,
) -> None:
    """At every route, on the address of a client there as on that of the foreign one."""
    foreign, home = pair
    door, unknown, present = door_of(wire, home.url), made_up(foreign), CREDENTIALS[kind]

    different = []
    for template, method in routes:
        for owner, nobody in ((home, home), (foreign, unknown)):
            given = door(method, filled(template, owner), **present(foreign, home))
            made = door(method, filled(template, nobody), **present(unknown, home))
            if seen(given) != seen(made):
                different.append((method, template, seen(given), seen(made)))

    assert [] == different


def test_a_name_of_another_issuer_is_an_unknown_one(
    wire: httpx2.Client, routes: list[tuple[str, str]], pair: tuple[Belongings, Belongings]
) -> None:
    """Also to an administrator who may do everything there."""
    foreign, home = pair
    door, unknown = door_of(wire, home.url), made_up(foreign)
    headers = {"authorization": f"Bearer {home['admin_token']}"}

    different = []
    for template, method in routes:
        if not ADDRESSES[template]:
            continue
        # No member fits what is put: a resource would be made, and shown with its name.
        body = {"POST": {"reason": "test"}, "PUT": {"name": 1}}.get(method, {})
        given = door(method, filled(template, foreign), headers=headers, json=body)
        made = door(method, filled(template, unknown), headers=headers, json=body)
        if seen(given) != seen(made):
            different.append((method, template, given.text, made.text))

    assert [] == different


QUERIES: Final = [
    ("/api/v1/audit/proofs", "event_id"),
    ("/api/v1/audit/events", "client_id"),
]


@pytest.mark.parametrize(("path", "name"), QUERIES, ids=[name for _, name in QUERIES])
def test_a_name_in_a_query_is_an_unknown_one(
    wire: httpx2.Client, pair: tuple[Belongings, Belongings], path: str, name: str
) -> None:
    """A log proves nothing of another log."""
    foreign, home = pair
    door, unknown = door_of(wire, home.url), made_up(foreign)

    given = door("GET", path, params={name: foreign[name]}, headers=OPERATOR)
    made = door("GET", path, params={name: unknown[name]}, headers=OPERATOR)

    assert seen(made) == seen(given)


def test_no_answer_of_one_issuer_tells_of_another(
    wire: httpx2.Client, routes: list[tuple[str, str]], pair: tuple[Belongings, Belongings]
) -> None:
    """Not in a list, not in a key set, not in the metadata."""
    foreign, home = pair
    door = door_of(wire, home.url)
    headers = {"authorization": f"Bearer {home['admin_token']}"}
    addresses = [filled(path, home) for path, method in routes if method == "GET"]
    addresses += ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]

    told = "\n".join(door("GET", address, headers=headers).text for address in addresses)

    things = {name: thing for name, thing in foreign.things.items() if name != "word"}
    assert [] == [name for name, thing in things.items() if thing in told]
    assert home["client_id"] in told


def test_an_administrator_of_one_issuer_changes_no_other(
    wire: httpx2.Client, pair: tuple[Belongings, Belongings]
) -> None:
    """Who runs one tenant must not open the door of the next."""
    foreign, home = pair
    headers = {"authorization": f"Bearer {foreign['admin_token']}"}
    mine, theirs = door_of(wire, foreign.url), f"/api/v1/issuers/{home['issuer_id']}"

    answers = [
        mine("GET", theirs, headers=headers),
        mine("PATCH", theirs, headers=headers, json={"mode": "open"}),
        mine("POST", "/api/v1/issuers", headers=headers, json={"url": "https://new.example"}),
    ]

    assert [404, 404, 403] == [answer.status_code for answer in answers]


def works_at_home(door: Door, of: Belongings) -> dict[str, int]:
    """Return how each credential is answered where it belongs."""
    client = f"/register/{of['client_id']}"
    asked = door("POST", "/introspect", data={"token": of["access_token"]}, auth=basic(of.things))
    return {
        "registration access token": door(
            "GET",
            client,
            headers={"authorization": f"Bearer {of['registration_access_token']}"},
        ).status_code,
        "initial access token": door(
            "POST",
            "/register",
            json=DOCUMENT,
            headers={"authorization": f"Bearer {of['initial_access_token']}"},
        ).status_code,
        "in the path": door(
            "POST", f"/register/t/{of['initial_access_token']}", json=DOCUMENT
        ).status_code,
        "admin token": door(
            "GET", "/api/v1/clients", headers={"authorization": f"Bearer {of['admin_token']}"}
        ).status_code,
        "client secret": door("POST", "/token", data=grant(), auth=basic(of.things)).status_code,
        "assertion": door("POST", "/token", **CREDENTIALS["assertion"](of, of)).status_code,
        "access token": 200 if asked.json()["active"] else 0,
    }


def test_credentials_work_where_they_belong_all_the_while(
    wire: httpx2.Client, pair: tuple[Belongings, Belongings]
) -> None:
    """Trying them elsewhere proves nothing if they are no good, and must not spoil them."""
    foreign, home = pair
    for present in CREDENTIALS.values():
        door_of(wire, home.url)("GET", f"/register/{home['client_id']}", **present(foreign, home))

    for of in pair:
        answers = works_at_home(door_of(wire, of.url), of)
        assert {200, 201} == set(answers.values())


def test_an_unknown_host_or_path_is_nowhere(
    wire: httpx2.Client, routes: list[tuple[str, str]], issuers: dict[str, Belongings]
) -> None:
    """A request that names no issuer is answered by none, and its words are not repeated."""
    some = issuers[PAIRS["hosts"][0]]
    elsewhere = [
        door_of(wire, url)
        for url in (
            f"https://{STRANGER}.example",
            f"https://one.example.{STRANGER}.example",
            f"https://one.example/{STRANGER}",
            f"https://shared.example/{STRANGER}",
            "https://shared.example/one/two",
            "https://shared.example",
            "https://two.example",
        )
    ]

    answers = [
        door(method, filled(template, some), headers=OPERATOR)
        for template, method in routes
        for door in elsewhere
    ]

    assert {404} == {answer.status_code for answer in answers}
    # Its form follows the words of the path (RFC 9457 below the admin API), and nothing else.
    told = {("/api/v1/" in answer.request.url.path, answer.content) for answer in answers}
    assert 2 == len(told)
    assert STRANGER not in repr([seen(answer) for answer in answers])


def test_operation_is_served_at_the_root_whatever_the_host(wire: httpx2.Client) -> None:
    """A load balancer asks by address, and knows no issuer."""
    for path in ("/healthz", "/readyz"):
        assert 200 == wire.get(path, headers={"host": f"{STRANGER}.example"}).status_code
