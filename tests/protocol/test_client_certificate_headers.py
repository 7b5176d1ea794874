"""Client certificates that arrive in a header: from a proxy, or from somebody who plays one."""

from contextlib import contextmanager
from urllib.parse import quote

import httpx2
import pytest

from registrary.testing.client_certificates import ClientAuthority, self_signed
from registrary.testing.server import running_server
from tests.protocol.mutual_tls import GRANTED, NOT_PROVED, SERVICE, own, pki, verdict

AUTHORITY = ClientAuthority()
CLIENT, OTHER = self_signed(), self_signed()


def client_cert(held):
    """Write a certificate as RFC 9440 does."""
    return f":{held.jwk['x5c'][0]}:"


def escaped(held):
    """Write a certificate as nginx does."""
    return quote(held.pem.decode(), safe="")


def envoy(held):
    """Write a certificate as Envoy does."""
    return f'Hash=00ff;Cert="{escaped(held)}";Subject="CN=client,O=\\"Example\\"";URI='


FORMS = {
    "client-cert": client_cert,
    "ssl-client-cert": escaped,
    "x-ssl-client-cert": escaped,
    "x-forwarded-client-cert": envoy,
}


@contextmanager
def served(folder, header, stores, *, proxies='["127.0.0.0/8"]'):
    """Run a server that believes *header* of *proxies*; return how to call it."""
    (folder / "clients.pem").write_bytes(AUTHORITY.pem)
    config = folder / "registrary.toml"
    config.write_text(
        f"""
        [http]
        client_certificate_header = "{header}"
        tls_client_authorities = "{folder}/clients.pem"
        trusted_proxies = {proxies}
        """
    )
    with (
        running_server(folder, "--config", str(config), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as http,
    ):
        yield http


def register(http, **members):
    """Register a client; return its id."""
    answer = http.post("/register", json=SERVICE | members)
    assert answer.status_code == 201, answer.text
    return answer.json()["client_id"]


def ask(http, client_id, *headers):
    """Ask for a token with *headers* and return what came of it."""
    form = {"grant_type": "client_credentials", "client_id": client_id}
    return verdict(http.post("/token", data=form, headers=headers))


@pytest.fixture(scope="module", params=FORMS)
def proxied(request, tmp_path_factory, stores):
    """Run a server behind a proxy that passes certificates on in each of the forms."""
    header = request.param
    with served(tmp_path_factory.mktemp(header), header, stores) as http:
        yield http, header, FORMS[header]


@pytest.mark.spec("E-020", "E-021", "E-107")
def test_a_certificate_in_the_named_header_proves_its_client(proxied):
    """The proxy ended TLS, so it is the only one who can tell (RFC 9440 §2.1)."""
    http, header, form = proxied
    issued = AUTHORITY.issue("CN=client,O=Example")
    alone, vouched = (
        register(http, **own(CLIENT)),
        register(http, **pki(subject_dn="CN=client,O=Example")),
    )

    answers = [ask(http, alone, (header, form(CLIENT))), ask(http, vouched, (header, form(issued)))]

    assert [GRANTED, GRANTED] == answers


@pytest.mark.spec("E-104", "E-105")
def test_certificates_behind_a_proxy_are_judged_here(proxied):
    """A proxy that passes on self-signed certificates has verified none of them."""
    http, header, form = proxied
    alone, vouched = register(http, **own(CLIENT)), register(http, **pki(subject_dn="CN=client"))

    answers = [
        ask(http, alone, (header, form(OTHER))),
        ask(http, vouched, (header, form(ClientAuthority().issue("CN=client")))),
        ask(http, vouched, (header, form(self_signed("CN=client")))),
        ask(http, vouched),
    ]

    assert [NOT_PROVED] * 4 == answers


@pytest.mark.spec("E-107")
def test_two_lines_of_the_header_name_nobody(proxied):
    """One is the proxy's and one is smuggled, and nobody can tell which."""
    http, header, form = proxied
    client_id = register(http, **own(CLIENT))
    right, wrong = (header, form(CLIENT)), (header, form(OTHER))

    answers = [
        ask(http, client_id, *pair) for pair in ((right, wrong), (wrong, right), (right, right))
    ]

    assert [NOT_PROVED] * 3 == answers


@pytest.mark.spec("E-107")
def test_every_other_header_is_the_callers_own(proxied):
    """A proxy passes on what it does not know."""
    http, header, form = proxied
    client_id = register(http, **own(CLIENT))
    others = [(name, write(CLIENT)) for name, write in FORMS.items() if name != header]

    assert NOT_PROVED == ask(http, client_id, *others)
    assert NOT_PROVED == ask(http, client_id, *others, (header, form(OTHER)))
    assert GRANTED == ask(http, client_id, *others, (header, form(CLIENT)))


@pytest.mark.parametrize("header", FORMS)
@pytest.mark.spec("E-107")
def test_the_header_of_an_untrusted_peer_is_ignored(tmp_path, header, stores):
    """Whoever reaches the port could be any client: its certificate is no secret."""
    with served(tmp_path, header, stores, proxies='["192.0.2.0/24"]') as http:
        client_id = register(http, **own(CLIENT))

        answer = ask(http, client_id, (header, FORMS[header](CLIENT)))
        claimed = ask(
            http, client_id, (header, FORMS[header](CLIENT)), ("x-forwarded-for", "192.0.2.1")
        )

    assert [NOT_PROVED, NOT_PROVED] == [answer, claimed]


def test_without_authorities_no_client_of_theirs_is_offered_anything(tmp_path, stores):
    """A method that could never succeed is not announced, and not registered."""
    config = tmp_path / "registrary.toml"
    config.write_text('[http]\nclient_certificate_header = "client-cert"\n')
    with (
        running_server(tmp_path, "--config", str(config), stores=stores) as server,
        httpx2.Client(base_url=server.url, trust_env=False) as http,
    ):
        published = http.get("/.well-known/openid-configuration").json()
        refused = http.post("/register", json=SERVICE | pki(subject_dn="CN=client"))

    methods = published["token_endpoint_auth_methods_supported"]
    assert "self_signed_tls_client_auth" in methods
    assert "tls_client_auth" not in methods
    assert (400, "invalid_client_metadata") == verdict(refused)
