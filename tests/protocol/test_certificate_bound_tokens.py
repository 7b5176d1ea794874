"""Tokens bound to a certificate (RFC 8705 §3): what they are worth to whoever finds one."""

import httpx2
import pytest

from registrary.core.x509.thumbprints import thumbprint
from registrary.testing.client_certificates import self_signed
from registrary.testing.server import Stores, running_server
from tests.protocol.flows import PUBLIC, an_app, claims_of
from tests.protocol.kit import error_of
from tests.protocol.people import Browser

BOUND = {"tls_client_certificate_bound_access_tokens": True}
HELD, OTHER = self_signed(), self_signed()


def presenting(held):
    """Return the headers of a proxy that saw the certificate *held*, or none."""
    return {} if held is None else {"client-cert": f":{held.jwk['x5c'][0]}:"}


@pytest.fixture(scope="module")
def app(tmp_path_factory, stores: Stores):
    """Return a public client with bound tokens, at a server behind a proxy."""
    folder = tmp_path_factory.mktemp("bound")
    config = folder / "registrary.toml"
    config.write_text('[http]\nclient_certificate_header = "client-cert"\n')
    with (
        running_server(folder, "--config", str(config), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as http,
    ):
        yield an_app(http, **PUBLIC, **BOUND)


@pytest.fixture
def tokens(app):
    """Let somebody allow the client what it asks for, and return what it gets."""
    with Browser(app.url) as browser:
        code = app.code(browser, scope="openid offline_access")
    answer = app.redeem(code, headers=presenting(HELD))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.spec("E-022")
def test_a_public_client_has_tokens_bound_to_its_certificate(tokens):
    """It proves nothing by the certificate but that the tokens are its own (§4)."""
    confirmation = {"x5t#S256": thumbprint(HELD.der)}

    assert confirmation == claims_of(tokens["access_token"])["cnf"]
    assert "Bearer" == tokens["token_type"]


@pytest.mark.spec("E-022")
def test_a_code_is_not_redeemed_for_tokens_that_are_bound_to_nothing(app):
    """A client that forgot its certificate can come again: the code is not spent."""
    with Browser(app.url) as browser:
        code = app.code(browser)

    bare = app.redeem(code)
    again = app.redeem(code, headers=presenting(HELD))

    assert (400, "invalid_request") == error_of(bare)
    assert 200 == again.status_code


@pytest.mark.parametrize(
    ("held", "status"), [(HELD, 200), (OTHER, 401), (None, 401)], ids=["its own", "another", "none"]
)
@pytest.mark.spec("E-022")
def test_a_stolen_access_token_opens_nothing(app, tokens, held, status):
    """Whoever found it has no key to go with it (§3)."""
    answer = app.userinfo(tokens["access_token"], **presenting(held))

    assert status == answer.status_code


@pytest.mark.parametrize("held", [OTHER, None], ids=["another", "none"])
@pytest.mark.spec("E-022")
def test_a_stolen_refresh_token_is_no_use(app, tokens, held):
    """A public client has nothing else that would stop a thief (§7.1)."""
    stolen = app.refresh(tokens["refresh_token"], headers=presenting(held))
    own = app.refresh(tokens["refresh_token"], headers=presenting(HELD))

    assert 400 == stolen.status_code
    assert 200 == own.status_code
    confirmation = {"x5t#S256": thumbprint(HELD.der)}
    assert confirmation == claims_of(own.json()["access_token"])["cnf"]


def test_a_token_bound_to_nothing_needs_no_certificate(app):
    """Most clients have none, and some have one for another reason."""
    free = an_app(app.http, **PUBLIC)
    with Browser(app.url) as browser:
        token = free.sign_in(browser)["access_token"]

    answers = [free.userinfo(token, **presenting(held)) for held in (None, HELD)]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert "cnf" not in claims_of(token)
