"""`oidcc-frontchannel-rp-initiated-logout-certification-test-plan`."""

import pytest

from tests.conformance.discovery import check_addresses
from tests.conformance.leaving import POST_LOGOUT, check_signed_out, leave, request_of
from tests.conformance.pages import frames_of, query_of
from tests.conformance.suite import BASE

pytestmark = pytest.mark.spec("F-083")
FRONT_CHANNEL = f"{BASE}/frontchannel_logout"


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(suite):
    """Clients find that a browser tells them, and of which session."""
    metadata = suite.metadata

    check_addresses(metadata)
    assert "end_session_endpoint" in metadata
    assert metadata["frontchannel_logout_supported"]
    assert metadata["frontchannel_logout_session_supported"]


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token token"])
def test_oidcc_frontchannel_rp_initiated_logout(suite, browser, response_type):
    """The browser of who left loads the client's address, and goes on to the client after."""
    party = suite.register(
        response_type,
        method="client_secret_basic",
        frontchannel_logout_uri=FRONT_CHANNEL,
        frontchannel_logout_session_required=True,
        post_logout_redirect_uris=[POST_LOGOUT],
    )
    done = party.sign_in(browser)
    request = request_of(done)

    shown = leave(party, browser, request)

    (frame,) = frames_of(shown)
    (link,) = shown.links
    assert FRONT_CHANNEL == frame.partition("?")[0]
    assert {"iss": suite.issuer, "sid": done.claims["sid"]} == query_of(frame)
    assert POST_LOGOUT == link.partition("?")[0]
    assert {"state": request["state"]} == query_of(link)
    check_signed_out(party, browser)
