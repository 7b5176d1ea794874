"""The MCP SDK for Python in programs without a person: client credentials."""

from typing import Any

import anyio
import httpx2
import pytest
from joserfc.jwk import ECKey
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)

from tests.interop.mcp_programs import Storage, session_of, whoami
from tests.interop.places import Place


def register(place: Place, **members: Any) -> dict[str, Any]:
    """Register a client that gets tokens in its own name."""
    document = {"grant_types": ["client_credentials"], "scope": "read", **members}
    answer = httpx2.post(f"{place.issuer}/register", json=document, timeout=20)
    client: dict[str, Any] = answer.json()
    return client


def with_secret(place: Place, mcp: str, method: str) -> OAuthClientProvider:
    """Return the provider of a client with a secret."""
    client = register(place, token_endpoint_auth_method=method)
    return ClientCredentialsOAuthProvider(
        server_url=mcp,
        storage=Storage(),
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        token_endpoint_auth_method=method,  # type: ignore[arg-type] # a case of the table below
        scope="read",
        issuer=place.issuer,
    )


def with_key(place: Place, mcp: str, method: str) -> OAuthClientProvider:
    """Return the provider of a client with a key."""
    key = ECKey.generate_key("P-256", {"kid": "one"})
    client = register(
        place,
        token_endpoint_auth_method=method,
        token_endpoint_auth_signing_alg="ES256",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    client_id = client["client_id"]
    signed = SignedJWTParameters(
        issuer=client_id,
        subject=client_id,
        signing_key=key.as_pem(private=True).decode(),
        signing_algorithm="ES256",
    )
    return PrivateKeyJWTOAuthProvider(
        server_url=mcp,
        storage=Storage(),
        client_id=client_id,
        assertion_provider=signed.create_assertion_provider(),
        scope="read",
        issuer=place.issuer,
    )


@pytest.mark.parametrize(
    ("provider", "method"),
    [
        (with_secret, "client_secret_basic"),
        (with_secret, "client_secret_post"),
        (with_key, "private_key_jwt"),
    ],
    ids=["client_secret_basic", "client_secret_post", "private_key_jwt"],
)
def test_a_service_calls_a_tool_in_its_own_name(
    open_server: Place, mcp_server: str, provider, method
):
    """A nightly job uses the same servers as people do."""
    made = provider(open_server, mcp_server, method)

    async def journey() -> dict[str, Any]:
        async with session_of(mcp_server, made) as session:
            return await whoami(session)

    claims = anyio.run(journey)

    assert (open_server.issuer, mcp_server) == (claims["iss"], claims["aud"])
    assert claims["sub"] == claims["client_id"]
