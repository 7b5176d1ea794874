"""The MCP Python SDK's authorization routes as a peer: ``mcp_server.py PORT``.

The SDK leaves storage to its user; a dict is the cheapest there is. It has no RFC 7592 and no
client-credentials grant for registered clients, so it takes part in registration only.
"""

import sys

import uvicorn
from mcp.server.auth.provider import OAuthAuthorizationServerProvider
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyHttpUrl
from starlette.applications import Starlette


class MemoryProvider(OAuthAuthorizationServerProvider):
    """Clients in a dict; what the bench never calls stays abstract."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return the client registered as *client_id*."""
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep *client_info* for as long as the process lives."""
        self.clients[client_info.client_id] = client_info


def application(port: int) -> Starlette:
    """Build the SDK's routes for an issuer on *port* of this machine."""
    routes = create_auth_routes(
        MemoryProvider(),
        AnyHttpUrl(f"http://127.0.0.1:{port}"),
        client_registration_options=ClientRegistrationOptions(enabled=True),
    )
    return Starlette(routes=list(routes))


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(application(port), host="127.0.0.1", port=port, log_level="error", access_log=False)
