import pytest

from registrary.config import Settings, SettingsError, check_for_serving
from registrary.config.checks import CERTIFICATE_HEADERS
from registrary.config.settings import HttpSettings
from registrary.core.metadata import Feature
from registrary.testing.factories import an_issuer
from registrary.web.client_certificates import CertificateHeader
from registrary.wiring.contexts import deployment_of

TLS = {"tls_certificate": "server.pem", "tls_private_key": "server.key"}
HEADER = {"client_certificate_header": "client-cert"}
ASKING = TLS | {"tls_client_certificates": "optional"}


def problem_of(**http):
    """Return why a server would not start with these settings, None where it would."""
    settings = Settings(
        issuer="https://id.example", store="sqlite:///registrary.db", http=HttpSettings(**http)
    )
    try:
        check_for_serving(settings)
    except SettingsError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "http",
    [
        HEADER,
        ASKING,
        HEADER | {"tls_client_authorities": "ca.pem", "mtls_host": "mtls.id.example"},
        ASKING | {"mtls_host": "id.example:8443"},
        HEADER | {"mtls_host": "[2001:db8::1]:8443"},
    ],
)
def test_settings_that_let_certificates_in_are_fine(http):
    """By a proxy's header, or by TLS of our own."""
    assert problem_of(**http) is None


@pytest.mark.parametrize(
    ("http", "rule"),
    [
        (
            {"tls_client_certificates": "optional"},
            "http.tls_client_certificates needs http.tls_certificate",
        ),
        (TLS | {"tls_client_certificates": "required"}, "http.tls_client_certificates must be one"),
        ({"client_certificate_header": "x-cert"}, "http.client_certificate_header must be one of"),
        (
            HEADER | {"trusted_proxies": ()},
            "http.client_certificate_header needs http.trusted_proxies",
        ),
        ({"tls_client_authorities": "ca.pem"}, "http.tls_client_authorities needs"),
        (TLS | {"tls_client_authorities": "ca.pem"}, "http.tls_client_authorities needs"),
        ({"mtls_host": "mtls.id.example"}, "http.mtls_host needs"),
        (HEADER | {"mtls_host": "https://mtls.id.example"}, "http.mtls_host must be HOST or HOST"),
        (HEADER | {"mtls_host": "mtls.id.example/a"}, "http.mtls_host must be HOST or HOST:PORT"),
        (HEADER | {"mtls_host": "MTLS.id.example"}, "http.mtls_host must be HOST or HOST:PORT"),
        (HEADER | {"mtls_host": "a@id.example"}, "http.mtls_host must be HOST or HOST:PORT"),
        (HEADER | {"mtls_host": ""}, "http.mtls_host must be HOST or HOST:PORT"),
    ],
)
def test_settings_that_could_have_no_effect_are_refused(http, rule):
    """An operator who believes that certificates count must not find out later."""
    assert str(problem_of(**http)).startswith(rule)


def test_the_headers_that_can_be_named_are_those_that_can_be_read():
    """The two lists stand in folders that do not know each other."""
    assert set(CERTIFICATE_HEADERS) == set(CertificateHeader)


@pytest.mark.parametrize(
    ("http", "features"),
    [
        ({}, set()),
        (HEADER, {Feature.MUTUAL_TLS}),
        (ASKING, {Feature.MUTUAL_TLS}),
        (
            HEADER | {"tls_client_authorities": "ca.pem"},
            {Feature.MUTUAL_TLS, Feature.CLIENT_AUTHORITIES},
        ),
    ],
    ids=["nothing", "header", "TLS", "authorities"],
)
@pytest.mark.spec("E-023")
def test_only_what_can_succeed_is_offered(http, features):
    """Nobody vouches for anybody without authorities."""
    deployment = deployment_of(Settings(http=HttpSettings(**http)), "https://id.example")

    assert features == deployment.features


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://id.example", "https://mtls.id.example"),
        ("https://id.example/a", "https://mtls.id.example/a"),
        ("https://elsewhere.example", None),
    ],
)
@pytest.mark.spec("E-023")
def test_the_other_name_is_that_of_one_host(url, expected):
    """Issuers of two hosts could have one path, and could not be told apart there."""
    http = HttpSettings(mtls_host="mtls.id.example", client_certificate_header="client-cert")
    deployment = deployment_of(Settings(http=http), "https://id.example")

    assert expected == deployment.mtls_url(an_issuer(url=url))
