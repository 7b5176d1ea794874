"""The MCP SDK for Python at an MCP server that wants a token of ours."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tests.interop.mcp_programs import Program, session_of, whoami
from tests.interop.people import Browser
from tests.interop.places import Place


@pytest.fixture(params=["none", "client_secret_basic", "client_secret_post"])
def program(
    request: pytest.FixtureRequest, open_server: Place, mcp_server: str
) -> Iterator[Program]:
    """Start a program for each way of proving itself that the SDK knows."""
    browser = Browser([open_server.issuer])
    yield Program(mcp_server, browser, method=request.param)
    browser.close()


def test_a_tool_is_called_with_the_persons_consent(program: Program, open_server: Place):
    """From nothing but the server's address to its answer, by the SDK alone."""

    async def journey() -> dict[str, Any]:
        async with session_of(program.mcp, program.provider()) as session:
            return await whoami(session)

    claims = anyio.run(journey)

    assert program.storage.client
    client_id = program.storage.client.client_id
    assert (open_server.issuer, program.mcp, client_id) == (
        claims["iss"],
        claims["aud"],
        claims["client_id"],
    )
    assert 1 == len(program.arrivals)


def test_a_token_past_its_time_is_refreshed(program: Program):
    """The person is asked once, however long the program runs."""

    async def journey() -> tuple[dict[str, Any], dict[str, Any]]:
        provider = program.provider()
        async with session_of(program.mcp, provider) as session:
            first = await whoami(session)
            provider.context.token_expiry_time = 1.0  # as if it had expired long ago
            return first, await whoami(session)

    first, second = anyio.run(journey)

    assert first["sub"] == second["sub"]
    assert first["jti"] != second["jti"]
    assert 1 == len(program.arrivals)
