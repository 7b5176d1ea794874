"""Programs that call a tool of an MCP server with the MCP SDK for Python."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread
import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from tests.interop.people import Arrival, Browser
from tests.interop.signing_in import LOOPBACK


@dataclass(slots=True)
class Storage(TokenStorage):
    """Keeps what the SDK asks to keep."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens kept."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep *tokens*."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the registration kept."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration *client_info*."""
        self.client = client_info


@dataclass(slots=True)
class Program:
    """A program that uses the SDK, and the person in front of it."""

    mcp: str
    browser: Browser
    method: str = "none"
    storage: Storage = field(default_factory=Storage)
    arrivals: list[Arrival] = field(default_factory=list)

    def provider(self) -> OAuthClientProvider:
        """Return the SDK's part that gets tokens."""
        return OAuthClientProvider(
            server_url=self.mcp,
            client_metadata=OAuthClientMetadata.model_validate(
                {
                    "client_name": "Interop",
                    "redirect_uris": [LOOPBACK],
                    "grant_types": ["authorization_code", "refresh_token"],
                    "token_endpoint_auth_method": self.method,
                }
            ),
            storage=self.storage,
            redirect_handler=self._open,
            callback_handler=self._callback,
        )

    async def _open(self, url: str) -> None:
        self.arrivals.append(await anyio.to_thread.run_sync(self.browser.visit, url))

    async def _callback(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult.model_validate(self.arrivals[-1].answer)


@asynccontextmanager
async def session_of(mcp: str, provider: httpx2.Auth) -> AsyncIterator[ClientSession]:
    """Connect to the MCP server."""
    async with (
        httpx2.AsyncClient(auth=provider, trust_env=False, timeout=20) as http,
        streamable_http_client(mcp, http_client=http) as (read, write),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


async def whoami(session: ClientSession) -> dict[str, Any]:
    """Return what the token says that the server was shown."""
    result = await session.call_tool("whoami", {})
    claims: dict[str, Any] = result.structured_content or {}
    return claims
