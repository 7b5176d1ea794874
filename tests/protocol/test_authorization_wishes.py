"""What a client wishes of a sign-in or a grant besides, over HTTP."""

import json

import httpx2
import pytest

from registrary.testing.server import Stores, running_server
from tests.protocol.flows import App, Proofs, an_app, claims_of
from tests.protocol.kit import OPERATOR, URI, eventually
from tests.protocol.people import PKCE, Browser, authorize_path

DETAIL = "payment"


@pytest.fixture(scope="module")
def http(tmp_path_factory, stores: Stores):
    """Return a client of a server whose issuer knows payments."""
    with (
        running_server(tmp_path_factory.mktemp("wishes"), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as client,
    ):
        path = "/api/v1/issuers"
        (issuer,) = client.get(path, headers=OPERATOR).json()["items"]
        wish = {"authorization_details_types": [DETAIL]}
        done = client.patch(f"{path}/{issuer['id']}", json=wish, headers=OPERATOR)
        assert 200 == done.status_code, done.text

        def announced():
            published = client.get("/.well-known/openid-configuration").json()
            return published.get("authorization_details_types_supported")

        assert [DETAIL] == eventually(announced, [DETAIL])
        yield client


@pytest.fixture
def browser(http):
    """Return a browser that was never here."""
    with Browser(str(http.base_url).rstrip("/")) as browser:
        yield browser


@pytest.mark.spec("AZ-033")
def test_a_client_may_say_whom_it_expects(browser, http):
    """With ``prompt=none`` it asks whether this person is still there."""
    app = an_app(http)
    hint = app.sign_in(browser)["id_token"]
    other = an_app(http).sign_in(browser)["id_token"]

    def silent(text):
        path = authorize_path(app.body, prompt="none", id_token_hint=text)
        return browser.open(path).result

    assert "code" in silent(hint)
    assert "invalid_request" == silent(other)["error"]
    assert "invalid_request" == silent(hint[:-4] + "AAAA")["error"]
    assert "invalid_request" == silent("a.b.c")["error"]


def test_an_access_token_is_no_hint(browser, http):
    """It is signed by the same issuer and names the same person, for another purpose."""
    app = an_app(http)
    token = app.sign_in(browser)["access_token"]

    path = authorize_path(app.body, prompt="none", id_token_hint=token)

    assert "invalid_request" == browser.open(path).result["error"]


@pytest.mark.spec("AZ-033")
def test_somebody_else_is_not_taken_for_whom_the_client_expects(browser, http):
    """Joining two people's accounts would be the client's error and our fault."""
    app = an_app(http)
    app.sign_in(browser)
    claims = json.dumps({"id_token": {"sub": {"value": "somebody-else"}}})

    silent = browser.open(authorize_path(app.body, prompt="none", claims=claims))
    asked = browser.open(authorize_path(app.body, claims=claims))
    answered = browser.sign_in(asked)

    assert "login_required" == silent.result["error"]
    assert asked.asks_to_sign_in
    assert "login_required" == answered.result["error"]


@pytest.mark.spec("AZ-035", "C-020")
def test_a_time_limit_is_answered_with_the_time(browser, http):
    """The client checks what it asked for."""
    app = an_app(http)

    claims = claims_of(app.sign_in(browser, max_age="1000")["id_token"])

    assert claims["auth_time"] <= claims["iat"]


@pytest.mark.spec("AZ-034")
def test_a_strength_that_cannot_be_reached_is_told(browser, http):
    """The person signed in as well as they could; the client must know it was not enough."""
    app = an_app(http)
    wish = {"id_token": {"acr": {"essential": True, "values": ["phr"]}}}

    login = browser.open(authorize_path(app.body, claims=json.dumps(wish)))
    back = browser.sign_in(login)

    assert login.asks_to_sign_in
    assert "unmet_authentication_requirements" == back.result["error"]


@pytest.mark.spec("AZ-018", "E-040")
def test_details_are_shown_granted_and_said(browser, http):
    """People read what they allow, and the API reads what was allowed (RFC 9396 §7)."""
    app = an_app(http, authorization_details_types=[DETAIL])
    wish = [{"type": DETAIL, "amount": "5.00 EUR", "to": ["Example Ltd"], "limits": {"a": 1}}]
    path = authorize_path(app.body, authorization_details=json.dumps(wish))

    page = browser.sign_in(browser.open(path))
    tokens = app.redeem(browser.allow(page).result["code"]).json()
    again = browser.open(path)
    wish[0]["amount"] = "6.00 EUR"
    more = browser.open(authorize_path(app.body, authorization_details=json.dumps(wish)))

    assert "payment; amount: 5.00 EUR; to: Example Ltd" in page.text
    assert "5.00 EUR" == tokens["authorization_details"][0]["amount"]
    assert "5.00 EUR" == claims_of(tokens["access_token"])["authorization_details"][0]["amount"]
    assert "code" in again.result
    assert "6.00 EUR" in more.text


@pytest.mark.spec("AZ-020")
def test_claims_asked_by_name_are_decided_by_the_person(browser, http):
    """A client with little scope must not learn more by another parameter."""
    app = an_app(http)
    wish = json.dumps({"userinfo": {"email": {"essential": True}, "phone_number": None}})
    path = authorize_path(app.body, claims=wish)

    page = browser.sign_in(browser.open(path))
    code = browser.allow(page, untick=("phone",)).result["code"]
    told = app.userinfo(app.redeem(code).json()["access_token"]).json()

    assert ["email", "phone"] == page.scopes
    assert {"sub", "email"} == set(told)


@pytest.mark.spec("AZ-020")
def test_a_client_learns_nothing_that_it_did_not_register_for(browser, http):
    """Scope is the ceiling, whatever the claims are called."""
    app = an_app(http, scope="openid")
    wish = json.dumps({"userinfo": {"email": None}, "id_token": {"name": None}})
    path = authorize_path(app.body, claims=wish)

    page = browser.sign_in(browser.open(path))
    tokens = app.redeem(browser.allow(page).result["code"]).json()

    assert [] == page.scopes
    assert {"sub"} == set(app.userinfo(tokens["access_token"]).json())
    assert "name" not in claims_of(tokens["id_token"])


@pytest.mark.spec("AZ-066")
def test_a_proof_at_the_pushing_binds_the_code(browser, http):
    """A code that leaks is of no use to who has another key (RFC 9449 §10.1)."""
    app, proofs, thief = an_app(http), Proofs(), Proofs()
    code = pushed_code(app, browser, proofs)
    at = f"{app.url}/token"

    stolen = app.redeem(code, headers={"dpop": thief.prove("POST", at)})
    bare = app.redeem(code)
    honest = app.redeem(code, headers={"dpop": proofs.prove("POST", at)})

    assert [400, 400, 200] == [answer.status_code for answer in (stolen, bare, honest)]
    assert "DPoP" == honest.json()["token_type"]


def test_a_key_that_was_named_is_the_one_proved(http):
    """``dpop_jkt`` beside a proof with another key is refused (RFC 9449 §10.1)."""
    app, proofs = an_app(http), Proofs()
    header = {"dpop": proofs.prove("POST", f"{app.url}/par")}

    answer = app.ask("/par", headers=header, **wanted(app), dpop_jkt=Proofs().jkt)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_a_proof_that_does_not_hold_pushes_nothing(http):
    """It was made for another address."""
    app, proofs = an_app(http), Proofs()
    header = {"dpop": proofs.prove("POST", f"{app.url}/token")}

    answer = app.ask("/par", headers=header, **wanted(app))

    assert (400, "invalid_dpop_proof") == (answer.status_code, answer.json()["error"])
    assert "dpop-nonce" in answer.headers


def wanted(app: App) -> dict[str, str]:
    """Return a request of *app* to push."""
    return {
        "client_id": app.body["client_id"],
        "response_type": "code",
        "redirect_uri": URI,
        "scope": "openid read",
        "code_challenge": PKCE.challenge,
        "code_challenge_method": "S256",
    }


def pushed_code(app: App, browser: Browser, proofs: Proofs) -> str:
    """Return a code for what *app* pushed with a proof."""
    header = {"dpop": proofs.prove("POST", f"{app.url}/par")}
    pushed = app.ask("/par", headers=header, **wanted(app))
    assert pushed.status_code == 201, pushed.text
    query = httpx2.QueryParams(
        client_id=app.body["client_id"], request_uri=pushed.json()["request_uri"]
    )
    return browser.go_through(f"/authorize?{query}").result["code"]


def test_what_can_be_asked_is_published(http):
    """Libraries ask what they find (D-034)."""
    published = http.get("/.well-known/openid-configuration").json()

    assert ["consent", "login", "none", "select_account"] == published["prompt_values_supported"]
    assert published["claims_parameter_supported"] is True
    assert published["authorization_response_iss_parameter_supported"] is True
    assert {"query", "fragment", "form_post", "jwt"} <= set(published["response_modes_supported"])
    assert published["request_parameter_supported"] is True
    assert published["request_uri_parameter_supported"] is False
