"""Leaving at a client's wish (OpenID Connect RP-Initiated Logout), over HTTP.

The cases are those of the certification plan for RP-initiated logout, by its names, on an issuer
for certification.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import RSAKey

from registrary.core.base64url import decode, encode
from tests.protocol.flows import App, an_app, claims_of
from tests.protocol.people import Browser, Shown

BACK = "https://app.example/signed-out"
WITH_QUERY = "https://app.example/signed-out?lang=en"
NATIVE = "com.example.app:/signed-out"


@pytest.fixture(scope="module")
def app(line) -> App:
    """Return a client that may ask people to leave."""
    return an_app(line, post_logout_redirect_uris=[BACK, WITH_QUERY], client_name="Bookshop")


@pytest.fixture
def id_token(app, browser):
    """Return the ID token of somebody who has just signed in with *browser*."""
    return app.sign_in(browser)["id_token"]


def leave(browser: Browser, **parameters: str | None) -> Shown:
    """Open ``/logout`` with *parameters*, without those that are None."""
    sent = {name: value for name, value in parameters.items() if value is not None}
    return browser.open(f"/logout?{urlencode(sent)}" if sent else "/logout")


def is_signed_in(browser: Browser) -> bool:
    """Tell whether the account page knows who is there."""
    return not browser.open("/account").asks_to_sign_in


def asks(shown: Shown) -> bool:
    """Tell whether this is the page that asks whether to sign out."""
    return shown.status == 200 and ("decision", "logout") in shown.form.buttons


def says_it_is_done(shown: Shown) -> bool:
    """Tell whether this is the page that says so, and leads nowhere."""
    return shown.status == 200 and "You are signed out" in shown.text and not shown.links


def of_nobody(id_token: str) -> str:
    """Return *id_token* with its signature taken away (``alg`` is ``none``)."""
    header = encode(b'{"alg":"none"}')
    return f"{header}.{id_token.split('.')[1]}."


def of_a_stranger(id_token: str) -> str:
    """Return what *id_token* says, signed by a key that is not ours."""
    key = RSAKey.generate_key(2048, parameters={"kid": "stranger"}, private=True)
    header = {"alg": "RS256", "kid": "stranger"}
    return other_jwt.encode(header, claims_of(id_token), key, algorithms=["RS256"])


# --- What a client may ask ----------------------------------------------------------------------


@pytest.mark.spec("C-051", "C-058", "C-059")
def test_discovery_says_how_people_leave(line, certified):
    """oidcc-rp-initiated-logout-discovery-endpoint-verification, and those of the other plans."""
    metadata = line.get("/.well-known/openid-configuration").json()

    assert f"{certified.url}/logout" == metadata["end_session_endpoint"]
    assert {True} == {
        metadata[f"{channel}channel_logout{part}_supported"]
        for channel in ("back", "front")
        for part in ("", "_session")
    }


@pytest.mark.spec("C-050", "C-052", "L-001", "L-002")
def test_who_was_signed_in_goes_back(browser, id_token):
    """oidcc-rp-initiated-logout: nobody is asked twice whether they want what they just did."""
    shown = leave(
        browser, id_token_hint=id_token, post_logout_redirect_uri=BACK, state="a state&more"
    )

    assert f"{BACK}?state=a%20state%26more" == shown.location
    assert not is_signed_in(browser)


def test_a_form_is_as_good_as_an_address(browser, id_token, certified):
    """§2 demands both; a form from another site comes without cookies, so it becomes an address."""
    fields = [("id_token_hint", id_token), ("post_logout_redirect_uri", BACK), ("state", "s")]

    moved = browser.post(f"{certified.url}/logout", fields)
    shown = browser.follow(moved)

    assert f"{BACK}?state=s" == shown.location
    assert not is_signed_in(browser)


def test_no_state_is_added_where_none_was_sent(browser, id_token):
    """oidcc-rp-initiated-logout-no-state."""
    shown = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=BACK)

    assert BACK == shown.location


def test_a_registered_query_is_kept(browser, id_token):
    """What a client put into its address is its own."""
    shown = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=WITH_QUERY, state="s")

    assert f"{WITH_QUERY}&state=s" == shown.location


def test_a_native_application_is_gone_back_to(line, browser):
    """RPIL §2: other schemes than https are for applications."""
    native = an_app(
        line,
        redirect_uris=["com.example.app:/cb"],
        post_logout_redirect_uris=[NATIVE],
        token_endpoint_auth_method="none",
    )
    hint = native.sign_in(browser)["id_token"]

    shown = leave(browser, id_token_hint=hint, post_logout_redirect_uri=NATIVE)

    assert NATIVE == shown.location


def test_without_an_address_people_stay_here(browser, id_token):
    """oidcc-rp-initiated-logout-no-post-logout-redirect-uri."""
    shown = leave(browser, id_token_hint=id_token, state="s")

    assert says_it_is_done(shown)
    assert not is_signed_in(browser)


# --- What is not believed -----------------------------------------------------------------------


BAD = {
    "bad-post-logout-redirect-uri": {"post_logout_redirect_uri": "https://evil.example/"},
    "query-added-to-post-logout-redirect-uri": {"post_logout_redirect_uri": f"{BACK}?foo=bar"},
    "modified-id-token-hint": {"id_token_hint": of_nobody},
    "bad-id-token-hint": {"id_token_hint": of_a_stranger},
    "no-id-token-hint": {"id_token_hint": None},
    "other-client": {"client_id": "another"},
    "no-jwt": {"id_token_hint": "x"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
@pytest.mark.spec("C-052", "L-002", "L-003")
def test_what_cannot_be_believed_leads_nowhere(changes, browser, id_token):
    """oidcc-rp-initiated-logout-*: nobody is sent away, and nobody is signed out unasked."""
    request = {"id_token_hint": id_token, "post_logout_redirect_uri": BACK, "state": "s"}
    for name, change in changes.items():
        request[name] = change(id_token) if callable(change) else change

    shown = leave(browser, **request)

    assert (True, True) == (asks(shown), is_signed_in(browser))


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_believed_leads_nowhere_after_asking(changes, browser, id_token):
    """Pressing the button means leaving, not going where a stranger wants."""
    request = {"id_token_hint": id_token, "post_logout_redirect_uri": BACK, "state": "s"}
    for name, change in changes.items():
        request[name] = change(id_token) if callable(change) else change

    shown = browser.press(leave(browser, **request), ("decision", "logout"))

    assert (True, False) == (says_it_is_done(shown), is_signed_in(browser))


@pytest.mark.parametrize(
    "parameters",
    [{}, {"state": "s"}, {"ui_locales": "de"}],
    ids=["no-params", "only-state", "more"],
)
@pytest.mark.usefixtures("id_token")
def test_who_comes_without_a_reason_is_asked(parameters, browser):
    """oidcc-rp-initiated-logout-no-params, -only-state: a link on any page must sign nobody out."""
    shown = leave(browser, **parameters)

    assert (True, True) == (asks(shown), is_signed_in(browser))


@pytest.mark.usefixtures("id_token")
def test_a_client_that_says_only_who_it_is_gets_a_link(app, browser):
    """§2: without a hint the client may be named; a person decides, and then goes on by hand."""
    request = {
        "client_id": app.body["client_id"],
        "post_logout_redirect_uri": BACK,
        "state": "s",
    }

    asked = leave(browser, **request)
    shown = browser.press(asked, ("decision", "logout"))

    assert "Bookshop" in asked.text
    assert (200, [f"{BACK}?state=s"]) == (shown.status, shown.links)


def test_a_repeated_parameter_is_refused(browser, id_token):
    """Two readers may disagree on which counts."""
    query = urlencode([("id_token_hint", id_token), ("state", "a"), ("state", "b")])

    shown = browser.open(f"/logout?{query}")

    assert (400, True) == (shown.status, is_signed_in(browser))


@pytest.mark.usefixtures("id_token")
def test_a_hint_of_another_session_is_suspect(app, browser, certified):
    """§2: whoever holds an old ID token could sign its person out again and again."""
    with Browser(certified.url) as elsewhere:
        other = app.sign_in(elsewhere)["id_token"]

    shown = leave(browser, id_token_hint=other, post_logout_redirect_uri=BACK)

    assert (True, True) == (asks(shown), is_signed_in(browser))


@pytest.mark.usefixtures("id_token")
def test_after_asking_a_proved_client_gets_its_person_back(app, browser, certified):
    """The hint is ours and the address registered: only whether to leave was in doubt."""
    with Browser(certified.url) as elsewhere:
        other = app.sign_in(elsewhere)["id_token"]
    asked = leave(browser, id_token_hint=other, post_logout_redirect_uri=BACK)

    shown = browser.press(asked, ("decision", "logout"))

    assert (
        "form-action 'self' https://app.example" in asked.answer.headers["content-security-policy"]
    )
    assert BACK == shown.location


def test_a_suspended_client_sends_nobody_anywhere(line, browser):
    """Its address may be somebody else's by now."""
    held = an_app(line, post_logout_redirect_uris=[BACK])
    hint = held.sign_in(browser)["id_token"]
    deleted = line.delete(
        held.body["registration_client_uri"],
        headers={"authorization": f"Bearer {held.body['registration_access_token']}"},
    )

    shown = leave(browser, id_token_hint=hint, post_logout_redirect_uri=BACK)

    assert (204, True) == (deleted.status_code, asks(shown))


