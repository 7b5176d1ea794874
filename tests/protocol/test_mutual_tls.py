"""Mutual TLS (RFC 8705) at a server that ends TLS itself."""

import json
import ssl
import time
import warnings
from datetime import timedelta
from ipaddress import ip_address

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from registrary.core.base64url import decode
from registrary.core.jose import load_private_key, sign_jwt
from registrary.core.x509.thumbprints import thumbprint
from registrary.protocol.client_credentials import ASSERTION_TYPE
from registrary.testing.client_certificates import ClientAuthority, HeldCertificate, self_signed
from registrary.testing.hostile.certificates import CertificateAuthority
from registrary.testing.server import Stores, free_port, running_server
from tests.protocol.kit import OPERATOR
from tests.protocol.mutual_tls import GRANTED, NOT_PROVED, Scene, own, pki, verdict
from tests.protocol.wire import connected

ALTERNATIVES = (
    x509.DNSName("client.example"),
    x509.UniformResourceIdentifier("spiffe://example/client"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.RFC822Name("ops@client.example"),
)
BOUND = {"tls_client_certificate_bound_access_tokens": True}
DN = "CN=client,O=Example"


@pytest.fixture(scope="module")
def scene(tmp_path_factory, stores: Stores):
    """Run a server of two workers that asks its callers for certificates."""
    folder = tmp_path_factory.mktemp("mutual-tls")
    authority, port = ClientAuthority(), free_port()
    web = CertificateAuthority()
    certificate, key = web.write_server(folder, "127.0.0.1")
    trust = web.write(folder / "web.pem")
    (folder / "clients.pem").write_bytes(authority.pem)
    config = folder / "registrary.toml"
    config.write_text(
        f"""
        [http]
        tls_certificate = "{certificate}"
        tls_private_key = "{key}"
        tls_client_certificates = "optional"
        tls_client_authorities = "{folder}/clients.pem"
        mtls_host = "localhost:{port}"
        [registration]
        mode = "open"
        """
    )
    options = ("--issuer", f"https://127.0.0.1:{port}", "--config", str(config), "--workers", "2")
    with running_server(
        folder, *options, port=port, dev=False, authority=trust, stores=stores
    ) as server:
        yield Scene(server, server.url, trust, authority, folder)


@pytest.mark.parametrize(
    "subject",
    [
        {"subject_dn": DN},
        {"subject_dn": "cn=\\63lient, 2.5.4.10=EXAMPLE"},
        {"san_dns": "CLIENT.example"},
        {"san_uri": "spiffe://example/client"},
        {"san_ip": "2001:DB8:0::1"},
        {"san_email": "ops@client.example"},
    ],
    ids=["name", "name spelt otherwise", "host", "URI", "address", "mailbox"],
)
@pytest.mark.spec("E-020", "E-104", "E-106")
def test_a_client_is_proved_by_the_one_subject_it_registered(scene, subject):
    """An authority vouches for the name, and the name is the client's (RFC 8705 §2.1)."""
    caller = scene.caller(scene.authority.issue(DN, *ALTERNATIVES))

    answer = caller.token(caller.client_id(**pki(**subject)))

    assert GRANTED == verdict(answer)


def no_certificate(scene: Scene) -> HeldCertificate | None:
    """Present nothing."""
    del scene
    return None


WRONG = {
    "none": no_certificate,
    "of another client": lambda scene: scene.authority.issue(
        "CN=other,O=Example", x509.DNSName("other.example")
    ),
    "same names by another authority": lambda _: ClientAuthority().issue(DN, *ALTERNATIVES),
    "same names, self-signed": lambda _: self_signed(DN),
    "ended": lambda scene: scene.authority.issue(DN, *ALTERNATIVES, valid_for=timedelta(days=-1)),
    "for servers": lambda scene: scene.authority.issue(
        DN, *ALTERNATIVES, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)
    ),
    "name of another kind": lambda scene: scene.authority.issue(
        "CN=client.example,O=client", x509.UniformResourceIdentifier("https://client.example")
    ),
    "the authority's own": lambda scene: scene.authority.own,
}


