"""Registering a client: gather, enter, parse, screen, gather, decide, commit."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from registrary.core.draft import Applicant, Draft, Facts, PresentedToken
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.records import InitialAccessToken, SpentAssertion
from registrary.core.secrets import Digest, Prefix, parse_token
from registrary.policy.decision import Decision, Refused
from registrary.policy.doors import Entry, enter, organization_of
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.quotas import QUOTA_REFUSED, is_quota, quotas_set
from registrary.policy.registering import (
    REGISTRATION_DRAW_BYTES,
    TOO_MANY,
    Previewed,
    Terms,
    decide,
    preview,
    screen,
)
from registrary.ports.store import Conflict
from registrary.profiles import dynamic
from registrary.registrar.context import IssuerContext
from registrary.registrar.sectors import read_sector
from registrary.registrar.services import ATTEMPTS, Services

Document = Mapping[str, Any]  # Any: values of members are any JSON
_STRANGER: Final = Facts()


class Registrar:
    """Registers clients (RFC 7591, OpenID Connect Dynamic Client Registration).

    An applicant enters before its document is read: one who is refused costs no more than that.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def enter(self, context: IssuerContext, applicant: Applicant) -> Entry | Refused:
        """Let *applicant* in to register, which takes a turn of its rate; note a refusal."""
        facts = await self._gather(context, applicant)
        entry = self._judge_entry(context, applicant, facts)
        if isinstance(entry, Refused):
            await self._note_refusal(context, applicant, facts, refused=entry)
        return entry

    async def enter_to_preview(
        self, context: IssuerContext, applicant: Applicant
    ) -> Entry | Refused:
        """Let *applicant* in as `enter` does, to ask and not to act: a refusal is counted."""
        facts = await self._gather(context, applicant)
        entry = self._judge_entry(context, applicant, facts)
        if isinstance(entry, Refused):
            # Nothing is stored, so a token that is known leaves no event here either.
            self._services.count_refusal(context.id, applicant.peer, entry.code)
        return entry

    async def register(self, context: IssuerContext, entry: Entry, document: Document) -> Decision:
        """Decide about *document* and make the decision durable.

        A race that is lost is decided anew, so a token used up meanwhile ends as refused. A
        quota used up meanwhile is no race: nothing is gained by another try.
        Raises `Conflict` when even that keeps losing, `StoreUnavailable` when nothing could be
        written; no client exists then.
        """
        draft = dynamic.draft(document, entry.applicant, context.offer)
        decision = await self._decide(context, draft, entry)
        lost = Conflict("client")
        for _ in range(ATTEMPTS):
            if isinstance(decision, Refused):
                await self._note_refusal(context, entry.applicant, entry.facts, refused=decision)
                return decision
            try:
                await self._services.store.commit(decision.changes)
                return decision
            except Conflict as error:
                lost = error
            if is_quota(lost.what):
                decision = QUOTA_REFUSED
            else:
                decision = await self._decide_again(context, draft, entry)
        raise lost

    async def preview(
        self, context: IssuerContext, entry: Entry, document: Document
    ) -> Previewed | Refused:
        """Tell how *document* would be decided; consumes, fetches and stores nothing."""
        screened = screen(dynamic.draft(document, entry.applicant, context.offer), entry)
        return screened if isinstance(screened, Refused) else preview(screened)

    async def _decide_again(self, context: IssuerContext, draft: Draft, entry: Entry) -> Decision:
        """Decide on what is stored by now; the door may have closed meanwhile."""
        facts = await self._gather(context, entry.applicant)
        found = self._door(context, entry.applicant, facts)
        return found if isinstance(found, Refused) else await self._decide(context, draft, found)

    async def _decide(self, context: IssuerContext, draft: Draft, entry: Entry) -> Decision:
        screened = screen(draft, entry)
        if isinstance(screened, Refused):
            return screened
        services = self._services
        sector = await read_sector(services.fetcher, screened.resolved.sector_need)
        terms = Terms(
            issuer=context.issuer,
            occasion=self._occasion(context, entry.applicant, entry.facts),
            keys=services.credential_keys(),
            draw=services.draw(REGISTRATION_DRAW_BYTES),
        )
        return decide(screened, terms, sector)

    async def _gather(self, context: IssuerContext, applicant: Applicant) -> Facts:
        """Read what local needs ask for: the token's record, and counts where a quota is set."""
        facts = (
            _STRANGER if applicant.token is None else await self._bearer(context, applicant.token)
        )
        counters = quotas_set(context.issuer, organization_of(facts))
        if not counters:
            return facts
        store = self._services.store
        clients = {name: await store.counter(context.id, name) for name in counters}
        return msgspec.structs.replace(facts, clients=clients)

    async def _bearer(self, context: IssuerContext, token: PresentedToken) -> Facts:
        """Return the record behind *token*, and how often it was used."""
        if not token.text.startswith(Prefix.INITIAL_ACCESS_TOKEN) and not token.in_path:
            return await self._access(context, token)
        parsed = parse_token(token.text, Prefix.INITIAL_ACCESS_TOKEN)
        if parsed is None or parsed.locator is None:
            return _STRANGER
        store = self._services.store
        record = await store.get(InitialAccessToken, context.id, parsed.locator.hex())
        peppers = self._services.secret_keys.peppers()
        # A record that is not there is compared with all the same, to take as long.
        digest = (
            Digest(record.pepper_id, record.mac) if record else Digest(peppers.newest, b"\0" * 32)
        )
        matches = peppers.verify(parsed.token, digest, purpose=Prefix.INITIAL_ACCESS_TOKEN)
        if record is None or not matches:
            return _STRANGER
        made = await store.counter(context.id, record.counter) if record.uses else 0
        return Facts(initial_access_token=record, uses_made=made)

    async def _access(self, context: IssuerContext, token: PresentedToken) -> Facts:
        """Return what an access token allows, and whether it served before."""
        services, issuer = self._services, context.issuer
        if services.access_tokens is None or not (
            issuer.clients_may_register or issuer.people_may_register
        ):
            return _STRANGER
        access = await services.access_tokens.registration_access(issuer, token.text)
        if access is None:
            return _STRANGER
        spent = await services.store.get(SpentAssertion, context.id, access.digest)
        return Facts(access=msgspec.structs.replace(access, is_spent=spent is not None))

    def _judge_entry(
        self, context: IssuerContext, applicant: Applicant, facts: Facts
    ) -> Entry | Refused:
        """Take a turn of the rate, then judge at the door."""
        return self._turn(context, applicant, facts) or self._door(context, applicant, facts)

    def _turn(self, context: IssuerContext, applicant: Applicant, facts: Facts) -> Refused | None:
        """Count the request against its principal: token, organisation, else address."""
        services = self._services
        keys = _principals(context, facts)
        if not keys:
            wait = services.wait_for_stranger(context.issuer, applicant.peer)
        else:
            rate = context.issuer.limits.registrations_per_minute
            waits = [services.wait_for(key, rate) for key in keys]
            wait = max((wait for wait in waits if wait is not None), default=None)
        return None if wait is None else Refused("too_many_requests", TOO_MANY, retry_after=wait)

    def _door(self, context: IssuerContext, applicant: Applicant, facts: Facts) -> Entry | Refused:
        return enter(applicant, facts, context.issuer, now=self._services.clock.now())

    def _occasion(self, context: IssuerContext, applicant: Applicant, facts: Facts) -> Occasion:
        kind, name = _actor(facts)
        actor = Actor(kind, name, applicant.peer)
        return Occasion(context.id, self._services.clock.now(), actor, applicant.request_id)

    async def _note_refusal(
        self, context: IssuerContext, applicant: Applicant, facts: Facts, *, refused: Refused
    ) -> None:
        """Leave an event for a known token, a count for a stranger and for who comes too often."""
        if facts.initial_access_token is None or refused.code == "too_many_requests":
            self._services.count_refusal(context.id, applicant.peer, refused.code)
            return
        event = an_event(
            self._occasion(context, applicant, facts),
            Tag.REGISTRATION_REFUSED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            outcome="refused",
            reason=refused.code,
            detail={"fields": sorted({problem.field for problem in refused.problems})},
        )
        await self._services.record(event)


def _principals(context: IssuerContext, facts: Facts) -> list[str]:
    """Return whose rates a request counts against; nobody's for a stranger."""
    token, access = facts.initial_access_token, facts.access
    if access is not None:
        return [f"{context.id}:access:{access.bearer}"]
    if token is None:
        return []
    own = [f"{context.id}:token:{token.id}"]
    if token.organization is not None:
        own.append(f"{context.id}:organization:{token.organization}")
    return own


def _actor(facts: Facts) -> tuple[ActorKind, str | None]:
    """Return who registers, as events say it."""
    token, access = facts.initial_access_token, facts.access
    if token is not None:
        return ActorKind.INITIAL_ACCESS_TOKEN, token.id
    if access is None:
        return ActorKind.ANONYMOUS, None
    if access.person is not None:
        return ActorKind.PERSON, access.person
    return ActorKind.CLIENT, access.client_id
