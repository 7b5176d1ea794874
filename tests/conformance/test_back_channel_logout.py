"""`oidcc-backchannel-rp-initiated-logout-certification-test-plan`."""

import time
from urllib.parse import parse_qs

import pytest

from tests.conformance.discovery import check_addresses
from tests.conformance.judge import SKEW_SECONDS, verified
from tests.conformance.leaving import (
    POST_LOGOUT,
    check_sent_back,
    check_signed_out,
    leave,
    request_of,
)

pytestmark = pytest.mark.spec("F-082")
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(suite):
    """Clients find that they are told, and of which session."""
    metadata = suite.metadata

    check_addresses(metadata)
    assert "end_session_endpoint" in metadata
    assert metadata["backchannel_logout_supported"]
    assert metadata["backchannel_logout_session_supported"]


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token token"])
def test_oidcc_backchannel_rp_initiated_logout(suite, browser, response_type):
    """The client is told by the server that somebody left, whatever the browser does."""
    address = suite.documents.publish(suite.documents.address("backchannel_logout"), {})
    party = suite.register(
        response_type,
        method="client_secret_basic",
        backchannel_logout_uri=address,
        backchannel_logout_session_required=True,
        post_logout_redirect_uris=[POST_LOGOUT],
    )
    done = party.sign_in(browser)
    request = request_of(done)

    shown = leave(party, browser, request)

    check_sent_back(shown, state=request["state"])
    told = suite.documents.await_request(address)
    check_logout_token(party, done, told)
    check_signed_out(party, browser)


def check_logout_token(party, done, told):
    """Check what the client was told (Back-Channel Logout §2.4, §2.5)."""
    form = parse_qs(told.body.decode(), strict_parsing=True)
    claims = verified(form["logout_token"][0], party.suite.keys(), alg="RS256")
    audience = claims["aud"]
    assert ("POST", "application/x-www-form-urlencoded") == (
        told.method,
        told.header("content-type"),
    )
    assert {"logout_token": 1} == {name: len(values) for name, values in form.items()}
    assert party.suite.issuer == claims["iss"]
    assert [party.client["client_id"]] == (audience if isinstance(audience, list) else [audience])
    assert abs(time.time() - claims["iat"]) < SKEW_SECONDS
    assert claims["jti"]
    assert {EVENT: {}} == claims["events"]
    assert done.claims["sid"] == claims["sid"]
    assert done.claims["sub"] == claims.get("sub", done.claims["sub"])
    assert "nonce" not in claims