# --- Who is asked -------------------------------------------------------------------------------


@pytest.mark.usefixtures("id_token")
def test_who_stays_is_still_there(browser):
    """The other button does what it says."""
    shown = browser.press(leave(browser), ("decision", "stay"))

    assert (True, True) == (shown.location.endswith("/account"), is_signed_in(browser))


@pytest.mark.usefixtures("id_token")
def test_a_button_of_another_site_does_nothing(browser):
    """Without the page's own token a form proves nobody's wish."""
    asked = leave(browser)
    forged = [("csrf", "forged"), ("decision", "logout")]

    shown = browser.post(asked.address, forged)

    assert (403, True) == (shown.status, is_signed_in(browser))


def test_who_is_not_here_goes_back_all_the_same(app, id_token, certified):
    """The session ended while the page of the client was open."""
    with Browser(certified.url) as stranger:
        proved = leave(stranger, id_token_hint=id_token, post_logout_redirect_uri=BACK)
        unproved = leave(stranger, client_id=app.body["client_id"], post_logout_redirect_uri=BACK)
        nothing = leave(stranger)

    assert BACK == proved.location
    assert (200, [BACK]) == (unproved.status, unproved.links)
    assert says_it_is_done(nothing)


# --- What the browser does for other clients ----------------------------------------------------


