"""``/authorize`` (RFC 6749 §3.1, OpenID Connect Core §3.1.2): one address, one conversation.

A GET is judged and answered with a page or the way back. Every page of it posts to the address it
was served from, so each step judges the request anew and reads the client anew: what was suspended
meanwhile stops. A POST without ``csrf`` is a request in a body, and becomes the GET that it means.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from registrary.authserver.authorization.consent import (
    Question,
    allowed_scope,
    details_hash,
    metadata_hash,
)
from registrary.authserver.authorization.deciding import Decisions
from registrary.authserver.authorization.failing import Failure, RequestRefused
from registrary.authserver.authorization.hints import hinted_subject
from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.signing_in import LOGIN_REQUIRED, Standing, must_sign_in
from registrary.authserver.authorization.sources import Requests
from registrary.authserver.authorization.way_back import form_action_source
from registrary.authserver.client_encryption import NoClientKey
from registrary.authserver.context import ServerContext
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.presented import Refusal
from registrary.authserver.services import ServerServices
from registrary.ports.keys import NoSigningKey
from registrary.protocol.authorization_answers import TITLE, Answers, Headers, see_other
from registrary.protocol.authorization_pages import asking_client, consent_values, links_of
from registrary.protocol.back_channel import visit_of
from registrary.protocol.conversation import Conversation, Desk, Reached, digest_of
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.media import is_form
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.sign_in_pages import TICKET

PATH: Final = "/authorize"
# A request line has 16 KiB, and the issuer's path and the protocol need some of it.
LONGEST_QUERY: Final = 15 * 1024

_TOO_LONG: Final = (
    "The application sent more than fits into an address. It should push its request to this "
    "server first (RFC 9126)."
)
_REPEATABLE: Final = frozenset({"resource", "scope"})
_CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "code_verifier", "password"})
_NOT_WHOM: Final = "the person who signed in is not whom the request asks for, or not so surely"
_LATE: Final = "the request is too old; the application has to ask anew"
_NO_KEY: Final = "The application wants its answers encrypted, and no key of it can be used."
_RETRY: Final = ((b"retry-after", b"5"),)
_ALLOWED_MEANWHILE: Final = "This was allowed meanwhile. You can disconnect the application."
_STALE: Final = "The page was open for too long, or something changed. Please decide again."
_NO_REQUEST: Final = "This form holds neither an answer to a page of this server nor a request."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One step of a conversation: the HTTP *request*, what is *asked*, and who is there.

    *started_at* is when the person came with this request, None when they have just come.
    *headers* go out with whatever is answered.
    """

    request: HttpRequest
    asked: AuthorizationRequest
    conversation: Conversation
    signed_in: SignedIn | None
    started_at: datetime | None = None
    headers: Headers = field(default=())

    def reached(self, reached: Reached) -> "_Turn":
        """Return the step as it goes on for who has just signed in."""
        return replace(
            self,
            signed_in=reached.signed_in,
            started_at=reached.started_at,
            headers=reached.headers,
        )


