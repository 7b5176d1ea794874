"""The metadata of an issuer (RFC 8414, OpenID Connect Discovery)."""

from urllib.parse import urlsplit

import httpx2
import pytest

DOCUMENTS = ("oauth-authorization-server", "openid-configuration")


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.spec(
    "D-001", "D-002", "D-004", "D-005", "D-006", "D-007", "D-021", "D-022", "D-025", "D-026"
)
def test_metadata_is_complete_and_honest(http: httpx2.Client, name: str) -> None:
    """A client configures itself from this alone."""
    response = http.get(f"/.well-known/{name}", headers={"mcp-protocol-version": "2025-06-18"})

    body = response.json()
    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert "*" == response.headers["access-control-allow-origin"]
    assert str(http.base_url).rstrip("/") == body["issuer"]
    assert "RS256" in body["id_token_signing_alg_values_supported"]
    assert all(value not in (None, [], "") for value in body.values())


@pytest.mark.spec("D-020", "D-023", "D-027", "D-028", "D-029", "D-030", "D-032", "T-17")
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
    assert {"/register", "/token", "/jwks", "/authorize"} <= set(paths)
    assert {"none", "private_key_jwt"} <= set(body["token_endpoint_auth_methods_supported"])
    assert ["S256"] == body["code_challenge_methods_supported"]
    assert body["request_uri_parameter_supported"] is False


@pytest.mark.spec("C-027", "D-034")
def test_registration_takes_what_is_published_and_nothing_else(
    http: httpx2.Client, register
) -> None:
    """Discovery and registration are one source of truth."""
    body = http.get("/.well-known/openid-configuration").json()
    algorithms = body["id_token_signing_alg_values_supported"]

    taken = [register(id_token_signed_response_alg=one).status_code for one in algorithms]

    assert {201} == set(taken)
    assert 400 == register(id_token_signed_response_alg="ES512").status_code