@pytest.mark.spec("C-056", "C-057", "L-020", "L-021")
def test_clients_are_told_by_frames_that_know_the_session(line, browser):
    """oidcc-frontchannel-rp-initiated-logout: each ends its own session, in its own cookie."""
    framed = [
        an_app(
            line,
            redirect_uris=[f"https://{host}/cb"],
            frontchannel_logout_uri=f"https://{host}/out{query}",
            frontchannel_logout_session_required=True,
            post_logout_redirect_uris=[f"https://{host}/bye"],
        )
        for host, query in (("one.example", ""), ("two.example:8443", "?a=b"))
    ]
    hints = [app.sign_in(browser)["id_token"] for app in framed]

    shown = leave(
        browser, id_token_hint=hints[0], post_logout_redirect_uri="https://one.example/bye"
    )

    claims = claims_of(hints[0])
    told = urlencode({"iss": claims["iss"], "sid": claims["sid"]}).replace("&", "&amp;")
    policy = shown.answer.headers["content-security-policy"]
    assert 200 == shown.status
    assert f'src="https://one.example/out?{told}"' in shown.text
    assert f'src="https://two.example:8443/out?a=b&amp;{told}"' in shown.text
    assert "frame-src https://one.example https://two.example:8443" in policy
    assert ["https://one.example/bye"] == shown.links
    assert not is_signed_in(browser)


@pytest.mark.parametrize("button", ["end_session", "sign_out_everywhere"])
def test_who_signs_out_by_the_account_page_loads_the_frames_too(button, line, browser):
    """A client does not care at which page of ours its person pressed the button."""
    framed = an_app(line, frontchannel_logout_uri="https://app.example/out")
    framed.sign_in(browser)
    page = browser.open("/account")
    own = [one for one in page.form.buttons if one[0] == button]

    shown = browser.press(page, own[-1])

    assert (200, False) == (shown.status, is_signed_in(browser))
    assert 'src="https://app.example/out?iss=' in shown.text


def test_a_client_registers_what_it_wants_to_be_told(line):
    """What was dropped while nobody honoured it is now kept and echoed."""
    members = {
        "post_logout_redirect_uris": [BACK],
        "backchannel_logout_uri": "https://app.example/bcl",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://app.example/fcl",
        "frontchannel_logout_session_required": True,
    }

    made = an_app(line, **members).body

    assert members == {name: made.get(name) for name in members}


def test_an_id_token_names_the_session(id_token):
    """C-059: without ``sid`` a client cannot tell which of its sessions ended."""
    claims = claims_of(id_token)

    assert claims["sid"]


def test_parameters_are_read_as_sent(browser, id_token):
    """A state is data: whatever it holds, it comes back whole and nothing else does."""
    state = "a&b=c#d e\u00e9%2F"

    shown = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=BACK, state=state)

    assert {"state": [state]} == parse_qs(urlsplit(shown.location).query)
    assert b"none" in decode(of_nobody(id_token).split(".")[0])
