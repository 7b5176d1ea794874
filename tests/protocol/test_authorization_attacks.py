"""Attacks upon ``/authorize`` that worked elsewhere: each is carried out here, and fails.

The numbers are those of docs/threats.md.
"""

from urllib.parse import parse_qsl, quote

import pytest

from tests.protocol.kit import URI, Registered, bearer
from tests.protocol.people import PKCE, Browser, authorize_path

PUBLIC = {"token_endpoint_auth_method": "none"}
EVIL = "https://evil.example/cb"


@pytest.fixture
def browser(server):
    """Return the browser of the person who is attacked."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture
def attacker(server):
    """Return the browser of somebody else."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture
def client(http, register):
    """Return a confidential client."""
    return Registered(http.request, register())


@pytest.fixture
def consent(browser, client):
    """Return the consent page, with the person signed in."""
    return browser.sign_in(browser.open(authorize_path(client.body)))


def assert_nobody_was_led_away(shown):
    """Check that *shown* is a page of ours, with no way to anywhere."""
    assert 400 <= shown.status < 500, shown.text
    assert "location" not in shown.answer.headers
    assert [] == [link for link in shown.links if "evil" in link]
    assert "evil" not in shown.text


ELSEWHERE = [
    EVIL,
    f"{URI}/../../cb",
    f"{URI}?x=1",
    f"{URI}/",
    URI.upper(),
    "https://app.example.evil.example/cb",
    "https://app.example@evil.example/cb",
    "https://app.example%25@evil.example/cb",
    "https://app.example\\@evil.example/cb",
    "//evil.example/cb",
    "javascript:alert(document.domain)//evil",
    "data:text/html,evil",
    "",
]


@pytest.mark.parametrize("prompt", [None, "none"], ids=str)
@pytest.mark.parametrize("redirect_uri", ELSEWHERE)
@pytest.mark.spec("AZ-001", "AZ-002")
def test_23_26_27_36_47_nobody_is_led_to_another_address(browser, client, redirect_uri, prompt):
    """Codes and people would end at whoever wrote the link."""
    path = authorize_path(client.body, redirect_uri=redirect_uri, prompt=prompt)

    assert_nobody_was_led_away(browser.open(path))


@pytest.mark.parametrize("broken", [{"response_type": "evil"}, {"scope": '"'}, {"prompt": "evil"}])
def test_32_an_error_leads_to_no_unchecked_address(browser, client, broken):
    """CVE-2026-41479: the way of errors forgot the check of the way of answers."""
    path = authorize_path(client.body, redirect_uri=EVIL, **broken)

    assert_nobody_was_led_away(browser.open(path))


@pytest.mark.parametrize(
    "client_id", ["nobody", "", "../client", "01a1fdd8e0979a6ef85ba0e394635c1d"]
)
@pytest.mark.spec("AZ-002")
def test_46_an_unknown_client_has_an_error_page(browser, client_id):
    """Any redirect was accepted of clients that nobody had registered."""
    page = browser.open(authorize_path({"client_id": client_id, "redirect_uris": [EVIL]}))

    assert_nobody_was_led_away(page)


@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:9/cb?evil=1",
        "http://127.0.0.1:9/evil",
        "http://localhost:9/cb",
        "http://[::1]:9/cb",
        "http://127.0.0.1.evil.example:9/cb",
        "http://127.0.0.1:9@evil.example/cb",
        "http://127.1:9/cb",
        "HTTP://127.0.0.1:9/CB",
    ],
)
def test_21_28_29_loopback_relaxes_the_port_and_nothing_else(browser, register, asked):
    """Another path or another spelling belongs to another program."""
    client = register(redirect_uris=["http://127.0.0.1/cb"], **PUBLIC).json()

    page = browser.open(authorize_path(client, redirect_uri=asked))

    assert 400 == page.status
    assert "location" not in page.answer.headers


@pytest.mark.parametrize(
    "name",
    ["client_id", "redirect_uri", "scope", "state", "unheard_of", "registrary_ticket"],
)
@pytest.mark.spec("AZ-010")
def test_53_a_parameter_that_comes_twice_is_refused(browser, client, name):
    """A proxy could have looked at the one, and this server at the other."""
    path = authorize_path(client.body, unheard_of="x")

    page = browser.open(f"{path}&{name}=x&{name}=x")

    assert 400 == page.status
    assert "location" not in page.answer.headers


