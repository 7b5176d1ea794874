"""An MCP server that wants access tokens of ours: the MCP Python SDK's own, in a thread."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

import httpx2
import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from starlette.requests import Request
from starlette.responses import Response

from tests.interop.places import Place

SCOPE: Final = "read"
START_SECONDS: Final = 20


@dataclass(slots=True)
class Verifier(TokenVerifier):
    """Judges tokens by the published keys of *issuer*; *expired* are those it takes no more."""

    place: Place
    resource: str
    seen: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what *token* says, None unless it is good here."""
        claims = self._claims(token)
        if claims is None or claims["jti"] in self.expired:
            return None
        self.seen.add(claims["jti"])
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims.get("scope", "").split(),
            expires_at=claims["exp"],
            resource=claims["aud"],
            subject=claims["sub"],
            claims=claims,
        )

    def _claims(self, token: str) -> dict[str, Any] | None:
        address = f"{self.place.issuer}/jwks"
        answer = httpx2.get(address, verify=self.place.server.tls, timeout=20)
        keys = KeySet.import_key_set(answer.json())
        try:
            decoded = jwt.decode(token, keys, algorithms=["ES256"])
        except JoseError:
            return None
        claims: dict[str, Any] = decoded.claims
        wanted = {"iss": self.place.issuer, "aud": self.resource}
        is_ours = wanted.items() <= claims.items() and decoded.header["typ"] == "at+jwt"
        return claims if is_ours and claims["exp"] > time.time() else None


@contextmanager
def mcp_place(place: Place) -> Iterator[str]:
    """Run an MCP server protected by the server at *place*; yield its address.

    Its tool ``whoami`` tells what the token says; a POST to ``/expire`` makes it refuse every
    token it has seen.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        config = uvicorn.Config(_app(place, url), log_level="error", access_log=False)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            _wait_until_started(server)
            yield url
        finally:
            server.should_exit = True
            thread.join()


def _app(place: Place, url: str) -> Any:  # Any: an ASGI application, as uvicorn types them
    verifier = Verifier(place, url)
    # Given as text, the addresses stay as they are, without a slash at the end of an origin.
    settings = {"issuer_url": place.issuer, "resource_server_url": url, "required_scopes": [SCOPE]}
    auth = AuthSettings.model_validate(settings | {"validate_token_resource": True})
    server = MCPServer("Interop", token_verifier=verifier, auth=auth, log_level="ERROR")

    @server.tool()
    def whoami() -> dict[str, Any]:
        """Tell what the token says."""
        token = get_access_token()
        return dict(token.claims or {}) if token else {}

    @server.custom_route("/expire", methods=["POST"])
    async def expire(_request: Request) -> Response:
        verifier.expired |= verifier.seen
        return Response(status_code=204)

    return server.streamable_http_app(json_response=True, stateless_http=True)


def _wait_until_started(server: uvicorn.Server) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > end:
            raise RuntimeError("the MCP server did not start")
        time.sleep(0.02)
