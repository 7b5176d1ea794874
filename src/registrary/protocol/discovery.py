"""The metadata of an issuer (RFC 8414, OpenID Connect Discovery 1.0).

It is put together from the offer, which registration judges by, and the route table, which
requests are found by; there is nothing here that could disagree with either.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from registrary.authserver.authorization.reading import PROMPTS
from registrary.authserver.people.claims import STANDARD_CLAIMS
from registrary.authserver.people.strength import ACR_VALUES
from registrary.core.issuer import RegistrationMode
from registrary.protocol.http import CACHED, JSON, HttpRequest, HttpResponse
from registrary.protocol.routes import Route
from registrary.registrar.context import IssuerContext

_TOKEN_CLAIMS: Final = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
)
# RFC 8705 §5: where a client may have to present its certificate.
_ALIASED: Final = frozenset(
    {
        "token_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
        "userinfo_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
    }
)


def metadata_of(
    context: IssuerContext, routes: Iterable[Route], *, mtls_url: str | None = None
) -> dict[str, Any]:
    """Return the metadata document; members without a value are left out.

    *mtls_url* is where the issuer asks for certificates, None when that is everywhere or nowhere.
    """
    routes = tuple(routes)
    url = context.issuer.url
    document: dict[str, Any] = {"issuer": url}
    is_closed = context.issuer.mode is RegistrationMode.CLOSED
    for route in routes:
        if route.announced_as and not (is_closed and route.announced_as == "registration_endpoint"):
            document[route.announced_as] = url + route.template
    if mtls_url is not None:
        document["mtls_endpoint_aliases"] = {
            route.announced_as: mtls_url + route.template
            for route in routes
            if route.announced_as in _ALIASED
        }
    document.update(context.offer.announced())
    methods = document["token_endpoint_auth_methods_supported"]
    algorithms = document["token_endpoint_auth_signing_alg_values_supported"]
    for endpoint in ("revocation", "introspection"):
        # RFC 7662 §2.1: introspection is for authenticated callers.
        taken = [name for name in methods if endpoint == "revocation" or name != "none"]
        document[f"{endpoint}_endpoint_auth_methods_supported"] = taken
        document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algorithms
    document["authorization_response_iss_parameter_supported"] = True
    document["claims_parameter_supported"] = True
    document["prompt_values_supported"] = sorted(PROMPTS)
    # Not in the offer: default_acr_values are a wish of clients, and another value may mean more to
    # who vouches for people than to us.
    document["acr_values_supported"] = list(ACR_VALUES)
    document["claims_supported"] = [*_TOKEN_CLAIMS, *STANDARD_CLAIMS]
    return {name: value for name, value in document.items() if value not in ([], None, "")}


class DiscoveryEndpoint:
    """Serves one issuer's metadata from bytes made once."""

    def __init__(
        self, context: IssuerContext, routes: Iterable[Route], *, mtls_url: str | None = None
    ) -> None:
        body = msgspec.json.encode(metadata_of(context, routes, mtls_url=mtls_url))
        self._answer = HttpResponse(200, (JSON, *CACHED), body)

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the metadata."""
        del request
        return self._answer
