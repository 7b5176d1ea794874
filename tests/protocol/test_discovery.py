"""The metadata of an issuer (RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from registrary.testing.server import Stores, free_port, running_server
from tests.protocol.kit import OPERATOR, SERVICE, Issuer, Registered, eventually

DOCUMENTS = ("oauth-authorization-server", "openid-configuration")
TENANT = "https://id.example/tenant"
PUBLIC_MEMBERS = {"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"}  # of our keys' kinds
KEYS = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ]
}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Issuer]:
    """Run a server whose issuer has a path, and return that issuer."""
    folder = tmp_path_factory.mktemp("tenant")
    with (
        running_server(
            folder, "--issuer", TENANT, port=free_port(), dev=False, stores=stores
        ) as running,
        httpx2.Client(base_url=running.url, trust_env=False, timeout=20) as http,
    ):
        yield Issuer(http, TENANT)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.spec(
    "D-004", "D-005", "D-006", "D-007", "D-021", "D-022", "D-023", "D-025", "D-026", "D-029"
)
def test_metadata_is_complete_and_honest(http: httpx2.Client, name: str) -> None:
    """A client configures itself from this alone."""
    response = http.get(f"/.well-known/{name}", headers={"mcp-protocol-version": "2025-06-18"})

    body = response.json()
    issuer = str(http.base_url).rstrip("/")
    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert "*" == response.headers["access-control-allow-origin"]
    assert {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public", "pairwise"],
    }.items() <= body.items()
    assert {"ES256", "RS256"} <= set(body["id_token_signing_alg_values_supported"])
    algorithms = body["token_endpoint_auth_signing_alg_values_supported"]
    assert {"ES256", "RS256"} <= set(algorithms)
    assert "none" not in algorithms
    assert all(value not in (None, [], "") for value in body.values())


@pytest.mark.spec("D-006")
def test_both_documents_say_the_same(http: httpx2.Client) -> None:
    """A client that asks at the other address is at the same server."""
    first, second = (http.get(f"/.well-known/{name}").content for name in DOCUMENTS)

    assert first == second


@pytest.mark.spec("D-023", "D-027", "D-028", "D-029", "D-030", "D-032", "T-17")
def test_every_announced_address_answers(http: httpx2.Client) -> None:
    """Nothing is promised that is not there."""
    body = http.get("/.well-known/oauth-authorization-server").json()
    paths = [
        urlsplit(value).path
        for name, value in body.items()
        if name.endswith(("_endpoint", "jwks_uri"))
    ]

    statuses = {path: http.get(path).status_code for path in paths}

    assert 404 not in statuses.values()
    assert {"/register", "/token", "/jwks", "/authorize", "/introspect", "/revoke"} <= set(paths)
    assert {"none", "private_key_jwt"} <= set(body["token_endpoint_auth_methods_supported"])
    assert {"authorization_code", "client_credentials"} <= set(body["grant_types_supported"])
    assert "none" not in body["introspection_endpoint_auth_methods_supported"]
    assert ["S256"] == body["code_challenge_methods_supported"]
    assert body["request_uri_parameter_supported"] is False


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            "/.well-known/oauth-authorization-server/tenant",
            marks=pytest.mark.spec("D-001"),
            id="oauth-inserted",
        ),
        pytest.param(
            "/tenant/.well-known/openid-configuration",
            marks=pytest.mark.spec("D-002"),
            id="openid-appended",
        ),
        pytest.param(
            "/.well-known/openid-configuration/tenant",
            marks=pytest.mark.spec("D-003", "T-55"),
            id="openid-inserted",
        ),
        pytest.param(
            "/tenant/.well-known/oauth-authorization-server",
            marks=pytest.mark.spec("T-55"),
            id="oauth-appended",
        ),
    ],
)
@pytest.mark.spec("D-006", "D-007", "D-020", "D-021")
def test_an_issuer_with_a_path_is_found_by_every_rule(tenant: Issuer, path: str) -> None:
    """Clients know two rules for two documents, and give up where the one they know fails."""
    answer = tenant.http.get(path)

    body = answer.json()
    addresses = {
        name: value for name, value in body.items() if name.endswith(("_endpoint", "jwks_uri"))
    }
    assert (200, TENANT) == (answer.status_code, body["issuer"])
    assert {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= addresses.keys()
    assert all(value.startswith(f"{TENANT}/") for value in addresses.values())


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("path", ["", "/other", "/tenant/deeper", "/tenan"])
@pytest.mark.spec("D-006")
def test_no_metadata_at_the_address_of_another_issuer(tenant: Issuer, name: str, path: str) -> None:
    """Whoever asks there expects an issuer of that name, and must not be told of this one."""
    answers = [
        tenant.http.get(address)
        for address in (f"/.well-known/{name}{path}", f"{path}/.well-known/{name}")
    ]

    assert [404, 404] == [answer.status_code for answer in answers]


@pytest.mark.spec("D-001", "D-006", "B-002")
def test_what_an_issuer_with_a_path_announces_is_served_there(tenant: Issuer) -> None:
    """The path belongs to every address of the issuer, and to what its tokens say."""
    registered = tenant.register(token=tenant.a_token(), redirect_uris=None, **SERVICE)
    client = Registered(tenant.request, registered)

    assert client.body["registration_client_uri"].startswith(f"{TENANT}/register/")
    assert 200 == client.call("GET").status_code
    assert client.is_active(client.access_token())
    assert 404 == tenant.http.post("/register", json={}).status_code


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/other",
        "https://id.example/other?a=b",
        "https://id.example/other?",
        "https://id.example/other#a",
        "https://id.example/other#",
        "https://id.example/other/",
        "id.example/other",
    ],
)
@pytest.mark.spec("D-020")
def test_an_issuer_is_an_https_address_and_nothing_more(tenant: Issuer, url: str) -> None:
    """From any other name a client could not make the address of the metadata."""
    before = tenant.request("GET", "/api/v1/issuers", headers=OPERATOR).json()

    answer = tenant.request("POST", "/api/v1/issuers", json={"url": url}, headers=OPERATOR)

    assert 400 == answer.status_code
    assert before == tenant.request("GET", "/api/v1/issuers", headers=OPERATOR).json()


@pytest.mark.spec("D-022")
def test_published_keys_are_public_and_say_what_they_are_for(http: httpx2.Client) -> None:
    """A private half that got out, or a key used for the wrong thing, forges every token."""
    body = http.get("/.well-known/openid-configuration").json()
    promised = {name for name in body["id_token_signing_alg_values_supported"] if name[:2] != "HS"}

    def has_keys() -> bool:
        return promised <= {key["alg"] for key in http.get("/jwks").json()["keys"]}

    # The RSA key of a new server comes a moment after its first answers.
    assert eventually(has_keys, wanted=True)
    answer = http.get("/jwks")

    keys = answer.json()["keys"]
    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert {("enc", True), ("sig", False)} == {
        (key.get("use"), key["alg"].startswith("ECDH")) for key in keys
    }
    assert len(keys) == len({key["kid"] for key in keys})
    assert all(key.keys() <= PUBLIC_MEMBERS for key in keys)


@pytest.mark.parametrize(
    ("published", "member", "beside"),
    [
        ("response_types_supported", "response_types", {}),
        ("subject_types_supported", "subject_type", {}),
        ("token_endpoint_auth_methods_supported", "token_endpoint_auth_method", {"jwks": KEYS}),
        ("id_token_signing_alg_values_supported", "id_token_signed_response_alg", {}),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            "token_endpoint_auth_signing_alg",
            {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS},
        ),
        ("scopes_supported", "scope", {}),
    ],
)
@pytest.mark.spec("C-027", "D-024", "D-034", "T-54")
def test_registration_takes_what_is_published_and_nothing_else(
    http: httpx2.Client, register, published: str, member: str, beside
) -> None:
    """Discovery and registration are one source of truth."""
    values = http.get("/.well-known/openid-configuration").json()[published]
    # A secret that signs is judged beside the method that has one.
    fitting = [value for value in values if value != "HS256" or member.startswith("id_token")]
    sent = {value: [value] if member == "response_types" else value for value in fitting}

    taken = {value: register(**{member: one}, **beside) for value, one in sent.items()}
    unknown = ["made up"] if member == "response_types" else "made-up"

    assert sent == {value: answer.json().get(member) for value, answer in taken.items()}
    assert 400 == register(**{member: unknown}, **beside).status_code


@pytest.mark.spec("D-024")
def test_scopes_that_need_approval_are_not_published(http: httpx2.Client) -> None:
    """What is published is what anybody may ask for."""
    body = http.get("/.well-known/openid-configuration").json()

    assert {"openid", "read", "write"} <= set(body["scopes_supported"])
    assert {"admin", "dcr"}.isdisjoint(body["scopes_supported"])


@pytest.mark.parametrize(
    "path", [*(f"/.well-known/{name}" for name in DOCUMENTS), "/jwks", "/api/v1/openapi.json"]
)
def test_what_may_be_cached_says_which_headers_chose_its_issuer(
    http: httpx2.Client, path: str
) -> None:
    """A cache once gave the keys of one issuer to the clients of another."""
    answer = http.get(path)

    named = {name.strip().lower() for name in answer.headers["vary"].split(",")}
    assert "public, max-age=300" == answer.headers["cache-control"]
    assert {"host", "forwarded", "x-forwarded-host", "x-forwarded-proto"} <= named
