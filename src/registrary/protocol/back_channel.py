"""What the endpoints share that clients call directly: a form in, an authenticated client."""

from dataclasses import dataclass

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.presented import PresentedId, Refusal
from registrary.core.client import Client
from registrary.protocol.client_credentials import presented_by
from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.protocol.media import is_form
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters

_BASIC = (b"www-authenticate", b'Basic realm="registrary"')


@dataclass(frozen=True, slots=True)
class BackChannel:
    """Reads forms and authenticates clients for one issuer."""

    context: ServerContext
    authenticator: ClientAuthenticator

    def read_form(self, request: HttpRequest) -> Parameters | HttpResponse:
        """Return the form in the body, or the answer that says why there is none."""
        if not is_form(request):
            rule = "content-type: must be application/x-www-form-urlencoded"
            return error_response("invalid_request", rule)
        try:
            return parse_parameters(request.body)
        except ParameterError as error:
            return error_response("invalid_request", str(error))

    async def authenticate(
        self, request: HttpRequest, form: Parameters, *, public: bool
    ) -> Client | HttpResponse:
        """Return the client behind *request*; with *public* one without a secret may come too."""
        presented = presented_by(request, form)
        if isinstance(presented, Refusal):
            return refused(presented)
        if isinstance(presented, PresentedId) and not public:
            return refused(Refusal("invalid_client", "client authentication failed"))
        audiences = frozenset({self.context.issuer.url, self.context.token_endpoint})
        client = await self.authenticator.authenticate(self.context, presented, audiences=audiences)
        return client if isinstance(client, Client) else refused(client)


def refused(refusal: Refusal) -> HttpResponse:
    """Render a refusal; 401 challenges the client (RFC 6749 §5.2)."""
    headers = (_BASIC,) if refusal.code == "invalid_client" else ()
    return error_response(refusal.code, refusal.description, headers=headers)
