"""``POST /register`` (RFC 7591 §3): one JSON object in, a client or a reason out."""

from dataclasses import dataclass

import msgspec

from registrary.core.checks import Check, Outcome
from registrary.core.draft import Applicant, PresentedToken
from registrary.core.strict_json import JsonError, parse_object
from registrary.policy.decision import Decision, Refused
from registrary.policy.registering import Previewed
from registrary.protocol.bearer import BearerToken, Unusable, bearer_token, challenge
from registrary.protocol.client_information import client_information
from registrary.protocol.errors import bare_challenge, error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.media import is_json
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.routes import last_segment
from registrary.registrar.context import IssuerContext
from registrary.registrar.registration import Registrar

PREVIEW_PARAMETER = "dry_run"
_WANTED = "the Authorization header must hold an initial access token"
_YES_OR_NO = ("true", "false")
_AUTHORIZATION_CODES = frozenset({"invalid_token", "insufficient_scope", "too_many_requests"})


@dataclass(frozen=True, slots=True)
class RegistrationEndpoint:
    """The registration endpoint of one issuer."""

    context: IssuerContext
    registrar: Registrar

    async def create(self, request: HttpRequest) -> HttpResponse:
        """Register a client; with an initial access token from the header, if there is one."""
        token = bearer_token(request)
        match token:
            case BearerToken(text):
                return await self._register(request, PresentedToken(text))
            case Unusable.ABSENT:
                return await self._register(request, None)
            case _:
                return unusable_token(token, _WANTED)

    async def create_with_path_token(self, request: HttpRequest) -> HttpResponse:
        """Register a client with the initial access token that ends the path."""
        if bearer_token(request) is not Unusable.ABSENT:
            return unusable_token(Unusable.REPEATED, _WANTED)
        return await self._register(request, PresentedToken(last_segment(request), in_path=True))

    async def _register(self, request: HttpRequest, token: PresentedToken | None) -> HttpResponse:
        query = read_query(request)
        if isinstance(query, HttpResponse):
            return query
        applicant = Applicant(token, request.peer, request.request_id)
        if query.was_sent(PREVIEW_PARAMETER):
            wanted = query.get(PREVIEW_PARAMETER)
            if wanted not in _YES_OR_NO:
                # Taken for a no, a mistyped yes would make the client it only asked about.
                return error_response("invalid_request", "dry_run: must be true or false")
            if wanted == "true":
                return await self._preview(request, applicant)
        # Whoever may not register is told so before anybody reads what they sent.
        entry = await self.registrar.enter(self.context, applicant)
        if isinstance(entry, Refused):
            return render_refusal(entry)
        document = read_document(request)
        if isinstance(document, HttpResponse):
            return document
        return self._render(await self.registrar.register(self.context, entry, document))

    async def _preview(self, request: HttpRequest, applicant: Applicant) -> HttpResponse:
        entry = await self.registrar.enter_to_preview(self.context, applicant)
        if isinstance(entry, Refused):
            return render_preview(entry)
        document = parse_document(request)
        if isinstance(document, Refused):
            return render_preview(document)
        return render_preview(await self.registrar.preview(self.context, entry, document))

    def _render(self, decision: Decision) -> HttpResponse:
        if isinstance(decision, Refused):
            return render_refusal(decision)
        token = decision.registration_access_token
        return client_information(
            self.context,
            decision.client,
            status=201,
            token=token.reveal() if token else "",
            client_secret=decision.client_secret,
            pending_scope=decision.pending_scope,
        )


def unusable_token(why: Unusable, wanted: str) -> HttpResponse:
    """Answer a request whose token cannot be read; it is never taken for a stranger's.

    *wanted* tells those who sent none of which kind it must be.
    """
    if why in (Unusable.ABSENT, Unusable.OTHER_SCHEME):
        return bare_challenge(wanted)
    return error_response("invalid_request", why.value, headers=(challenge("invalid_request"),))


def read_query(request: HttpRequest) -> Parameters | HttpResponse:
    """Return the parameters in the address, or the answer that says why they are refused.

    A token among them is never taken (RFC 6750 §2.3), because addresses end up in logs, nor
    ignored, because it is a second credential beside that of the header (§2).
    """
    try:
        query = parse_parameters(request.query)
    except ParameterError as error:
        return error_response("invalid_request", str(error))
    if "access_token" in query:
        rule, headers = "a token must not be in the query", (challenge("invalid_request"),)
        return error_response("invalid_request", rule, headers=headers)
    return query


def read_document(request: HttpRequest) -> dict[str, object] | HttpResponse:
    """Return the JSON object in the body, or the answer that says why there is none."""
    document = parse_document(request)
    return render_refusal(document) if isinstance(document, Refused) else document


def parse_document(request: HttpRequest) -> dict[str, object] | Refused:
    """Return the JSON object in the body, or why there is none (RFC 7591 §3.1)."""
    if not is_json(request):
        return _unreadable("content-type: must be application/json")
    try:
        return parse_object(request.body)
    except JsonError as error:
        return _unreadable(f"the body {error.rule}")


def _unreadable(rule: str) -> Refused:
    check = Check("request body", "RFC 7591 §3.1", Outcome.FAILED, rule)
    return Refused("invalid_request", rule, checks=(check,))


def render_refusal(refused: Refused) -> HttpResponse:
    """Render a refusal; one without credentials is challenged without a code."""
    if refused.is_challenge:
        return bare_challenge(refused.description)
    return error_response(refused.code, refused.description, retry_after=refused.retry_after)


def render_preview(outcome: Previewed | Refused) -> HttpResponse:
    """Render what a registration would come to: 200 whatever it is, once authorized."""
    if isinstance(outcome, Refused) and (
        outcome.code in _AUTHORIZATION_CODES or outcome.is_challenge
    ):
        return render_refusal(outcome)
    body: dict[str, object] = {
        "result": "refused" if isinstance(outcome, Refused) else "accepted",
        "checks": outcome.checks,
    }
    if isinstance(outcome, Refused):
        body["error"] = outcome.code
        body["error_description"] = outcome.description
    elif outcome.pending_scope:
        body["registrary_pending_scope"] = outcome.pending_scope
    return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(body))