@pytest.mark.parametrize(
    "name", ["person", "subject", "code_id", "is_verified", "acr", "session_id", "expires_at"]
)
def test_53_a_request_sets_nothing_that_is_the_servers(browser, client, name):
    """CVE-2021-27582: parameters were bound to members of the model."""
    path = f"{authorize_path(client.body)}&{name}=evil"

    back = browser.go_through(path)
    token = client.ask(
        "/token",
        grant_type="authorization_code",
        code=back.result["code"],
        redirect_uri=URI,
        code_verifier=PKCE.verifier,
    )

    assert 200 == token.status_code
    assert "evil" not in token.text


@pytest.mark.spec("AZ-036")
def test_33_a_page_is_answered_by_the_browser_that_got_it(browser, attacker, consent):
    """CVE-2026-27124: consent was taken from whichever browser brought it."""
    fields = [*consent.form.fields, ("decision", "allow")]
    attacker.sign_in(attacker.open(consent.address))

    stolen = attacker.post(consent.address, fields)

    assert (403, True) == (stolen.status, stolen.asks_for_consent)
    assert "location" not in stolen.answer.headers
    assert "code" in browser.allow(consent).result


@pytest.mark.parametrize("csrf", ["", "x", "A" * 400])
def test_33_a_forged_answer_allows_nothing(browser, consent, csrf):
    """Another site can post our form; it cannot know what was in it."""
    form = [("csrf", csrf), ("decision", "allow"), ("scope", "openid")]

    forged = browser.post(consent.address, form)

    assert "location" not in forged.answer.headers
    assert forged.status == 403


def test_33_a_forged_refusal_leads_nobody_away(browser, consent):
    """Else every registered address could be reached by a post from anywhere."""
    forged = browser.post(consent.address, [("csrf", "x"), ("decision", "deny")])

    assert (403, True) == (forged.status, forged.asks_for_consent)


def test_33_an_answer_is_no_answer_to_another_request(browser, client, consent):
    """What was allowed for one state or scope is not allowed for the next."""
    fields = [*consent.form.fields, ("decision", "allow")]
    other = browser.url + authorize_path(client.body, scope="openid write")

    moved = browser.post(other, fields)

    assert (403, True) == (moved.status, moved.asks_for_consent)


def test_33_what_one_person_was_shown_the_next_does_not_answer(browser, consent):
    """Two people share a browser; the page was about the first."""
    fields = [*consent.form.fields, ("decision", "allow")]
    again = browser.open(f"{consent.address}&prompt=login")
    browser.sign_in(again)

    stale = browser.post(consent.address, fields)

    assert (403, True) == (stale.status, stale.asks_for_consent)


def test_20_a_client_is_read_anew_at_each_step(browser, client, consent):
    """CVE-2026-7571: what the browser carried was believed instead of the store."""
    changed = client.update(client_name="Your bank", scope="openid profile email write read")

    answer = browser.allow(consent)

    assert 200 == changed.status_code, changed.text
    assert (403, True) == (answer.status, answer.asks_for_consent)
    assert "Your bank" in answer.text


@pytest.mark.spec("AZ-038")
def test_20_a_client_that_was_deleted_meanwhile_gets_nothing(browser, client, consent):
    """The page was open when it went."""
    client.call("DELETE")

    assert_nobody_was_led_away(browser.allow(consent))


@pytest.mark.spec("AZ-038")
def test_20_a_client_that_was_held_meanwhile_gets_nothing(browser, client, consent, http):
    """A hold that waited for pages to be answered would be no hold."""
    hold = {"kind": "incident", "reason": "it was stolen"}
    placed = http.post(
        f"/api/v1/clients/{client.body['client_id']}/holds",
        json=hold,
        headers=bearer("admin-token-of-a-test-server"),
    )

    assert placed.status_code in {200, 201}, placed.text
    assert_nobody_was_led_away(browser.allow(consent))


def test_24_nothing_of_a_request_is_in_a_cookie(browser, client):
    """CVE-2024-4540: what had been pushed stood in the clear in the browser."""
    pushed = client.ask(
        "/par",
        response_type="code",
        redirect_uri=URI,
        scope="openid",
        login_hint="a-secret-hint",
        state="a-secret-state",
        code_challenge=PKCE.challenge,
        code_challenge_method="S256",
    ).json()
    handle = quote(pushed["request_uri"])

    page = browser.open(f"/authorize?client_id={client.body['client_id']}&request_uri={handle}")

    cookies = page.answer.headers.get_list("set-cookie")
    assert page.asks_to_sign_in
    assert [] == [cookie for cookie in cookies if "secret" in cookie or "rgy_par" in cookie]
    assert "a-secret-state" not in page.text


