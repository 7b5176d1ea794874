"""The MCP SDK for Python where the organisation decides, and nobody is asked (ID-JAG)."""

from typing import Any

import anyio
import httpx2
import pytest
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

from registrary.testing.server import ADMIN_TOKEN
from tests.interop.enterprise import Enterprise, enterprise
from tests.interop.mcp_place import mcp_place
from tests.interop.mcp_programs import Storage, session_of, whoami
from tests.interop.places import Place, open_place

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def trust(place: Place, company: Enterprise) -> None:
    """Make the organisation's provider known, as an administrator does."""
    answer = httpx2.post(
        f"{place.issuer}/api/v1/identity-providers",
        json={"url": company.url, "name": "Company", "client_id": "registrary"},
        headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
        timeout=20,
    )
    assert 201 == answer.status_code, answer.text


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_a_program_acts_for_whom_the_organisation_says(tmp_path, method, stores):
    """Enterprise-managed authorization: one decision for everybody, made where people work."""
    document = {
        "client_name": "Interop",
        "grant_types": [JWT_BEARER],
        "token_endpoint_auth_method": method,
        "scope": "read",
    }

    with open_place(tmp_path, stores) as place, mcp_place(place) as mcp, enterprise() as company:
        trust(place, company)
        client = httpx2.post(f"{place.issuer}/register", json=document, timeout=20).json()

        async def ask(audience: str, resource: str) -> str:
            return company.assertion(
                audience=audience, resource=resource, client_id=client["client_id"]
            )

        async def journey() -> dict[str, Any]:
            provider = IdentityAssertionOAuthProvider(
                server_url=mcp,
                storage=Storage(),
                client_id=client["client_id"],
                client_secret=client["client_secret"],
                issuer=place.issuer,
                assertion_provider=ask,
                scope="read",
                token_endpoint_auth_method=method,
            )
            async with session_of(mcp, provider) as session:
                return await whoami(session)

        claims = anyio.run(journey)

    assert (place.issuer, mcp, client["client_id"], "read") == (
        claims["iss"],
        claims["aud"],
        claims["client_id"],
        claims["scope"],
    )
    assert claims["sub"] != client["client_id"]
