"""A client managing itself with its registration access token (RFC 7592)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.secrets import ParsedToken, Prefix, parse_token
from registrary.policy.credentials import find_credential, is_first_use
from registrary.policy.decision import Accepted, Refused
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.registering import Terms
from registrary.policy.updating import (
    UPDATE_DRAW_BYTES,
    Rotation,
    decide_deletion,
    decide_update,
    screen_update,
)
from registrary.ports.store import Conflict
from registrary.registrar.announcing import and_told
from registrary.registrar.context import IssuerContext
from registrary.registrar.sectors import read_sector
from registrary.registrar.services import ATTEMPTS, Services

TOKEN_REFUSED: Final = Refused("invalid_token", "the registration access token is not valid")
TOO_MANY: Final = "too many changes of one client; try again later"


class Visit(msgspec.Struct, frozen=True):
    """One request at a client's own address: which client, with which token, from where.

    *client_id* is empty where the address could not be read.
    """

    client_id: str
    token: str
    peer: str
    request_id: str = ""

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return f"Visit({self.client_id})"


class Manager:
    """Reads, replaces and deletes registrations for the clients themselves."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def read(self, context: IssuerContext, visit: Visit) -> Client | Refused:
        """Return the client *visit* is for."""
        return await self._enter(context, visit)

    async def enter(self, context: IssuerContext, visit: Visit) -> Client | Refused:
        """Return the client *visit* is for, which takes one of its turns to change something."""
        client = await self._enter(context, visit)
        if isinstance(client, Refused):
            return client
        key = f"{context.id}:client:{client.client_id}"
        wait = self._services.wait_for(key, context.issuer.limits.updates_per_minute)
        if wait is None:
            return client
        refused = Refused("too_many_requests", TOO_MANY, retry_after=wait)
        self._services.count_refusal(context.id, visit.peer, refused.code)
        return refused

    async def update(
        self,
        context: IssuerContext,
        visit: Visit,
        client: Client,
        *,
        document: Mapping[str, Any],  # Any: values of members are any JSON
        rotation: Rotation | None = None,
    ) -> Accepted | Refused:
        """Replace the whole registration of *client*, which entered, by *document*.

        One that loses against another is decided again on what is stored by then; raises
        `Conflict` when it keeps losing. Nothing has changed then.
        """
        current: Client | Refused = client
        for _ in range(ATTEMPTS):
            if isinstance(current, Refused):
                return current
            decision = await self._decide_update(context, visit, current, document, rotation)
            if isinstance(decision, Refused):
                await self._note(context, visit, Tag.CLIENT_UPDATE_REFUSED, reason=decision.code)
                return decision
            try:
                if decision.changes.puts:
                    await self._services.store.commit(decision.changes)
                return decision
            except Conflict:
                current = await self._enter(context, visit)
        raise Conflict("client")

    async def delete(self, context: IssuerContext, visit: Visit) -> Refused | None:
        """Revoke the client and everything it holds; None when that is done."""
        client = await self.enter(context, visit)
        for _ in range(ATTEMPTS):
            if isinstance(client, Refused):
                return client
            if not client.effects.may_delete:
                await self._note(context, visit, Tag.CLIENT_DELETE_REFUSED, reason="access_denied")
                return Refused("access_denied", "the client is held and may only read itself")
            try:
                await self._services.store.commit(await self._deletion(context, visit, client))
                return None
            except Conflict:
                client = await self._enter(context, visit)
        raise Conflict("client")

    async def _deletion(self, context: IssuerContext, visit: Visit, client: Client) -> Changes:
        """Return the one commit that ends *client* at its own request."""
        terms = self._terms(context, visit)
        gone, changes = decide_deletion(client, terms)
        return await and_told(
            self._services,
            context.issuer,
            changes,
            change=(client, gone),
            by=terms.occasion.actor,
        )

    async def _decide_update(  # noqa: PLR0917 - one step of `update`, with all it knows
        self,
        context: IssuerContext,
        visit: Visit,
        client: Client,
        document: Mapping[str, Any],  # Any: values of members are any JSON
        rotation: Rotation | None,
    ) -> Accepted | Refused:
        if not client.effects.may_update:
            return Refused("access_denied", "the client is held and may only read itself")
        terms = self._terms(context, visit)
        screened = screen_update(document, client, context.offer, rotation=rotation, terms=terms)
        if isinstance(screened, Refused):
            return screened
        sector = await read_sector(self._services.fetcher, screened.resolved.sector_need)
        decision = decide_update(screened, terms, sector)
        if isinstance(decision, Refused):
            return decision
        changes = await and_told(
            self._services,
            context.issuer,
            decision.changes,
            change=(client, decision.client),
            by=terms.occasion.actor,
        )
        return msgspec.structs.replace(decision, changes=changes)

    async def _enter(self, context: IssuerContext, visit: Visit) -> Client | Refused:
        """Return the client whose token this is, if the address is its own.

        A token used at another client's address is spent there: it is revoked, and the
        answer is that of an unknown one (RFC 7592 §2.1, OIDC Registration §4.4).
        """
        parsed = parse_token(visit.token, Prefix.REGISTRATION_ACCESS_TOKEN)
        # An address that says nothing is nobody's, and no reason to take the token away.
        client = await self._owner(context, visit, parsed) if parsed and visit.client_id else None
        if client is None:
            self._services.count_refusal(context.id, visit.peer, "invalid_token")
            return TOKEN_REFUSED
        if client.client_id != visit.client_id:
            await self._revoke_tokens(context, visit, client)
            return TOKEN_REFUSED
        return client

    async def _owner(
        self, context: IssuerContext, visit: Visit, parsed: ParsedToken
    ) -> Client | None:
        """Return the client that *parsed* belongs to; a first use retires its predecessor.

        Whoever writes meanwhile may have taken the token away, so it is looked at again. A use
        that keeps losing goes on, and the next one retires the predecessor.
        """
        locator, services = parsed.locator, self._services
        client = None
        for _ in range(ATTEMPTS):
            client = (
                await services.store.get(Client, context.id, locator.hex()) if locator else None
            )
            kept = client.registration_access_tokens if client else ()
            found = find_credential(
                parsed.token,
                kept,
                peppers=services.secret_keys.peppers(),
                purpose=Prefix.REGISTRATION_ACCESS_TOKEN,
                now=services.clock.now(),
            )
            if client is None or found is None or not client.effects.may_read:
                return None
            if not is_first_use(found, kept):
                return client
            settled = await self._retire_predecessor(context, visit, client)
            if settled is not None:
                return settled
        return client

    async def _retire_predecessor(
        self, context: IssuerContext, visit: Visit, client: Client
    ) -> Client | None:
        """End the old token now that its successor arrived; None when somebody wrote meanwhile."""
        settled = msgspec.structs.replace(
            client,
            registration_access_tokens=client.registration_access_tokens[-1:],
            revision=client.revision + 1,
        )
        event = an_event(
            self._occasion(context, visit, client.client_id),
            Tag.REGISTRATION_ACCESS_TOKEN_RETIRED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=client.client_id,
        )
        try:
            await self._services.store.commit(
                Changes(puts=(Put(settled, expected=client.revision),), events=(event,))
            )
        except Conflict:
            return None
        return settled

    async def _revoke_tokens(self, context: IssuerContext, visit: Visit, client: Client) -> None:
        """Take the tokens of *client* away: one of them is in the wrong hands or place.

        Where others keep writing, the next such use tries again.
        """
        found: Client | None = client
        for _ in range(ATTEMPTS):
            if found is None or not found.registration_access_tokens:
                return
            if await self._strip(context, visit, found):
                return
            found = await self._services.store.get(Client, context.id, client.client_id)
        self._services.count_refusal(context.id, visit.peer, "invalid_token")

    async def _strip(self, context: IssuerContext, visit: Visit, client: Client) -> bool:
        """Store *client* without its tokens; False when somebody wrote meanwhile."""
        stripped = msgspec.structs.replace(
            client, registration_access_tokens=(), revision=client.revision + 1
        )
        event = an_event(
            self._occasion(context, visit, client.client_id),
            Tag.REGISTRATION_ACCESS_TOKEN_REVOKED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=client.client_id,
            outcome="refused",
        )
        try:
            await self._services.store.commit(
                Changes(puts=(Put(stripped, expected=client.revision),), events=(event,))
            )
        except Conflict:
            return False
        return True

    async def _note(self, context: IssuerContext, visit: Visit, tag: Tag, *, reason: str) -> None:
        """Leave an event of the first refusal of its kind in a minute, a count of the others."""
        if self._services.is_counted(context.id, visit.client_id, f"{tag.value} {reason}"):
            return
        event = an_event(
            self._occasion(context, visit, visit.client_id),
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=visit.client_id,
            outcome="refused",
            reason=reason,
        )
        await self._services.record(event)

    def _terms(self, context: IssuerContext, visit: Visit) -> Terms:
        return Terms(
            issuer=context.issuer,
            occasion=self._occasion(context, visit, visit.client_id),
            keys=self._services.credential_keys(),
            draw=self._services.draw(UPDATE_DRAW_BYTES),
        )

    def _occasion(self, context: IssuerContext, visit: Visit, client_id: str) -> Occasion:
        actor = Actor(ActorKind.CLIENT, client_id, visit.peer)
        return Occasion(context.id, self._services.clock.now(), actor, visit.request_id)