def test_34_50_no_client_comes_in_on_anothers_consent(browser, client, register):
    """GHSA-c2jp-c369-7pvx: one consent counted for whoever registered."""
    browser.go_through(authorize_path(client.body))
    twin = register().json()

    page = browser.open(authorize_path(twin))
    silent = browser.open(authorize_path(twin, prompt="none"))

    assert page.asks_for_consent
    assert "consent_required" == silent.result["error"]


def test_37_pkce_cannot_be_taken_out_on_the_way(browser, client):
    """CVE-2025-4144: a code without a challenge was redeemed without a verifier."""
    without = authorize_path(client.body, code_challenge=None, code_challenge_method=None)
    back = browser.go_through(authorize_path(client.body))

    stripped = browser.open(without)
    redeemed = client.ask(
        "/token", grant_type="authorization_code", code=back.result["code"], redirect_uri=URI
    )

    assert 400 == stripped.status
    assert (400, "invalid_grant") == (redeemed.status_code, redeemed.json()["error"])


def test_36_the_address_is_checked_where_the_code_is_redeemed_too(browser, client):
    """CVE-2025-4143: it was checked nowhere."""
    back = browser.go_through(authorize_path(client.body))

    redeemed = client.ask(
        "/token",
        grant_type="authorization_code",
        code=back.result["code"],
        redirect_uri=EVIL,
        code_verifier=PKCE.verifier,
    )

    assert (400, "invalid_grant") == (redeemed.status_code, redeemed.json()["error"])


def test_43_the_audience_is_fixed_at_consent(browser, client):
    """GHSA-p2fr-6hmx-4528: tokens were had for whatever the token request named."""
    path = authorize_path(client.body, resource="https://api.example/")
    back = browser.go_through(path)

    redeemed = client.ask(
        "/token",
        grant_type="authorization_code",
        code=back.result["code"],
        redirect_uri=URI,
        code_verifier=PKCE.verifier,
        resource="http://127.0.0.1:1/other",
    )

    assert (400, "invalid_target") == (redeemed.status_code, redeemed.json()["error"])


SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize("mode", [None, "form_post"], ids=str)
def test_54_what_strangers_write_stays_text(browser, register, mode):
    """CVE-2020-10776 and form_post of CVE-2023-6134: names and states became markup."""
    client = register(client_name=f'{SCRIPT}" onload="x').json()
    path = authorize_path(client, response_mode=mode, state=f'"><img src=x>{SCRIPT}')

    login = browser.open(f"{path}&login_hint={quote(SCRIPT)}")
    consent = browser.sign_in(login)
    back = browser.allow(consent)

    for page in (login, consent, back):
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
    assert f'"><img src=x>{SCRIPT}' == back.result["state"]


@pytest.mark.parametrize("state", ["a\r\nset-cookie: evil=1", "a\nb", "a\x00b"], ids=repr)
def test_54_no_state_becomes_a_header(browser, client, state):
    """An answer would be two."""
    page = browser.open(authorize_path(client.body, state=state))

    assert 400 == page.status
    assert "evil" not in str(page.answer.headers)


def test_a_password_never_gets_into_an_address(browser, client):
    """A login form without its field is no authorization request to be sent on."""
    address = browser.url + authorize_path(client.body)

    page = browser.post(address, [("username", "demo"), ("password", "demo"), ("login", "login")])
    bare = browser.post(f"{browser.url}/authorize", [("username", "demo"), ("password", "demo")])

    assert [400, 400] == [page.status, bare.status]
    assert "location" not in page.answer.headers | bare.answer.headers


def test_a_request_too_long_for_an_address_is_told_where_to_go(browser, client):
    """Cutting it would ask another question."""
    asked = parse_qsl(authorize_path(client.body).partition("?")[2])

    page = browser.post(f"{browser.url}/authorize", [*asked, ("claims", "x" * 20_000)])

    assert 413 == page.status
    assert "RFC 9126" in page.text


def test_27_leaving_leads_nobody_to_an_address_that_a_stranger_registered(
    browser, attacker, http, register
):
    """Anybody can register one, sign in once, and send others a link with the ID token."""
    client = Registered(http.request, register(post_logout_redirect_uris=[EVIL]))
    back = attacker.go_through(authorize_path(client.body))
    redeemed = client.ask(
        "/token",
        grant_type="authorization_code",
        code=back.result["code"],
        redirect_uri=URI,
        code_verifier=PKCE.verifier,
    )
    hint = redeemed.json()["id_token"]
    address = f"/logout?id_token_hint={hint}&post_logout_redirect_uri={quote(EVIL, safe='')}"

    page = browser.open(address)
    own = attacker.open(address)

    assert 200 == page.status
    assert [EVIL] == page.links
    assert "<script" not in page.text
    assert EVIL == own.location
