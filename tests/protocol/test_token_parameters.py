"""Nothing that a token request says becomes an address that the server calls (CVE-2026-4874)."""

import socket
from typing import Any

import pytest

from tests.protocol.flows import an_app
from tests.protocol.kit import SERVICE

ADDRESSES = (
    "host",
    "issuer",
    "iss",
    "jwks_uri",
    "jku",
    "request_uri",
    "redirect_uri",
    "client_metadata_uri",
    "registration_client_uri",
    "audience",
    "resource",
    "scope",
    "subject_token_type",
)


@pytest.fixture
def trap():
    """Return a socket that listens, to see who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.mark.parametrize(
    "grant_type",
    [
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
)
def test_no_parameter_is_called(http, trap, grant_type):
    """Whoever may ask for tokens must not be able to look around in the server's network."""
    app = an_app(http, **SERVICE)
    address = f"http://127.0.0.1:{trap.getsockname()[1]}/"
    evil: dict[str, Any] = dict.fromkeys(ADDRESSES, address) | dict.fromkeys(
        ("code", "refresh_token", "assertion", "subject_token"), address
    )

    answers = [
        app.ask("/token", grant_type=grant_type, **evil),
        app.ask("/introspect", token=address, **evil),
        app.ask("/revoke", token=address, **evil),
    ]

    assert [] == [answer.status_code for answer in answers if answer.status_code >= 500]
    with pytest.raises(BlockingIOError):
        trap.accept()
