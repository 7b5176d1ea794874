"""One server, as for certification, and the suite that judges it."""

from collections.abc import Iterator

import httpx2
import pytest
from joserfc.jwk import RSAKey

from registrary.testing.hostile import CertificateAuthority
from registrary.testing.server import RunningServer, Stores, free_port, running_server
from tests.protocol.people import Browser

# What these modules demand is told in full when it is not met, which takes them unimported.
MODULES = (
    *("basic_modules", "discovery", "documents", "judge", "leaving", "operating", "pages"),
    *("relying_party", "suite"),
)
pytest.register_assert_rewrite(*(f"tests.conformance.{name}" for name in MODULES))

from tests.conformance.documents import Documents, open_documents  # noqa: E402 - see above
from tests.conformance.suite import Suite, cleaned, new_key  # noqa: E402 - see above

SETTINGS = """
[registration]
rule_set = "oidf-dynamic"

[http]
tls_certificate = "{certificate}"
tls_private_key = "{key}"
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a development server that speaks TLS and offers what certification asks for."""
    folder = tmp_path_factory.mktemp("certified")
    authority, port = CertificateAuthority("Conformance authority"), free_port()
    certificate, key = authority.write_server(folder, "127.0.0.1")
    config = folder / "registrary.toml"
    config.write_text(SETTINGS.format(certificate=certificate, key=key))
    trust = authority.write(folder / "authority.pem")
    options = ("--config", str(config), "--issuer", f"https://127.0.0.1:{port}")
    with running_server(folder, *options, port=port, authority=trust, stores=stores) as running:
        yield running


@pytest.fixture(scope="session")
def documents() -> Iterator[Documents]:
    """Publish what the server fetches."""
    with open_documents() as documents:
        yield documents


@pytest.fixture(scope="session")
def key() -> RSAKey:
    """Return the key of every client that has no reason for another."""
    return new_key()


@pytest.fixture(scope="session")
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    """Return the suite's own connections."""
    with httpx2.Client(trust_env=False, timeout=20, verify=server.tls) as client:
        yield client


@pytest.fixture
def suite(
    http: httpx2.Client, server: RunningServer, documents: Documents, key: RSAKey
) -> Iterator[Suite]:
    """Return the suite; what a module registers goes with it."""
    with cleaned(Suite(http, server, server.url, documents, key)) as suite:
        yield suite


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    """Return a browser that was never here."""
    with Browser(server.url, verify=server.tls) as browser:
        yield browser