@dataclass(frozen=True, slots=True)
class AuthorizationEndpoint:
    """The authorization endpoint of one issuer."""

    services: ServerServices
    context: ServerContext
    desk: Desk

    async def ask(self, request: HttpRequest) -> HttpResponse | Page:
        """Answer a request in the address, or one that comes back from a way round."""
        return await _answered(self._ask(request))

    async def answer(self, request: HttpRequest) -> HttpResponse | Page:
        """Take the answer to a page of ours, or a request in a body."""
        return await _answered(self._answer(request))

    async def _ask(self, request: HttpRequest) -> HttpResponse | Page:
        turn = await self._turn(request)
        if isinstance(turn, Failure):
            return await self._answers.failed(turn)
        if TICKET in request.query:
            try:
                parameters = parse_parameters(request.query)
            except ParameterError as error:
                return _error(str(error))
            reached = await self.desk.returned(request, parameters, turn.conversation)
            turn = turn if reached is None else turn.reached(reached)
        return await self._go_on(turn)

    async def _answer(self, request: HttpRequest) -> HttpResponse | Page:
        try:
            form = parse_parameters(request.body, repeatable=_REPEATABLE)
        except ParameterError as error:
            return _error(str(error))
        if not form.was_sent("csrf"):
            return _moved(self.context, request, form)
        turn = await self._turn(request)
        if isinstance(turn, Failure):
            return await self._answers.failed(turn)
        if form.was_sent("decision"):
            return await self._decided(turn, form)
        reached = await self.desk.answer(request, form, turn.conversation)
        return await self._go_on(turn.reached(reached)) if isinstance(reached, Reached) else reached

    async def _turn(self, request: HttpRequest) -> _Turn | Failure:
        query = _without_ticket(request.query)
        asked = await self._read(query)
        if isinstance(asked, Failure):
            return asked
        return _Turn(
            request=request,
            asked=asked,
            conversation=_conversation(self.context, query, asked),
            signed_in=await self.desk.who(request),
        )

    async def _read(self, query: str) -> AuthorizationRequest | Failure:
        try:
            values = parse_parameters(query).values
        except ParameterError as error:
            return Failure(code="invalid_request", description=str(error))
        return await Requests(self.services).read(self.context, values)

    async def _go_on(self, turn: _Turn, *, warning: str | None = None) -> HttpResponse | Page:
        """Answer with the next page, or with the way back when there is nothing left to ask."""
        signed_in = await self._sign_in(turn)
        if not isinstance(signed_in, SignedIn):
            return signed_in
        question = await self._decisions.question(turn.asked, signed_in)
        if not question.is_needed:
            return await self._allow(turn, signed_in, scope=question.before, answered=None)
        if turn.asked.is_silent:
            return await self._fail(turn, "consent_required", "the person must be asked")
        return self._consent_page(turn, signed_in, question, warning=warning)

    async def _sign_in(self, turn: _Turn) -> SignedIn | HttpResponse | Page:
        """Return who is signed in if that suffices, else the page that asks, or the failure."""
        asked, signed_in = turn.asked, turn.signed_in
        if self._is_late(turn):
            return await self._fail(turn, "invalid_request_uri", _LATE)
        try:
            hinted = await self._hinted(asked)
        except RequestRefused as refused:
            return await self._fail(turn, refused.code, refused.description)
        need: str | None = LOGIN_REQUIRED
        if signed_in is not None:
            standing = self._standing(turn, signed_in)
            need = must_sign_in(asked, standing, hinted=hinted)
            if need is None:
                return signed_in
            if standing.is_fresh:
                return await self._fail(turn, need, _NOT_WHOM, is_by_person=True)
        if asked.is_silent:
            return await self._fail(turn, need or LOGIN_REQUIRED, "the person must sign in")
        page = await self.desk.ask(turn.request, turn.conversation, started_at=turn.started_at)
        return msgspec.structs.replace(page, headers=(*page.headers, *turn.headers))

    def _is_late(self, turn: _Turn) -> bool:
        """Tell whether the request was no longer good when the person came with it."""
        good_until = turn.asked.source.good_until
        return good_until is not None and good_until <= (
            turn.started_at or self.services.clock.now()
        )

    async def _hinted(self, asked: AuthorizationRequest) -> str | None:
        hint = asked.id_token_hint
        if hint is None:
            return None
        return await hinted_subject(self.services.signer, self.context, asked.client, hint=hint)

    def _standing(self, turn: _Turn, signed_in: SignedIn) -> Standing:
        return Standing(
            session=signed_in.session,
            subject=self._decisions.subject(turn.asked, signed_in),
            started_at=turn.started_at,
            now=self.services.clock.now(),
        )

    def _consent_page(
        self, turn: _Turn, signed_in: SignedIn, question: Question, *, warning: str | None
    ) -> Page:
        started_at = turn.started_at or self.services.clock.now()
        csrf, headers = self.desk.seal(
            turn.request,
            _about(turn, question),
            started_at=started_at,
            session=signed_in.session,
        )
        values = consent_values(
            self.context,
            turn.asked,
            question,
            person=signed_in.person,
            csrf=csrf,
            form_action=form_action_source(turn.asked.way_back.uri),
            warnings=[] if warning is None else [warning],
        )
        status = 200 if warning is None else 403
        return Page("consent", status, values, (*headers, *turn.headers))

    async def _decided(self, turn: _Turn, form: Parameters) -> HttpResponse | Page:
        """Act on what a person decided, if it is theirs and about what they were shown."""
        if turn.signed_in is None:
            return await self._go_on(turn)
        question = await self._decisions.question(turn.asked, turn.signed_in)
        ticket = self.desk.open(turn.request, form, _about(turn, question))
        if ticket is None or ticket.session != turn.signed_in.session.id:
            if form.get("decision") != "allow" and not question.is_needed:
                return _error(_ALLOWED_MEANWHILE)
            return await self._go_on(turn, warning=_STALE)
        turn = replace(turn, started_at=ticket.started_at)
        signed_in = await self._sign_in(turn)
        if not isinstance(signed_in, SignedIn):
            return signed_in
        match form.get("decision"):
            case "allow":
                scope = allowed_scope(
                    turn.asked,
                    question,
                    ticked=form.all("scope"),
                    catalogue=self.context.issuer.scopes,
                )
                if scope or not turn.asked.scope:
                    return await self._allow(turn, signed_in, scope=scope, answered=question)
                return await self._deny(turn, signed_in)
            case "deny":
                return await self._deny(turn, signed_in)
            case _:
                return _error("decision: must be allow or deny")

    async def _deny(self, turn: _Turn, signed_in: SignedIn) -> HttpResponse | Page:
        await self._decisions.deny(turn.asked, signed_in, visit=visit_of(turn.request))
        return await self._fail(turn, "access_denied", "the person said no", is_by_person=True)

    async def _allow(
        self,
        turn: _Turn,
        signed_in: SignedIn,
        *,
        scope: tuple[str, ...],
        answered: Question | None,
    ) -> HttpResponse | Page:
        asked = turn.asked
        # First, so that nothing is issued that the end of the session could not be told about.
        await self.desk.sessions.note_client(
            self.context, signed_in.session, asked.client.client_id
        )
        allowed = await self._decisions.allow(
            asked, signed_in, scope=scope, answered=answered, visit=visit_of(turn.request)
        )
        if isinstance(allowed, Refusal):
            return await self._fail(turn, allowed.code, allowed.description)
        state = asked.way_back.state
        fields = [
            *allowed.fields(),
            *([] if state is None else [("state", state)]),
            ("iss", self.context.issuer.url),  # RFC 9207 §2
        ]
        return await self._answers.sent(asked.client, asked.way_back, fields, headers=turn.headers)

    async def _fail(
        self, turn: _Turn, code: str, description: str, *, is_by_person: bool = False
    ) -> HttpResponse | Page:
        failure = Failure(
            code=code,
            description=description,
            client=turn.asked.client,
            way_back=turn.asked.way_back,
            is_silent=turn.asked.is_silent,
            is_by_person=is_by_person,
        )
        return await self._answers.failed(failure, headers=turn.headers)

    @property
    def _answers(self) -> Answers:
        return Answers(self.services, self.context)

    @property
    def _decisions(self) -> Decisions:
        return Decisions(self.services, self.context)


