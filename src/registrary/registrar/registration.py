"""Registering a client: parse, gather, screen, gather, decide, commit."""

from datetime import timedelta

from registrary.core.addresses import source_key
from registrary.core.draft import Draft, Facts, RegistrationRequest, SectorDocument
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.records import InitialAccessToken
from registrary.core.secrets import Digest, Prefix, parse_token
from registrary.core.strict_json import JsonError, parse
from registrary.policy.decision import Decision, Refused
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.registering import (
    REGISTRATION_DRAW_BYTES,
    TOO_MANY,
    Previewed,
    Screened,
    Terms,
    decide,
    preview,
    screen,
)
from registrary.ports.fetcher import SECTOR_IDENTIFIER_URI, FetchRefused
from registrary.ports.store import Conflict
from registrary.profiles import dynamic
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import ATTEMPTS, Services


class Registrar:
    """Registers clients (RFC 7591, OpenID Connect Dynamic Client Registration)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def register(self, context: IssuerContext, request: RegistrationRequest) -> Decision:
        """Decide *request* and make the decision durable.

        A race that is lost is decided anew, so a token used up meanwhile ends as refused.
        Raises `Conflict` when even that keeps losing, `StoreUnavailable` when nothing could be
        written; no client exists then.
        """
        draft = dynamic.draft(request, context.offer)
        lost: Conflict | None = None
        for _ in range(ATTEMPTS):
            decision = await self._decide(context, draft)
            if isinstance(decision, Refused):
                await self._note_refusal(context, request, decision)
                return decision
            try:
                await self._services.store.commit(decision.changes)
            except Conflict as error:
                lost = error
                continue
            return decision
        raise lost or Conflict("client")

    async def preview(
        self, context: IssuerContext, request: RegistrationRequest
    ) -> Previewed | Refused:
        """Tell how *request* would be decided; consumes, fetches and stores nothing."""
        draft = dynamic.draft(request, context.offer)
        screened = await self._screen(context, draft)
        return preview(screened) if isinstance(screened, Screened) else screened

    async def _screen(self, context: IssuerContext, draft: Draft) -> Screened | Refused:
        facts = await self._gather(context, draft)
        wait = self._wait(context, draft.request, facts)
        if wait is not None:
            return Refused("too_many_requests", TOO_MANY, retry_after=wait)
        return screen(draft, facts, context.issuer, now=self._services.clock.now())

    async def _decide(self, context: IssuerContext, draft: Draft) -> Decision:
        screened = await self._screen(context, draft)
        if isinstance(screened, Refused):
            return screened
        sector = None
        if screened.resolved.sector_need is not None:
            sector = await self._fetch_sector(screened.resolved.sector_need)
        services = self._services
        terms = Terms(
            issuer=context.issuer,
            occasion=self._occasion(context, draft.request, screened.facts),
            keys=services.credential_keys(),
            draw=services.draw(REGISTRATION_DRAW_BYTES),
        )
        return decide(screened, terms, sector)

    async def _gather(self, context: IssuerContext, draft: Draft) -> Facts:
        """Read what local needs ask for: the record behind a presented token."""
        if draft.request.token is None:
            return Facts()
        parsed = parse_token(draft.request.token.text, Prefix.INITIAL_ACCESS_TOKEN)
        if parsed is None or parsed.locator is None:
            return Facts()
        store = self._services.store
        record = await store.get(InitialAccessToken, context.id, parsed.locator.hex())
        peppers = self._services.secret_keys.peppers()
        # A record that is not there is compared with all the same, to take as long.
        digest = (
            Digest(record.pepper_id, record.mac) if record else Digest(peppers.newest, b"\0" * 32)
        )
        matches = peppers.verify(parsed.token, digest, purpose=Prefix.INITIAL_ACCESS_TOKEN)
        if record is None or not matches:
            return Facts()
        made = await store.counter(context.id, record.counter) if record.uses else 0
        return Facts(initial_access_token=record, uses_made=made)

    def _wait(
        self, context: IssuerContext, request: RegistrationRequest, facts: Facts
    ) -> timedelta | None:
        """Count the request against its principal: token, organisation, else address."""
        limits, services = context.issuer.limits, self._services
        token = facts.initial_access_token
        if token is None:
            key = f"{context.id}:address:{source_key(request.peer) if request.peer else ''}"
            return services.wait_for(key, limits.anonymous_registrations_per_minute)
        keys = [f"{context.id}:token:{token.id}"]
        if token.organization is not None:
            keys.append(f"{context.id}:organization:{token.organization}")
        waits = [services.wait_for(key, limits.registrations_per_minute) for key in keys]
        return max((wait for wait in waits if wait is not None), default=None)

    async def _fetch_sector(self, url: str) -> SectorDocument:
        try:
            fetched = await self._services.fetcher.fetch(url, purpose=SECTOR_IDENTIFIER_URI)
            return SectorDocument(parse(fetched.body))
        except (FetchRefused, JsonError):
            # What went wrong is in the fetcher's log; a stranger gets one text for all of it.
            return SectorDocument(None)

    def _occasion(
        self, context: IssuerContext, request: RegistrationRequest, facts: Facts
    ) -> Occasion:
        token = facts.initial_access_token
        actor = (
            Actor(ActorKind.INITIAL_ACCESS_TOKEN, token.id, request.peer)
            if token
            else Actor(ActorKind.ANONYMOUS, None, request.peer)
        )
        return Occasion(context.id, self._services.clock.now(), actor, request.request_id)

    async def _note_refusal(
        self, context: IssuerContext, request: RegistrationRequest, refused: Refused
    ) -> None:
        """Leave an event for a known token, a count for a stranger."""
        facts = Facts()
        if request.token is not None and refused.code != "too_many_requests":
            facts = await self._gather(context, dynamic.draft(request, context.offer))
        if facts.initial_access_token is None:
            self._services.count_refusal(context.id, request.peer, refused.code)
            return
        event = an_event(
            self._occasion(context, request, facts),
            Tag.REGISTRATION_REFUSED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            outcome="refused",
            reason=refused.code,
            detail={"fields": sorted({problem.field for problem in refused.problems})},
        )
        await self._services.record(event)