@pytest.mark.parametrize("registered", [{"subject_dn": DN}, {"san_dns": "client.example"}])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("E-020", "E-104")
def test_another_certificate_proves_nothing(scene, registered, wrong):
    """TLS takes any certificate here, so whatever is wrong with one has to be seen above it."""
    right = scene.caller(scene.authority.issue(DN, *ALTERNATIVES))
    client_id = right.client_id(**pki(**registered))

    answer = scene.caller(wrong(scene)).token(client_id)

    assert NOT_PROVED == verdict(answer)
    assert GRANTED == verdict(right.token(client_id))


@pytest.mark.spec("E-021", "E-105", "E-106")
def test_a_certificate_of_the_clients_own_making_proves_it(scene):
    """No authority is needed: the client registered the certificate itself (RFC 8705 §2.2)."""
    old, new = scene.caller(self_signed("CN=old")), scene.caller(self_signed("CN=new"))
    client_id = old.client_id(**own(old.held, new.held))

    assert [GRANTED, GRANTED] == [verdict(caller.token(client_id)) for caller in (old, new)]


@pytest.mark.parametrize(
    "other",
    [
        no_certificate,
        lambda _: self_signed(DN),
        lambda scene: scene.authority.issue(DN),
        lambda scene: scene.authority.own,
    ],
    ids=["none", "same name", "of an authority", "an authority's own"],
)
@pytest.mark.spec("E-021", "E-105")
def test_a_certificate_nobody_registered_proves_nothing(scene, other):
    """Anybody can make one with the same name."""
    caller = scene.caller(self_signed(DN))
    client_id = caller.client_id(**own(caller.held))

    assert NOT_PROVED == verdict(scene.caller(other(scene)).token(client_id))


def test_a_certificate_is_for_its_own_method_alone(scene):
    """Who registered a secret must not be had with a certificate, nor the other way round."""
    held = scene.authority.issue(DN)
    caller = scene.caller(held)
    secretive = caller.register(jwks={"keys": [held.jwk]}).json()

    by_certificate = caller.token(secretive["client_id"])
    form = {"grant_type": "client_credentials"}
    pair = (caller.client_id(**pki(subject_dn=DN)), secretive["client_secret"])
    by_secret = caller.send("POST", "/token", data=form, auth=pair)

    assert [NOT_PROVED, NOT_PROVED] == [verdict(by_certificate), verdict(by_secret)]


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_a_certificate_proves_a_client_at_every_endpoint(scene, path):
    """Each of them takes the methods of the token endpoint (RFC 7009 §2.1, RFC 7662 §2.1)."""
    caller = scene.caller(self_signed())
    client_id = caller.client_id(**own(caller.held))
    token = caller.token(client_id).json()["access_token"]
    form = {"token": token, "client_id": client_id}

    with_it = caller.send("POST", path, data=form)
    without = scene.caller().send("POST", path, data=form)

    assert [200, 401] == [with_it.status_code, without.status_code]


def test_a_public_client_with_a_certificate_introspects_nothing(scene):
    """A certificate that nobody registered is no credential (RFC 7662 §2.1)."""
    caller = scene.caller(self_signed())
    public = caller.client_id(
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        redirect_uris=["https://app.example/cb"],
    )

    answer = caller.send("POST", "/introspect", data={"token": "x", "client_id": public})

    assert NOT_PROVED == verdict(answer)


@pytest.mark.parametrize(
    "header", ["client-cert", "ssl-client-cert", "x-ssl-client-cert", "x-forwarded-client-cert"]
)
def test_no_header_speaks_for_a_certificate_where_none_is_named(scene, header):
    """Whoever writes headers has proved no key; the certificate itself is public."""
    caller = scene.caller(self_signed())
    client_id = caller.client_id(**own(caller.held))

    answer = scene.caller().token(client_id, {header: f":{caller.held.jwk['x5c'][0]}:"})

    assert NOT_PROVED == verdict(answer)


