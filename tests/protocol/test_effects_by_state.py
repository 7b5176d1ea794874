"""What becomes of codes and tokens when their client is held or removed: every kind, everywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx2
import pytest

from registrary.testing.server import running_server
from tests.protocol.flows import App, an_app
from tests.protocol.kit import OPERATOR, SERVICE, bearer, eventually
from tests.protocol.people import Browser, authorize_path

WATCHED: Final = "https://watched.example/"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
EVERY_GRANT: Final = ["authorization_code", "refresh_token", "client_credentials", DEVICE, EXCHANGE]


@dataclass
class House:
    """A server with somebody signed in, and a resource server that watches tokens."""

    http: httpx2.Client
    browser: Browser
    watcher: App


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run a server of its own: its resources are changed here."""
    with (
        running_server(tmp_path_factory.mktemp("house")) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
        Browser(running.url) as browser,
    ):
        watcher = an_app(http, **SERVICE)
        wish = {"introspecting_clients": [watcher.body["client_id"]]}
        path = f"/api/v1/resources/{quote(WATCHED, safe='')}"
        made = http.put(path, json=wish, headers=OPERATOR)
        assert made.status_code in (200, 201), made.text
        form: dict[str, Any] = {"grant_type": "client_credentials", "resource": WATCHED}
        assert 200 == eventually(lambda: watcher.ask("/token", **form).status_code, 200)
        yield House(http, browser, watcher)


@dataclass
class Holdings:
    """Everything that a client can have: two unused codes, tokens, and a device that waits."""

    app: App
    code: str
    tokens: dict[str, Any]
    own: str
    device_code: str


def holdings_of(house: House) -> Holdings:
    """Register a client, and get it one of each kind."""
    app = an_app(house.http, grant_types=EVERY_GRANT)
    tokens = app.sign_in(house.browser, scope="openid read", resource=WATCHED)
    code = app.code(house.browser, scope="openid read", resource=WATCHED)
    own = app.ask("/token", grant_type="client_credentials", resource=WATCHED).json()
    begun = app.ask("/device_authorization", scope="openid read").json()
    shown = house.browser.open(f"/device?device={begun['user_code']}")
    house.browser.allow(shown)
    return Holdings(app, code, tokens, own["access_token"], begun["device_code"])


def outcome(answer: httpx2.Response) -> str:
    """Return ``ok``, or the error code."""
    return "ok" if answer.status_code == 200 else str(answer.json()["error"])


def seen(house: House, held: Holdings) -> dict[str, str]:
    """Try everything, and return what comes of it by name."""
    app, tokens = held.app, held.tokens

    def watched(token: str) -> str:
        answer = house.watcher.ask("/introspect", token=token)
        return "active" if answer.json()["active"] else "inactive"

    exchange: dict[str, Any] = {
        "subject_token": tokens["access_token"],
        "subject_token_type": ACCESS_TOKEN,
    }
    page = house.browser.open(authorize_path(app.body, scope="openid read", prompt="consent"))
    return {
        "authorize": "asks" if page.status == 200 else "refused",
        "userinfo": outcome(app.userinfo(tokens["access_token"])),
        "introspection of a person's token": watched(tokens["access_token"]),
        "introspection of an own token": watched(held.own),
        "introspection by itself": outcome(app.ask("/introspect", token=held.own)),
        "exchange": outcome(app.ask("/token", grant_type=EXCHANGE, **exchange)),
        "client credentials": outcome(app.ask("/token", grant_type="client_credentials")),
        "device code": outcome(app.ask("/token", grant_type=DEVICE, device_code=held.device_code)),
        "code": outcome(app.redeem(held.code)),
        "refresh": outcome(app.refresh(tokens["refresh_token"])),
        "device authorization": outcome(app.ask("/device_authorization", scope="read")),
        "revocation": outcome(app.ask("/revoke", token="nothing")),
    }


def everywhere(error: str) -> dict[str, str]:
    """Return what a client meets that is refused with *error*."""
    return {
        "authorize": "refused",
        "userinfo": "invalid_token",
        "introspection of a person's token": "inactive",
        "introspection of an own token": "inactive",
        "introspection by itself": error,
        "exchange": error,
        "client credentials": error,
        "device code": error,
        "code": error,
        "refresh": error,
        "device authorization": error,
        "revocation": error,
    }


GOOD: Final = dict.fromkeys(everywhere(""), "ok") | {
    "authorize": "asks",
    "introspection of a person's token": "active",
    "introspection of an own token": "active",
}
# Lifted: what a soft hold kept goes on, what a hard one ended does not come back.
ENDED: Final = GOOD | {
    "userinfo": "invalid_token",
    "introspection of a person's token": "inactive",
    "introspection of an own token": "inactive",
    "exchange": "invalid_request",
    "device code": "invalid_grant",
    "code": "invalid_grant",
    "refresh": "invalid_grant",
}
SOFT: Final = ("dormant", "agreement_lapsed", "owner_orphaned", "review_overdue")
HARD: Final = ("admin", "incident", "upstream_inactive")


def hold(house: House, held: Holdings, kind: str) -> None:
    """Place a hold of *kind*."""
    path = f"/api/v1/clients/{held.app.body['client_id']}/holds"
    placed = house.http.post(path, json={"kind": kind, "reason": "test"}, headers=OPERATOR)
    assert placed.status_code in (200, 201), placed.text


def lift(house: House, held: Holdings, kind: str) -> None:
    """Lift the hold of *kind*."""
    path = f"/api/v1/clients/{held.app.body['client_id']}/holds/{kind}"
    lifted = house.http.delete(path, headers=OPERATOR)
    assert lifted.status_code in (200, 204), lifted.text


@pytest.mark.spec("G-100")
def test_a_client_in_good_standing(house: House) -> None:
    """The row that all others are held against: everything works."""
    assert GOOD == seen(house, holdings_of(house))


@pytest.mark.parametrize("kind", SOFT)
@pytest.mark.spec("G-100")
def test_a_soft_hold_stops_everything_and_ends_nothing(house: House, kind: str) -> None:
    """Nobody is thrown out because somebody forgot to answer a letter."""
    held = holdings_of(house)
    hold(house, held, kind)

    during = seen(house, held)
    lift(house, held, kind)

    assert everywhere("unauthorized_client") == during
    assert GOOD == seen(house, held)


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.spec("G-100")
def test_a_hard_hold_ends_every_token_for_good(house: House, kind: str) -> None:
    """After an incident nothing that may be in wrong hands works again."""
    held = holdings_of(house)
    hold(house, held, kind)

    during = seen(house, held)
    lift(house, held, kind)

    assert everywhere("invalid_client") == during
    assert ENDED == seen(house, held)


@pytest.mark.spec("G-100")
def test_a_client_that_deleted_itself_leaves_nothing(house: House) -> None:
    """RFC 7592 §2.3: its tokens are worth nothing from that moment."""
    held = holdings_of(house)
    body = held.app.body
    path = f"/register/{body['client_id']}"
    gone = house.http.delete(path, headers=bearer(body["registration_access_token"]))

    found = seen(house, held)

    assert 204 == gone.status_code
    assert everywhere("invalid_client") == found
