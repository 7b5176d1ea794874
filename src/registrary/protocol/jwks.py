"""``GET /jwks``: the public keys that verify what this issuer signs (RFC 7517 §5)."""

from dataclasses import dataclass

import msgspec

from registrary.ports.keys import Signer
from registrary.protocol.http import CACHED, JSON, HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class JwksEndpoint:
    """The key set of one issuer."""

    issuer: str
    signer: Signer

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the keys in use, those coming and those going."""
        del request
        jwks = await self.signer.public_jwks(self.issuer)
        return HttpResponse(200, (JSON, *CACHED), msgspec.json.encode(jwks))