def test_the_certificate_of_a_proxy_is_not_its_callers(scene):
    """Else every caller of a proxy that has one would be whom it names."""
    caller = scene.caller(self_signed())
    client_id = caller.client_id(**own(caller.held))

    answer = caller.token(client_id, {"x-forwarded-for": "192.0.2.1"})

    assert NOT_PROVED == verdict(answer)


@pytest.mark.spec("E-020", "E-021", "E-022", "E-023")
def test_what_certificates_are_good_for_is_announced(scene):
    """A client reads here whether, and where, it can use its certificate (RFC 8705 §5)."""
    published = scene.caller().send("GET", "/.well-known/openid-configuration").json()

    methods = published["token_endpoint_auth_methods_supported"]
    aliases = published["mtls_endpoint_aliases"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)
    assert published["tls_client_certificate_bound_access_tokens"]
    assert {name: published[name].replace("127.0.0.1", "localhost") for name in aliases} == aliases
    assert {"token_endpoint", "revocation_endpoint", "introspection_endpoint"} <= set(aliases)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        (pki(), "tls_client_auth_subject_dn"),
        (pki(subject_dn=DN, san_dns="client.example"), "tls_client_auth_san_dns"),
        (pki(subject_dn="CLIENTNAME=a"), "tls_client_auth_subject_dn"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "jwks"),
    ],
    ids=["no subject", "two subjects", "a name nobody can compare", "no keys"],
)
@pytest.mark.spec("E-020", "E-021")
def test_a_client_whose_certificate_could_not_be_told_is_refused(scene, members, field):
    """At registration there is somebody to read why."""
    answer = scene.caller().register(**members)

    assert (400, "invalid_client_metadata") == verdict(answer)
    assert field in answer.json()["error_description"]


@pytest.mark.spec("E-024")
def test_a_subject_beside_another_method_is_dropped(scene):
    """It would look as if the certificate counted."""
    answer = scene.caller().register(tls_client_auth_san_dns="client.example")

    assert 201 == answer.status_code
    assert "tls_client_auth_san_dns" not in answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.spec("E-023", "E-100")
def test_an_assertion_may_name_the_token_endpoint_by_either_name(scene, host):
    """A client whose tokens are bound to its certificate is told the other one."""
    caller = scene.caller(self_signed())
    method = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [caller.held.jwk]}}
    client_id = caller.client_id(**method | BOUND)
    der = caller.held.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{scene.url}/token".replace("127.0.0.1", host),
        "jti": f"of {host}",
        "iat": now,
        "exp": now + 60,
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": sign_jwt(claims, load_private_key(der, alg="ES256", kid=None)),
    }

    answer = caller.send("POST", "/token", data=form)

    assert GRANTED == verdict(answer)


# Tokens bound to a certificate


@pytest.mark.spec("E-022")
def test_a_token_names_the_certificate_it_is_bound_to(scene):
    """A resource server compares it with what TLS shows it (RFC 8705 §3.1)."""
    caller = scene.caller(self_signed())
    client_id = caller.client_id(**own(caller.held) | BOUND)

    token = caller.token(client_id).json()["access_token"]
    form = {"token": token, "client_id": client_id}
    inspected = caller.send("POST", "/introspect", data=form).json()

    confirmation = {"x5t#S256": thumbprint(caller.held.der)}
    assert confirmation == claims_of(token)["cnf"]
    assert (True, confirmation) == (inspected["active"], inspected["cnf"])


