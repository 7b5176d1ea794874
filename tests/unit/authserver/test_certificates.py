import pytest

from registrary.authserver.certificates import (
    NOT_BOUND,
    CertificateVerifier,
    certificate_binding,
    holds_bound_token,
)
from registrary.authserver.presented import PresentedCertificate
from registrary.core.grants import Confirmation
from registrary.core.x509.authorities import Authorities
from registrary.core.x509.thumbprints import thumbprint
from registrary.testing.client_certificates import ClientAuthority, self_signed
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.factories import a_client, some_metadata
from tests.unit.authserver.kit import PublishedKeys, Server

pytestmark = pytest.mark.anyio

AUTHORITY = ClientAuthority(now=MOMENT)
HELD, OTHER = self_signed(now=MOMENT), self_signed(now=MOMENT)
URL = "https://client.example/jwks"
BOUND = "tls_client_certificate_bound_access_tokens"


def client_with(**members):
    """Return a client with *members*."""
    return a_client(metadata=some_metadata(**members))


def published(client_keys):
    """Return a client that publishes its keys, and what is fetched of them."""
    remote = PublishedKeys()
    remote.published[URL] = {"keys": client_keys}
    method = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
    return client_with(jwks_uri=URL, **method), remote


@pytest.mark.spec("E-021")
async def test_a_published_certificate_proves_its_client():
    """A client that publishes its keys replaces a certificate without telling us."""
    client, remote = published([{"kty": "EC"}, HELD.jwk])
    verifier = CertificateVerifier(remote, FakeClock())

    assert await verifier.verify(client, HELD.der)
    assert not await verifier.verify(client, OTHER.der)


@pytest.mark.spec("E-021")
async def test_a_certificate_published_since_is_looked_for():
    """What is kept of a document grows old while its client goes on (RFC 8705 §6.3)."""
    client, remote = published([HELD.jwk])
    remote.stale[URL] = {"keys": [OTHER.jwk]}

    assert await CertificateVerifier(remote, FakeClock()).verify(client, HELD.der)


async def test_keys_that_cannot_be_had_prove_nobody():
    """A server that is away must not open the door to everybody."""
    client, remote = published([HELD.jwk])
    remote.published.clear()

    assert not await CertificateVerifier(remote, FakeClock()).verify(client, HELD.der)


@pytest.mark.parametrize(
    "der",
    [b"", b"\x30\x03\x02\x01\x05", HELD.der[:-1], HELD.der + b"\0"],
    ids=["empty", "a number", "cut off", "more"],  # the length of a certificate varies
)
@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
async def test_bytes_that_are_no_certificate_prove_nobody(method, der):
    """A proxy passes on what its caller sent; none of it may be more than a refusal."""
    client = client_with(
        token_endpoint_auth_method=method,
        jwks={"keys": [HELD.jwk]},
        tls_client_auth_subject_dn="CN=client",
    )
    verifier = CertificateVerifier(PublishedKeys(), FakeClock(), Authorities.parse(AUTHORITY.pem))

    assert not await verifier.verify(client, der)


@pytest.mark.parametrize(
    ("authorities", "members"),
    [
        (None, {"tls_client_auth_subject_dn": "CN=client"}),
        (Authorities.parse(AUTHORITY.pem), {}),
        (
            Authorities.parse(AUTHORITY.pem),
            {"tls_client_auth_subject_dn": "CN=client", "tls_client_auth_san_dns": "a.example"},
        ),
    ],
    ids=["nobody vouches", "no subject", "two subjects"],
)
@pytest.mark.spec("E-020")
async def test_a_client_whose_certificate_cannot_be_judged_is_not_proved(authorities, members):
    """A record or a setting that lacks half must not stand for the whole."""
    client = client_with(token_endpoint_auth_method="tls_client_auth", **members)
    verifier = CertificateVerifier(PublishedKeys(), FakeClock(), authorities)

    assert not await verifier.verify(client, AUTHORITY.issue("CN=client").der)


async def test_a_certificate_for_an_unknown_client_is_counted_as_any_other_guess():
    """Guessing ids with a certificate is no quieter than with secrets."""
    server = Server()

    answer = await server.prove(PresentedCertificate("nobody", HELD.der))

    assert "invalid_client" == answer.code
    assert 1 == server.refusals.noted.total()


@pytest.mark.spec("E-022")
def test_tokens_are_bound_to_the_certificate_of_who_asked_for_that():
    """A stolen token is worth nothing without the key (RFC 8705 §3)."""
    client = client_with(**{BOUND: True})

    bound = certificate_binding(client, HELD.der)

    assert Confirmation(x5t_s256=thumbprint(HELD.der)) == bound


@pytest.mark.spec("E-022")
def test_who_asked_for_bound_tokens_gets_no_others():
    """A client that forgets its certificate notices at once, and not its resource servers."""
    client = client_with(**{BOUND: True})

    assert NOT_BOUND == certificate_binding(client, None)


@pytest.mark.parametrize("members", [{}, {BOUND: False}], ids=["absent", "false"])
@pytest.mark.spec("E-022")
def test_nobody_else_gets_bound_tokens(members):
    """A resource server that sees no certificates could not take them."""
    assert certificate_binding(client_with(**members), HELD.der) is None


@pytest.mark.parametrize(
    ("bound_to", "certificate", "expected"),
    [
        (None, None, True),
        (None, HELD.der, True),
        (thumbprint(HELD.der), HELD.der, True),
        (thumbprint(HELD.der), OTHER.der, False),
        (thumbprint(HELD.der), None, False),
        ("", HELD.der, False),
    ],
    ids=["free", "free, with one", "the same", "another", "none", "bound to nothing"],
)
@pytest.mark.spec("E-022")
def test_a_bound_token_is_good_with_its_certificate_alone(bound_to, certificate, expected):
    """Whoever found it has no key to go with it."""
    assert expected == holds_bound_token(bound_to, certificate)
