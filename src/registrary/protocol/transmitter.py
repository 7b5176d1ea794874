"""``/.well-known/ssf-configuration``: how security events are sent (Shared Signals §7.1)."""

from typing import Final

import msgspec

from registrary.core.issuer import Issuer
from registrary.policy.security_events import EventType
from registrary.protocol.http import CACHED, JSON, HttpRequest, HttpResponse
from registrary.protocol.routes import Route

NAME: Final = "ssf-configuration"
PUSH: Final = "urn:ietf:rfc:8935"


class TransmitterEndpoint:
    """What one issuer says of itself to those it tells of events; streams are made by hand."""

    def __init__(self, issuer: Issuer) -> None:
        document = {
            "spec_version": "1_0",
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/jwks",
            "delivery_methods_supported": [PUSH],
            "events_supported": [kind.value for kind in EventType],
            "default_subjects": "ALL",
        }
        self._answer = HttpResponse(200, (JSON, *CACHED), msgspec.json.encode(document))

    def route(self) -> Route:
        """Return its well-known address."""
        return Route(f"/.well-known/{NAME}", {"GET": self.show}, cors=True)

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the document."""
        del request
        return self._answer