def _conversation(context: ServerContext, query: str, asked: AuthorizationRequest) -> Conversation:
    return Conversation(
        purpose="authorize",
        digest=digest_of(query),
        return_to=f"{PATH}?{query}",
        client=asking_client(asked),
        links=links_of(context, asked.client),
        login_hint=asked.login_hint,
        form_action=form_action_source(asked.way_back.uri),
        max_age=0 if asked.prompt & {"login", "select_account"} else asked.max_age,
    )


def _about(turn: _Turn, question: Question) -> Conversation:
    """Return the conversation as far as a person answers exactly this *question*.

    A client that changed, or that may ask for more by now, is another question.
    """
    asked = turn.asked
    digest = digest_of(
        turn.conversation.digest,
        " ".join(question.scope),
        " ".join(question.before),
        " ".join(asked.resources),
        details_hash(asked) or "",
        asked.way_back.uri,
        metadata_hash(asked.client),
    )
    return replace(turn.conversation, digest=digest)


def _moved(context: ServerContext, request: HttpRequest, form: Parameters) -> HttpResponse | Page:
    """Return the redirect to the same request in an address (Core §3.1.2.1 allows both).

    What is no request goes into no address: it could be anything, a password even. Nor does what
    a client proves itself with elsewhere, which means nothing here.
    """
    if not is_form(request) or request.query or "client_id" not in form:
        return _error(_NO_REQUEST)
    sent = {name: value for name, value in form.values.items() if name not in _CREDENTIALS}
    query = urlencode(sent, doseq=True, quote_via=quote)
    if len(query) > LONGEST_QUERY:
        return _error(_TOO_LONG, status=413)
    return see_other(f"{urlsplit(context.issuer.url).path}{PATH}?{query}")


def _without_ticket(query: str) -> str:
    """Return *query* as the person first came with it, whatever way round they went since."""
    pairs = (pair for pair in query.split("&") if not pair.startswith(f"{TICKET}="))
    return "&".join(pairs)


async def _answered(answer: Awaitable[HttpResponse | Page]) -> HttpResponse | Page:
    """Return *answer*, or the page in its place where a key is missing to make it with."""
    try:
        return await answer
    except NoSigningKey:
        return Page("temporarily_unavailable", 503, {}, _RETRY)
    except NoClientKey:
        return _error(_NO_KEY)


def _error(message: str, *, status: int = 400) -> Page:
    values = {"title": TITLE, "message": message, "code": "invalid_request"}
    return Page("error", status, values)
