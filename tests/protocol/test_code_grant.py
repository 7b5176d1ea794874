"""Codes become tokens over HTTP, once, and for who asked for them."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.flows import PUBLIC, an_app, claims_of
from tests.protocol.kit import OPERATOR, error_of
from tests.protocol.people import Browser

API = "https://api.example/"
REFUSED = (400, "invalid_grant")


@pytest.fixture(scope="module")
def browser(server):
    """Return a browser."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture(scope="module")
def app(http):
    """Return a confidential client."""
    return an_app(http)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, stores: Stores):
    """Run a server of two processes on one store, and return a client and a browser of it."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        running_server(folder, "--workers", "2", stores=stores) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
        Browser(running.url) as browser,
    ):
        yield http, browser


@pytest.mark.spec("C-001", "G-001", "G-003")
def test_what_a_client_gets_for_a_code(browser, app):
    """All that a client needs to act, and to know for whom, in one answer."""
    tokens = app.sign_in(browser, scope="openid read", resource=API)

    claims = claims_of(tokens["access_token"])
    assert {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "refresh_token",
        "id_token",
    } == set(tokens)
    assert (API, "openid read") == (claims["aud"], claims["scope"])
    assert claims_of(tokens["id_token"])["sub"] == claims["sub"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": "x" * 43},
        {"redirect_uri": None},
        {"redirect_uri": "https://app.example/cb/"},
        {"code": "rgy_ac_nonsense"},
    ],
    ids=str,
)
@pytest.mark.spec("G-001", "G-002", "G-003")
def test_refusals_are_the_same_bytes(browser, app, changes):
    """Threat 37: PKCE cannot be left out, and what was wrong is not told."""
    code = app.code(browser)

    answer = app.redeem(**{"code": code} | changes)

    assert REFUSED == error_of(answer)
    assert app.redeem("rgy_ac_other").content == answer.content
    assert 200 == app.redeem(code).status_code


@pytest.mark.spec("G-005")
def test_a_second_use_ends_every_token_of_the_first(browser, app):
    """RFC 6749 §4.1.2: at every endpoint, and at once."""
    code = app.code(browser)
    tokens = app.redeem(code).json()

    second = app.redeem(code)

    assert REFUSED == error_of(second)
    assert not app.is_active(tokens["access_token"])
    assert 401 == app.userinfo(tokens["access_token"]).status_code
    assert REFUSED == error_of(app.refresh(tokens["refresh_token"]))


@pytest.mark.spec("G-004")
def test_another_client_gets_nothing_for_it(browser, app, http):
    """A code that leaks to another application stays worthless."""
    code, other = app.code(browser), an_app(http)

    assert REFUSED == error_of(other.redeem(code))
    assert 200 == app.redeem(code).status_code


@pytest.mark.spec("G-009")
def test_a_token_for_another_api_is_not_to_be_had(browser, app):
    """Threat 43: what was consented to for one API is no good at another."""
    code = app.code(browser, resource=API)

    answer = app.redeem(code, resource="http://localhost:9999/")

    assert (400, "invalid_target") == error_of(answer)


@pytest.mark.parametrize("members", [{}, PUBLIC], ids=["confidential", "public"])
@pytest.mark.spec("G-007")
def test_two_processes_give_tokens_for_a_code_once(pair, members):
    """Threat 42: whichever process the two requests reach, one gets tokens."""
    http, browser = pair
    app = an_app(http, **members)
    for _ in range(5):
        code = app.code(browser)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(app.redeem, [code] * 8))

        assert [200] + [400] * 7 == sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("hold", "while_held", "after"),
    [
        ("admin", (401, "invalid_client"), REFUSED),
        ("dormant", (400, "unauthorized_client"), (200, None)),
    ],
)
@pytest.mark.spec("G-008")
def test_a_hold_stops_tokens_and_a_hard_one_ends_them(browser, http, hold, while_held, after):
    """A soft hold keeps what people allowed for when it is lifted; after a hard one they decide."""
    app = an_app(http)
    tokens = app.sign_in(browser)
    holds = f"/api/v1/clients/{app.body['client_id']}/holds"
    placed = http.post(holds, json={"kind": hold, "reason": "test"}, headers=OPERATOR)
    assert placed.status_code in (200, 201), placed.text

    during = app.refresh(tokens["refresh_token"])
    seen = app.userinfo(tokens["access_token"])
    http.delete(f"{holds}/{hold}", headers=OPERATOR)
    later = app.refresh(tokens["refresh_token"])

    assert while_held == error_of(during)
    assert 401 == seen.status_code
    assert after == (later.status_code, later.json().get("error"))


@pytest.mark.parametrize(
    ("scope", "expected"), [("openid read", 400), ("openid offline_access", 200), ("read", 200)]
)
@pytest.mark.spec("L-014")
def test_a_code_that_was_held_back_does_not_outlive_the_session(server, http, scope, expected):
    """Who signed out on a shared computer is in nothing that a client does afterwards."""
    app = an_app(http)
    with Browser(server.url) as browser:
        code = app.code(browser, scope=scope)
        browser.press(browser.open("/logout"), ("decision", "logout"))

    assert expected == app.redeem(code).status_code
