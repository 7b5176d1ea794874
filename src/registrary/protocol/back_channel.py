"""What the endpoints share that clients call directly: a form in, an authenticated client."""

from dataclasses import dataclass

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal, Visit
from registrary.core.client import Client
from registrary.protocol.client_credentials import presented_by
from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.protocol.media import is_form
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters


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
        self,
        request: HttpRequest,
        form: Parameters,
        *,
        public: bool,
        also_known_as: frozenset[str] = frozenset(),
    ) -> Client | HttpResponse:
        """Return the client behind *request*; with *public* one without a secret may come too.

        An assertion is addressed to the issuer, to the token endpoint, or to a name that this
        endpoint is *also_known_as*.
        """
        visit = visit_of(request)
        presented = presented_by(request, form)
        if isinstance(presented, Refusal):
            self.authenticator.count_refused(self.context, visit, presented)
            return refused(presented)
        client = await self.authenticator.authenticate(
            self.context,
            presented,
            audiences=also_known_as | self.context.audiences,
            visit=visit,
            public=public,
        )
        return client if isinstance(client, Client) else refused(client)


def visit_of(request: HttpRequest) -> Visit:
    """Return what is written down of where *request* came from."""
    return Visit(request.path, request.peer, request.request_id)


def refused(refusal: Refusal) -> HttpResponse:
    """Render a refusal; 401 challenges the client (RFC 6749 §5.2)."""
    return error_response(refusal.code, refusal.description)
