"""`oidcc-rp-initiated-logout-certification-test-plan`, for clients with a back channel or none."""

import pytest
from joserfc import jwt

from tests.conformance.discovery import check_addresses
from tests.conformance.judge import header_of, unsigned_claims
from tests.conformance.leaving import (
    LOGOUT,
    POST_LOGOUT,
    check_sent_back,
    check_signed_out,
    leave,
    request_of,
)
from tests.conformance.pages import check_page
from tests.conformance.suite import BASE

pytestmark = pytest.mark.spec("F-081")


@pytest.fixture(params=["code", "id_token"])
def party(request, suite):
    """Return a client that people may be sent back to when they have left."""
    return suite.register(
        request.param, method="client_secret_basic", post_logout_redirect_uris=[POST_LOGOUT]
    )


@pytest.fixture
def done(party, browser):
    """Return what the client knows of somebody who has signed in."""
    return party.sign_in(browser)


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(suite):
    """Clients find where people leave."""
    check_addresses(suite.metadata)
    assert "end_session_endpoint" in suite.metadata


def test_oidcc_rp_initiated_logout(party, browser, done):
    """Who leaves the application leaves here too, and is back at the application."""
    request = request_of(done)

    shown = leave(party, browser, request)

    check_sent_back(shown, state=request["state"])
    check_signed_out(party, browser)


def test_oidcc_rp_initiated_logout_no_state(party, browser, done):
    """Nothing is made up that the client did not send."""
    shown = leave(party, browser, request_of(done, state=None))

    check_sent_back(shown, state=None)
    check_signed_out(party, browser)


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(
            f"{BASE}/never_registered",
            id="oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
        ),
        pytest.param(
            f"{POST_LOGOUT}?foo=bar",
            id="oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
        ),
    ],
)
def test_oidcc_rp_initiated_logout_unregistered_uri(party, browser, done, uri):
    """Nobody is led where the client never said it is at home, asked or not."""
    shown = leave(party, browser, request_of(done, post_logout_redirect_uri=uri))

    check_page(shown)
    check_asks_and_stays(browser, shown)


def test_oidcc_rp_initiated_logout_modified_id_token_hint(party, browser, done):
    """An ID token that anybody could have written proves nothing."""
    _, payload, _ = done.id_token.split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{payload}."

    shown = leave(party, browser, request_of(done, id_token_hint=unsigned))

    assert done.claims == unsigned_claims(unsigned)
    check_page(shown)
    check_asks_and_stays(browser, shown)


@pytest.mark.parametrize("is_swapped", [True, False], ids=["as-in-the-suite", "same-claims"])
def test_oidcc_rp_initiated_logout_bad_id_token_hint(suite, party, browser, done, is_swapped):
    """Nor does one that somebody else signed, though it names our key and says the same."""
    swapped = {"iss": party.client["client_id"], "aud": suite.issuer, "sub": "SubjectID"}
    claims = done.claims | (swapped if is_swapped else {})
    header = {"alg": "RS256", "kid": header_of(done.id_token)["kid"]}
    forged = jwt.encode(header, claims, party.key, algorithms=["RS256"])

    shown = leave(party, browser, request_of(done, id_token_hint=forged))

    check_page(shown)
    check_asks_and_stays(browser, shown)


@pytest.mark.parametrize("is_named", [False, True], ids=["as-in-the-suite", "client_id"])
def test_oidcc_rp_initiated_logout_no_id_token_hint(party, browser, done, is_named):
    """Who proves nothing has people asked, and gets nobody back."""
    name = party.client["client_id"] if is_named else None

    shown = leave(party, browser, request_of(done, id_token_hint=None, client_id=name))

    check_page(shown)
    check_asks_and_stays(browser, shown)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(party, browser, done):
    """Who leaves without an aim is told that it is done."""
    shown = leave(party, browser, request_of(done, post_logout_redirect_uri=None))

    check_page(shown)
    check_signed_out(party, browser)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(set(), id="oidcc-rp-initiated-logout-no-params"),
        pytest.param({"state"}, id="oidcc-rp-initiated-logout-only-state"),
    ],
)
def test_oidcc_rp_initiated_logout_at_ones_own_wish(party, browser, done, kept):
    """Nobody but the person asks, who says so on the page."""
    request = {name: value for name, value in request_of(done).items() if name in kept}
    shown = leave(party, browser, request)

    left = browser.press(shown, LOGOUT)

    check_page(shown)
    check_page(left)
    check_signed_out(party, browser)


def check_asks_and_stays(browser, shown):
    """Check that a page which asks leads nowhere else by the answer either."""
    if "<form" in shown.text:
        check_page(browser.press(shown, LOGOUT))
