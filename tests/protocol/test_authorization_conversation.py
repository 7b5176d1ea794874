"""``/authorize`` over HTTP: people sign in, decide, and are led back."""

import time
from urllib.parse import parse_qsl

import httpx2
import pytest

from tests.protocol.kit import OPERATOR, URI, Registered
from tests.protocol.people import PKCE, Browser, authorize_path

TWO_HOSTS = ["https://app.example/cb", "https://other.example/cb"]
PUBLIC = {"token_endpoint_auth_method": "none"}


@pytest.fixture
def browser(server):
    """Return a browser that was never here."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture
def signed_in(browser, register):
    """Return a browser with somebody signed in, who decided nothing yet."""
    client = register().json()
    browser.sign_in(browser.open(authorize_path(client)))
    return browser


def redeem(http, client, shown, **changes):
    """Redeem the code that *shown* leads back with."""
    form = {
        "grant_type": "authorization_code",
        "code": shown.result["code"],
        "redirect_uri": URI,
        "code_verifier": PKCE.verifier,
    } | changes
    return Registered(http.request, register_answer(client)).ask("/token", **form)


def register_answer(client):
    """Return *client* as the answer to its registration."""
    return httpx2.Response(201, json=client)


@pytest.mark.spec("E-060", "E-112", "AZ-005", "AZ-006", "AZ-007")
def test_a_person_signs_in_allows_and_is_led_back(browser, http, register):
    """This is what everything else is for."""
    client = register(client_name="An application").json()

    login = browser.open(authorize_path(client))
    consent = browser.sign_in(login)
    back = browser.allow(consent)
    tokens = redeem(http, client, back)

    assert login.asks_to_sign_in
    assert consent.asks_for_consent
    assert back.location.startswith(f"{URI}?code=rgy_ac_")
    assert ("a-state", browser.url) == (back.result["state"], back.result["iss"])
    assert (200, "openid") == (tokens.status_code, tokens.json()["scope"])


def test_the_consent_page_tells_who_asks(signed_in, register):
    """A name anybody can choose; the host and the id are what people can judge."""
    client = register(client_name="An application", tos_uri="https://app.example/tos").json()

    page = signed_in.open(authorize_path(client))

    for told in ("An application", "app.example", client["client_id"], "Not verified", "Demo"):
        assert told in page.text
    assert "https://app.example/tos" in page.links


def test_a_refusal_is_told_to_the_client(signed_in, register):
    """The person acted, so they are led back, also to a client nobody verified."""
    client = register().json()

    back = signed_in.deny(signed_in.open(authorize_path(client)))

    assert ("access_denied", "a-state", signed_in.url) == (
        back.result["error"],
        back.result["state"],
        back.result["iss"],
    )


def test_boxes_left_empty_are_not_granted(signed_in, http, register):
    """People give what they want to give, and the answer says what that was."""
    client = register().json()
    page = signed_in.open(authorize_path(client, scope="openid email read write"))

    back = signed_in.allow(page, untick=("email",))
    tokens = redeem(http, client, back)

    assert ["write", "email"] == page.scopes
    assert "openid read write" == tokens.json()["scope"]


def test_an_allowed_client_is_remembered(signed_in, register):
    """A confidential https client is the same one next time."""
    client = register().json()
    signed_in.allow(signed_in.open(authorize_path(client)))

    again = signed_in.open(authorize_path(client))
    silent = signed_in.open(authorize_path(client, prompt="none"))
    more = signed_in.open(authorize_path(client, scope="openid write"))
    asked = signed_in.open(authorize_path(client, prompt="consent"))

    assert "code" in again.result
    assert "code" in silent.result
    assert ["write"] == more.scopes
    assert asked.asks_for_consent


@pytest.mark.parametrize(
    ("uri", "members"),
    [
        ("https://app.example/cb", PUBLIC),
        ("http://127.0.0.1/cb", PUBLIC),
        ("http://127.0.0.1/cb", {}),
        ("com.example.app:/cb", PUBLIC),
    ],
    ids=["public-https", "public-loopback", "confidential-loopback", "private-scheme"],
)
def test_who_cannot_be_known_again_is_asked_about_each_time(signed_in, register, uri, members):
    """Any program on the machine can come with this name and this address."""
    client = register(redirect_uris=[uri], **members).json()
    signed_in.allow(signed_in.open(authorize_path(client)))

    again = signed_in.open(authorize_path(client))
    silent = signed_in.open(authorize_path(client, prompt="none"))

    assert again.asks_for_consent
    assert "consent_required" == silent.result["error"]


@pytest.mark.spec("AZ-030")
def test_a_new_clients_first_request_always_asks(signed_in, register):
    """A registration is nobody's consent (goiabada #108, quackback #304)."""
    page = signed_in.open(authorize_path(register().json()))
    silent = signed_in.open(authorize_path(register().json(), prompt="none"))

    assert page.asks_for_consent
    assert "consent_required" == silent.result["error"]


