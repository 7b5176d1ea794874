"""What comes of a request that a person may answer: a question, and then a code or a refusal."""

from typing import Final

from registrary.authserver.authorization.claims import permitted_claims
from registrary.authserver.authorization.consent import (
    Question,
    consent_key,
    is_remembered,
    question_of,
    remembering,
)
from registrary.authserver.authorization.issuing import Allowed, Issuing
from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.signing_in import asked_claims
from registrary.authserver.context import ServerContext
from registrary.authserver.people.services import by_person
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.people.subjects import subject_of
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.services import ATTEMPTS, ServerServices
from registrary.core.changes import Changes, Delete, Put, Unchanged
from registrary.core.events import Event, Tag
from registrary.core.grants import Authorization, Consent, PushedRequest
from registrary.policy.journal import EVENT_DRAW_BYTES, an_event
from registrary.ports.store import Conflict

USED: Final = Refusal("invalid_request_uri", "request_uri: was used")


class Decisions:
    """Asks and remembers what people decide about clients at one issuer."""

    def __init__(self, services: ServerServices, context: ServerContext) -> None:
        self._services = services
        self._context = context

    async def question(self, request: AuthorizationRequest, signed_in: SignedIn) -> Question:
        """Return what of *request* the person has not decided before."""
        return question_of(request, await self._consent(request, signed_in))

    async def allow(
        self,
        request: AuthorizationRequest,
        signed_in: SignedIn,
        *,
        scope: tuple[str, ...],
        answered: Question | None,
        visit: Visit,
    ) -> Allowed | Refusal:
        """Issue what *request* asks for within *scope*, in one commit with all that follows.

        *scope* is what the person decided for, claims asked by name included.

        *answered* is the question of a page, None when nothing had to be asked. A pushed request
        that has had its answer is refused: it is good for one (RFC 9126 §4). Raises
        `NoSigningKey`.
        """
        authorization = self._authorization(request, signed_in, scope)
        issuing = Issuing(self._services, self._context)
        for _ in range(ATTEMPTS):
            also = await self._also(request, signed_in, scope=scope, answered=answered, visit=visit)
            try:
                return await issuing.issue(
                    request, signed_in, authorization, also=also, visit=visit
                )
            except Conflict:
                if await self._is_spent(request):
                    return USED
        raise Conflict(Consent.kind)

    async def deny(
        self, request: AuthorizationRequest, signed_in: SignedIn, *, visit: Visit
    ) -> None:
        """Write down that the person said no; a pushed request is spent by that too."""
        event = self._event(request, signed_in, Tag.AUTHORIZATION_DENIED, visit=visit)
        await self._services.store.commit(Changes(events=(event,), deletions=_spent(request)))

    def subject(self, request: AuthorizationRequest, signed_in: SignedIn) -> str:
        """Return the name by which the client knows who is signed in."""
        return subject_of(self._context, request.client, signed_in.person)

    async def _also(
        self,
        request: AuthorizationRequest,
        signed_in: SignedIn,
        *,
        scope: tuple[str, ...],
        answered: Question | None,
        visit: Visit,
    ) -> Changes:
        """Return what is committed with it: consent, event, the end of a pushed request."""
        event = self._event(request, signed_in, Tag.AUTHORIZATION_ALLOWED, visit=visit, scope=scope)
        puts: tuple[Put, ...] = ()
        if answered is not None and is_remembered(request):
            earlier = await self._stored(request, signed_in)
            consent = remembering(
                request,
                answered,
                person=signed_in.person.id,
                scope=scope,
                earlier=earlier,
                now=self._services.clock.now(),
            )
            puts = (Put(consent, expected=earlier.revision if earlier else None),)
        pushed = request.source.pushed
        unchanged = (
            ()
            if pushed is None
            else (Unchanged(pushed.kind, pushed.issuer, pushed.key, pushed.revision),)
        )
        return Changes(puts=puts, events=(event,), unchanged=unchanged, deletions=_spent(request))

    async def _consent(self, request: AuthorizationRequest, signed_in: SignedIn) -> Consent | None:
        """Return what is remembered and counts; of some clients nothing does."""
        return await self._stored(request, signed_in) if is_remembered(request) else None

    async def _stored(self, request: AuthorizationRequest, signed_in: SignedIn) -> Consent | None:
        key = consent_key(request, signed_in.person.id)
        return await self._services.store.get(Consent, self._context.id, key)

    async def _is_spent(self, request: AuthorizationRequest) -> bool:
        pushed = request.source.pushed
        if pushed is None:
            return False
        return await self._services.store.get(PushedRequest, pushed.issuer, pushed.id) is None

    def _authorization(
        self, request: AuthorizationRequest, signed_in: SignedIn, scope: tuple[str, ...]
    ) -> Authorization:
        person, session, client = signed_in.person, signed_in.session, request.client
        return Authorization(
            client_id=client.client_id,
            person=person.id,
            subject=self.subject(request, signed_in),
            scope=tuple(name for name in scope if name in request.scope),
            resources=request.resources,
            authorization_details=request.authorization_details,
            claims=permitted_claims(asked_claims(request), scope),
            nonce=request.nonce,
            auth_time=session.auth_time,
            acr=session.acr,
            amr=session.amr,
            session_id=session.session_id,
            client_generation=client.token_generation,
            person_generation=person.generation,
        )

    def _event(
        self,
        request: AuthorizationRequest,
        signed_in: SignedIn,
        tag: Tag,
        *,
        visit: Visit,
        scope: tuple[str, ...] = (),
    ) -> Event:
        occasion = by_person(self._services, self._context.id, signed_in.person.id, visit=visit)
        return an_event(
            occasion,
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=request.client.client_id,
            detail={"scope": list(scope), "resources": list(request.resources)},
        )


def _spent(request: AuthorizationRequest) -> tuple[Delete, ...]:
    pushed = request.source.pushed
    if pushed is None:
        return ()
    return (Delete(pushed.kind, pushed.issuer, pushed.key),)
