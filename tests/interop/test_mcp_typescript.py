"""The MCP SDK for TypeScript, both generations, at an MCP server that wants a token of ours."""

import pytest

from tests.interop.journeys import Journey
from tests.interop.signing_in import LOOPBACK, McpSignIn

SDKS = {
    "@modelcontextprotocol/sdk": "mcp_sdk.mjs",
    "@modelcontextprotocol/client": "mcp_client.mjs",
}


@pytest.fixture(scope="module", params=SDKS)
def called(request: pytest.FixtureRequest, mcp_sign_in: McpSignIn) -> Journey:
    """Call a tool of a server the SDK has never met."""
    return mcp_sign_in(SDKS[request.param])


def test_the_sdk_registers_by_itself(called: Journey):
    """Nobody registers a client by hand for each server that a person may point it at."""
    client = called.result("register")

    assert [LOOPBACK] == client["redirect_uris"]
    assert "none" == client["token_endpoint_auth_method"]


def test_the_tool_sees_a_token_meant_for_its_server(called: Journey):
    """What the server was asked for is what it gets, for the person who allowed it."""
    claims = called.result("call")

    client_id = called.result("register")["client_id"]
    assert (called.issuer, client_id) == (claims["iss"], claims["client_id"])
    assert "read" in claims["scope"].split()


def test_an_expired_token_is_refreshed_on_the_way(called: Journey):
    """The person is not asked again while the program runs."""
    first, second = called.result("call"), called.result("call_refreshed")

    assert first["sub"] == second["sub"]
    assert first["jti"] != second["jti"]
    assert called.result("finish")["refresh_token"] != called.result("tokens")["refresh_token"]