@pytest.mark.spec("AZ-030")
def test_a_silent_request_tells_that_nobody_is_there(browser, register):
    """An invisible frame gets an answer, and no page (Core §3.1.2.6)."""
    back = browser.open(authorize_path(register().json(), prompt="none"))

    assert ("login_required", "a-state") == (back.result["error"], back.result["state"])


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}], ids=str)
@pytest.mark.spec("AZ-031", "C-019")
def test_a_fresh_sign_in_is_asked_for_once(signed_in, register, asked):
    """Who has just signed in again is not asked a third time."""
    client = register().json()
    if "max_age" in asked:
        time.sleep(0.01)  # zero seconds have passed

    login = signed_in.open(authorize_path(client, **asked))
    consent = signed_in.sign_in(login)
    back = signed_in.allow(consent)

    assert (True, True) == (login.asks_to_sign_in, consent.asks_for_consent)
    assert "code" in back.result


@pytest.mark.parametrize(
    ("mode", "mark"), [(None, "?"), ("query", "?"), ("fragment", "#")], ids=str
)
def test_the_answer_travels_as_asked(signed_in, register, mode, mark):
    """Scripts read fragments, servers read queries."""
    uri = "https://app.example/cb?kept=1"
    client = register(redirect_uris=[uri]).json()

    back = signed_in.go_through(authorize_path(client, response_mode=mode))

    separator = "&" if mark == "?" else "#"
    assert back.location.startswith(f"{uri}{separator}code=")


@pytest.mark.spec("AZ-052")
def test_the_answer_travels_in_a_form(signed_in, register):
    """Long answers fit, and nothing of them is in an address (Form Post Response Mode)."""
    client = register().json()

    back = signed_in.go_through(authorize_path(client, response_mode="form_post"))

    assert (200, URI) == (back.status, back.form.action)
    assert {"code", "state", "iss"} == set(back.result)
    assert "form-action https://app.example;" in back.answer.headers["content-security-policy"]


@pytest.mark.spec("AZ-012")
def test_a_request_may_come_in_a_body(browser, register):
    """OpenID Connect Core §3.1.2.1 demands GET and POST."""
    client = register().json()
    query = authorize_path(client).partition("?")[2]

    moved = browser.post(f"{browser.url}/authorize", parse_qsl(query))
    page = browser.follow(moved)

    assert page.asks_to_sign_in


def test_pages_are_kept_nowhere_and_lead_only_back(signed_in, register):
    """What a page holds is for this person at this moment."""
    page = signed_in.open(authorize_path(register().json()))

    policy = page.answer.headers["content-security-policy"]
    assert "no-store" == page.answer.headers["cache-control"]
    assert "form-action 'self' https://app.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert "access-control-allow-origin" not in page.answer.headers


def test_a_person_can_be_asked_on_their_own_machine(signed_in, register):
    """Any port of the address that was registered, and the page says what that means."""
    client = register(redirect_uris=["http://127.0.0.1/cb"], **PUBLIC).json()
    uri = "http://127.0.0.1:49152/cb"

    page = signed_in.open(authorize_path(client, redirect_uri=uri))
    back = signed_in.allow(page)

    assert "127.0.0.1:49152" in page.text
    assert "runs on this computer" in page.text
    assert back.location.startswith(f"{uri}?code=")


@pytest.mark.parametrize("members", [{}, PUBLIC], ids=["confidential", "public"])
@pytest.mark.spec("A-130", "E-114", "E-122", "AZ-014")
def test_nobody_goes_without_pkce(signed_in, register, members):
    """A stolen code is worth nothing to who has no verifier (RFC 9700 §2.1.1)."""
    client = register(**members).json()
    without = {"code_challenge": None, "code_challenge_method": None}

    page = signed_in.open(authorize_path(client, **without))
    plain = signed_in.open(authorize_path(client, code_challenge_method="plain"))

    assert [400, 400] == [page.status, plain.status]
    assert "code_challenge" in page.text


@pytest.mark.spec("A-132")
def test_an_error_of_a_stranger_ends_here_with_a_link_back(browser, register):
    """A link to us must not be the start of somebody's phishing (RFC 9700 §4.11.2)."""
    client = register().json()

    page = browser.open(authorize_path(client, scope="unheard_of"))

    (link,) = page.links
    assert 400 == page.status
    assert link.startswith(f"{URI}?error=invalid_scope&")
    assert "state=a-state" in link


@pytest.mark.parametrize(
    ("kind", "shown", "silent"),
    [
        ("dormant", "unauthorized_client", "unauthorized_client"),
        ("incident", "invalid_client", None),
    ],
)
def test_a_client_that_is_held_asks_nobody(signed_in, http, register, kind, shown, silent):
    """A soft hold is told to the client; under a hard one nothing of it is believed."""
    client = register().json()
    held = http.post(
        f"/api/v1/clients/{client['client_id']}/holds",
        json={"kind": kind, "reason": "for a test"},
        headers=OPERATOR,
    )

    page = signed_in.open(authorize_path(client))
    back = signed_in.open(authorize_path(client, prompt="none"))

    assert held.status_code in {200, 201}, held.text
    assert (400, True) == (page.status, shown in page.text)
    if silent is None:
        assert 400 == back.status
    else:
        assert silent == back.result["error"]