@pytest.mark.spec("E-022")
def test_a_client_of_any_method_may_have_bound_tokens(scene):
    """How a client proves itself and what its tokens are bound to are two things (§3.4)."""
    caller = scene.caller(self_signed())
    client = caller.register(**BOUND).json()
    form = {"grant_type": "client_credentials"}
    pair = (client["client_id"], client["client_secret"])

    bound = caller.send("POST", "/token", data=form, auth=pair)
    bare = scene.caller().send("POST", "/token", data=form, auth=pair)

    token = bound.json()["access_token"]
    assert {"x5t#S256": thumbprint(caller.held.der)} == claims_of(token)["cnf"]
    assert (400, "invalid_request") == verdict(bare)


@pytest.mark.spec("E-022")
def test_tokens_are_not_bound_unasked(scene):
    """A resource server that sees no certificate could not take them."""
    caller = scene.caller(self_signed())

    token = caller.token(caller.client_id(**own(caller.held))).json()["access_token"]

    assert "cnf" not in claims_of(token)


def claims_of(token):
    """Return what a signed token says, unverified."""
    return json.loads(decode(token.split(".")[1]))


# The TLS that asks


def test_bodies_of_many_records_come_whole_both_ways(scene):
    """A record holds 16 KiB; requests and answers may be longer."""
    keys = [self_signed().jwk for _ in range(20)]
    caller = scene.caller(self_signed())

    with caller.connected() as http:
        answers = [
            http.post("/register", json={"jwks": {"keys": keys}, "redirect_uris": ["https://a/cb"]})
            for _ in range(2)
        ]
        document = http.get("/api/v1/openapi.json", headers=OPERATOR)

    assert [201, 201] == [answer.status_code for answer in answers]
    assert [keys, keys] == [answer.json()["jwks"]["keys"] for answer in answers]
    assert 32 * 1024 < len(document.content)
    assert document.json()["openapi"]


def test_a_caller_who_leaves_the_asking_tls_is_no_fault(scene):
    """Or every closed browser tab would be a line in the log."""
    faults = _faults(scene)
    with connected(scene.url) as plain:
        plain.send(b"GET /healthz HTTP/1.1\r\n\r\n")
        plain.rest()
    with scene.caller(self_signed()).connected() as http:
        http.get("/healthz")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(scene.url, trust_env=False)  # it trusts nobody here, and says so

    assert faults == _faults(scene)


def _faults(scene):
    lines = scene.server.log.read_text().splitlines()
    return [line for line in lines if '"level":"error"' in line or "Traceback" in line]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_arrives_in_either_tls(scene, version):
    """In 1.2 it is asked for in another message than in 1.3."""
    caller = scene.caller(self_signed())
    client_id = caller.client_id(**own(caller.held))
    context = ssl.create_default_context(cafile=scene.trust)
    context.load_cert_chain(*caller.held.write(scene.folder))
    context.minimum_version = context.maximum_version = version

    with httpx2.Client(base_url=scene.url, verify=context, trust_env=False) as http:
        form = {"grant_type": "client_credentials", "client_id": client_id}
        answer = http.post("/token", data=form)

    assert GRANTED == verdict(answer)


def test_the_asking_tls_refuses_old_versions(scene):
    """Older versions are broken (RFC 9325 §3.1.1)."""
    old = ssl.create_default_context(cafile=scene.trust)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1

    with connected(scene.url) as plain, pytest.raises(ssl.SSLError, match="protocol"):
        old.wrap_socket(plain.socket, server_hostname="127.0.0.1")


def test_a_certificate_is_proved_anew_on_each_connection(scene):
    """A session taken up again would answer for a key that nobody has proved since."""
    context = ssl.create_default_context(cafile=scene.trust)
    context.load_cert_chain(*self_signed().write(scene.folder))
    with (
        connected(scene.url) as plain,
        context.wrap_socket(plain.socket, server_hostname="127.0.0.1") as first,
    ):
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        first.recv(1)
        session = first.session
    with (
        connected(scene.url) as plain,
        context.wrap_socket(plain.socket, server_hostname="127.0.0.1", session=session) as second,
    ):
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        second.recv(1)
        is_resumed = second.session_reused

    assert not is_resumed
