"""Refresh tokens over HTTP: replaced, given again to who lost the answer, and given away."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.flows import PUBLIC, an_app, claims_of
from tests.protocol.kit import error_of
from tests.protocol.people import Browser

REFUSED = (400, "invalid_grant")


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


@pytest.fixture(scope="module")
def app(pair):
    """Return a public client of the two."""
    return an_app(pair[0], **PUBLIC)


@pytest.fixture
def tokens(pair, app):
    """Return new tokens of somebody."""
    return app.sign_in(pair[1], scope="openid read offline_access")


@pytest.mark.spec("G-020", "G-021", "G-022")
def test_the_life_of_a_public_clients_token(app, tokens):
    """Lost once it is given again; used twice it ends everything (RFC 9700 §4.14.2)."""
    lost = app.refresh(tokens["refresh_token"])
    again = app.refresh(tokens["refresh_token"])
    third = app.refresh(again.json()["refresh_token"])
    replayed = app.refresh(tokens["refresh_token"])
    after = app.refresh(third.json()["refresh_token"])

    assert lost.content == again.content
    assert 200 == third.status_code
    assert [REFUSED, REFUSED] == [error_of(replayed), error_of(after)]
    assert 401 == app.userinfo(third.json()["access_token"]).status_code


@pytest.mark.spec("G-024")
def test_many_at_once_at_two_processes_get_one_answer(pair, app):
    """Threat 42: a race yields one successor, and nobody honest is thrown out."""
    for _ in range(5):
        token = app.sign_in(pair[1], scope="openid offline_access")["refresh_token"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(app.refresh, [token] * 8))

        assert [200] * 8 == [answer.status_code for answer in answers]
        assert 1 == len({answer.content for answer in answers})
        assert 200 == app.refresh(answers[0].json()["refresh_token"]).status_code


@pytest.mark.spec("G-025")
def test_scope_and_resource_stay_within_the_grant(app, tokens):
    """What a person allowed once is the most that a client ever gets."""
    token = tokens["refresh_token"]

    beyond = app.refresh(token, scope="read write")
    elsewhere = app.refresh(token, resource="http://localhost:9999/")
    less = app.refresh(token, scope="read")
    all_again = app.refresh(less.json()["refresh_token"])

    assert (400, "invalid_scope") == error_of(beyond)
    assert (400, "invalid_target") == error_of(elsewhere)
    assert ("read", None) == (less.json()["scope"], less.json().get("id_token"))
    assert "openid read offline_access" == all_again.json()["scope"]


@pytest.mark.spec("G-020")
def test_a_confidential_clients_token_stays(pair):
    """Its secret is asked for with every use."""
    app = an_app(pair[0])
    tokens = app.sign_in(pair[1])

    answers = [app.refresh(tokens["refresh_token"]).json() for _ in range(3)]

    assert {tokens["refresh_token"]} == {one["refresh_token"] for one in answers}
    subjects = {claims_of(one["id_token"])["sub"] for one in (tokens, *answers)}
    assert 1 == len(subjects)


def test_another_client_gets_nothing_for_it(pair, app, tokens):
    """GHSA-pw9m-5jxm-xr6h: refresh tokens were good for any client."""
    other = an_app(pair[0], **PUBLIC)

    assert REFUSED == error_of(other.refresh(tokens["refresh_token"]))
    assert 200 == app.refresh(tokens["refresh_token"]).status_code
