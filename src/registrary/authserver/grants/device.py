"""Devices that a person allows from another one (RFC 8628)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import begin_grant
from registrary.authserver.grants.codes import lead_to
from registrary.authserver.grants.issuing import TokenDesk, scope_of
from registrary.authserver.grants.liveness import holder_of
from registrary.authserver.grants.request import (
    NOT_GOOD,
    NOT_REGISTERED,
    TokenAnswer,
    TokenRequest,
)
from registrary.authserver.opaque_tokens import Minted, find, mint
from registrary.authserver.people.services import by_person
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.people.subjects import subject_of
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.resources import resources_asked_for
from registrary.authserver.services import ATTEMPTS, ServerServices
from registrary.core.changes import Changes, Delete, Put
from registrary.core.client import Client
from registrary.core.entropy import Draw
from registrary.core.errors import FieldError
from registrary.core.events import Event, Tag
from registrary.core.grants import Authorization, DeviceAuthorization, DeviceUserCode
from registrary.core.metadata.grants import DEVICE_CODE
from registrary.core.scope import parse_scope, unasked_scope
from registrary.core.secrets import Prefix, Secret
from registrary.policy.journal import EVENT_DRAW_BYTES, an_event
from registrary.ports.store import Conflict

PENDING: Final = Refusal("authorization_pending", "nobody has decided yet")
SLOW_DOWN: Final = Refusal("slow_down", "ask less often: five seconds were added to the interval")
DENIED: Final = Refusal("access_denied", "the person said no")
EXPIRED: Final = Refusal("expired_token", "nobody decided in time; begin anew")
POLLING: Final = frozenset({PENDING, SLOW_DOWN})

# §6.1: no vowels, so no words; nothing that looks like something else.
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
_CODE_DRAW_BYTES: Final = 4 * LENGTH
_INTERVAL_STEP: Final = 5  # seconds (§3.5)


@dataclass(frozen=True, slots=True)
class Started:
    """What a device is told (§3.2)."""

    device_code: Secret
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class Devices:
    """Lets devices ask, and people decide."""

    services: ServerServices

    async def start(self, context: ServerContext, request: TokenRequest) -> Started | Refusal:
        """Begin a wait for somebody to allow the device of *request*."""
        if not request.may_use(DEVICE_CODE):
            return NOT_REGISTERED
        scope = _scope_asked(context, request)
        if isinstance(scope, Refusal):
            return scope
        targets = resources_asked_for(context.issuer, request.resources)
        if isinstance(targets, Refusal):
            return targets
        resources = tuple(target.uri for target in targets)
        for _ in range(ATTEMPTS):
            minted = mint(self.services, Prefix.DEVICE_CODE)
            device = self._device(context, request, minted, scope=scope, resources=resources)
            lead = DeviceUserCode(
                issuer=context.id,
                user_code=device.user_code,
                device=device.id,
                expires_at=device.expires_at,
            )
            try:
                await self.services.store.commit(Changes(puts=(Put(device), Put(lead))))
            except Conflict:
                continue  # another device shows this user code
            return Started(
                minted.token,
                shown_code(device.user_code),
                int(context.issuer.lifetimes.device_code.total_seconds()),
                device.interval,
            )
        raise Conflict(DeviceUserCode.kind)

    def _device(
        self,
        context: ServerContext,
        request: TokenRequest,
        minted: Minted,
        *,
        scope: tuple[str, ...],
        resources: tuple[str, ...],
    ) -> DeviceAuthorization:
        now = self.services.clock.now()
        return DeviceAuthorization(
            issuer=context.id,
            id=minted.id,
            pepper_id=minted.pepper_id,
            mac=minted.mac,
            user_code=_new_user_code(self.services.draw(_CODE_DRAW_BYTES)),
            client_id=request.client.client_id,
            scope=scope,
            resources=resources,
            created_at=now,
            # Kept for as long again, to tell a late device that it came too late.
            expires_at=now + 2 * context.issuer.lifetimes.device_code,
        )

    async def waiting(self, context: ServerContext, user_code: str) -> DeviceAuthorization | None:
        """Return the device that shows *user_code*, however that is spelt, while it waits."""
        code = plain_code(user_code)
        lead = await self.services.store.get(DeviceUserCode, context.id, code)
        if lead is None:
            return None
        device = await self.services.store.get(DeviceAuthorization, context.id, lead.device)
        if device is None or device.authorization is not None or device.denied_at is not None:
            return None
        is_late = good_until(context, device) <= self.services.clock.now()
        return None if is_late else device

    async def allow(
        self,
        context: ServerContext,
        device: DeviceAuthorization,
        client: Client,
        *,
        signed_in: SignedIn,
        scope: Sequence[str],
        visit: Visit,
    ) -> None:
        """Let *client* have *scope* on *device*. Raises `Conflict` when somebody else decided."""
        authorization = _authorization(
            context, device, client, signed_in=signed_in, scope=tuple(scope)
        )
        decided = msgspec.structs.replace(
            device, authorization=authorization, revision=device.revision + 1
        )
        event = self._event(
            context, device, signed_in, tag=Tag.AUTHORIZATION_ALLOWED, scope=scope, visit=visit
        )
        await self._decide(decided, device, event)

    async def deny(
        self,
        context: ServerContext,
        device: DeviceAuthorization,
        *,
        signed_in: SignedIn,
        visit: Visit,
    ) -> None:
        """Tell *device* that the person said no. Raises `Conflict` when somebody else decided."""
        decided = msgspec.structs.replace(
            device, denied_at=self.services.clock.now(), revision=device.revision + 1
        )
        event = self._event(
            context, device, signed_in, tag=Tag.AUTHORIZATION_DENIED, scope=(), visit=visit
        )
        await self._decide(decided, device, event)

    async def _decide(
        self, decided: DeviceAuthorization, device: DeviceAuthorization, event: Event
    ) -> None:
        shown = Delete(DeviceUserCode.kind, device.issuer, device.user_code)
        authorization = decided.authorization
        leads = () if authorization is None else lead_to(authorization, decided)
        puts = (Put(decided, expected=device.revision), *leads)
        await self.services.store.commit(Changes(puts=puts, events=(event,), deletions=(shown,)))

    def _event(
        self,
        context: ServerContext,
        device: DeviceAuthorization,
        signed_in: SignedIn,
        *,
        tag: Tag,
        scope: Sequence[str],
        visit: Visit,
    ) -> Event:
        return an_event(
            by_person(self.services, context.id, signed_in.person.id, visit=visit),
            tag,
            draw=self.services.draw(EVENT_DRAW_BYTES),
            client_id=device.client_id,
            detail={"scope": list(scope), "resources": list(device.resources), "device": True},
        )


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """Redeems device codes once somebody has decided (§3.4)."""

    desk: TokenDesk

    async def redeem(
        self, context: ServerContext, request: TokenRequest, device_code: str
    ) -> TokenAnswer | Refusal:
        """Return the tokens of the device, or why it has to wait. Raises `NoSigningKey`."""
        if not request.may_use(DEVICE_CODE):
            return NOT_REGISTERED
        device = await find(
            self.desk.services,
            DeviceAuthorization,
            context.id,
            text=device_code,
            prefix=Prefix.DEVICE_CODE,
        )
        if device is None or device.client_id != request.client.client_id:
            return NOT_GOOD
        if device.redeemed_at is not None:
            return NOT_GOOD
        if device.denied_at is not None:
            return DENIED
        now = self.desk.services.clock.now()
        if good_until(context, device) <= now:
            return EXPIRED
        if device.authorization is None:
            return await self._asked(device, now)
        return await self._settle(context, request, device, authorization=device.authorization)

    async def _asked(self, device: DeviceAuthorization, now: datetime) -> Refusal:
        """Note that the device asked; one that asks too often has to wait longer (§3.5)."""
        too_soon = device.asked_at is not None and now < device.asked_at + timedelta(
            seconds=device.interval
        )
        asked = msgspec.structs.replace(
            device,
            asked_at=now,
            interval=device.interval + (_INTERVAL_STEP if too_soon else 0),
            revision=device.revision + 1,
        )
        try:
            await self.desk.services.store.commit(
                Changes(puts=(Put(asked, expected=device.revision),))
            )
        except Conflict:
            return PENDING  # it asked twice at once, or somebody just decided
        return SLOW_DOWN if too_soon else PENDING

    async def _settle(
        self,
        context: ServerContext,
        request: TokenRequest,
        device: DeviceAuthorization,
        *,
        authorization: Authorization,
    ) -> TokenAnswer | Refusal:
        services, client = self.desk.services, request.client
        holder = await holder_of(services.store, context, authorization, client=client)
        if holder is None:
            return NOT_GOOD
        begun = begin_grant(
            services, context, authorization, grant_type=DEVICE_CODE, request=request
        )
        issued = await self.desk.issue(
            context,
            request,
            begun.grant,
            person=holder.person,
            scope=scope_of(context.issuer, client, authorization.scope),
            refresh_token=begun.refresh_token,
        )
        if isinstance(issued, Refusal):
            return issued
        spent = msgspec.structs.replace(
            device, redeemed_at=services.clock.now(), revision=device.revision + 1
        )
        puts = (Put(spent, expected=device.revision), *begun.puts(), *issued.puts)
        try:
            await services.store.commit(Changes(puts=puts))
        except Conflict:
            return NOT_GOOD  # it asked twice at once, and got its tokens once
        services.issues.note(context.id, client.client_id, DEVICE_CODE)
        return issued.answer


def good_until(context: ServerContext, device: DeviceAuthorization) -> datetime:
    """Return when *device* has waited long enough."""
    return device.created_at + context.issuer.lifetimes.device_code


def shown_code(user_code: str) -> str:
    """Return *user_code* as people read it: in two halves."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def plain_code(typed: str) -> str:
    """Return what somebody typed as codes are kept: letters alone, in upper case (§6.1)."""
    return "".join(char for char in typed[:64].upper() if char in LETTERS)


def _new_user_code(draw: Draw) -> str:
    # 240 is a multiple of 20, so every letter is equally likely; four bytes for each are plenty.
    usable = [byte for byte in draw.take(_CODE_DRAW_BYTES) if byte < 240]  # noqa: PLR2004  see above
    return "".join(LETTERS[byte % len(LETTERS)] for byte in usable[:LENGTH])


def _scope_asked(context: ServerContext, request: TokenRequest) -> tuple[str, ...] | Refusal:
    """Return what of the scope the client may have; narrowed, and refused when nothing is left."""
    try:
        wanted = parse_scope(request.scope or "")
    except FieldError as error:
        return Refusal("invalid_scope", f"scope: {error.rule}")
    registered = request.client.metadata.get("scope", "").split()
    preset = wanted or unasked_scope(context.issuer.scopes, registered)
    scope = scope_of(context.issuer, request.client, preset)
    if wanted and not scope:
        return Refusal("invalid_scope", "scope: nothing of it was registered for this client")
    return scope


def _authorization(
    context: ServerContext,
    device: DeviceAuthorization,
    client: Client,
    *,
    signed_in: SignedIn,
    scope: tuple[str, ...],
) -> Authorization:
    person, session = signed_in.person, signed_in.session
    return Authorization(
        client_id=client.client_id,
        person=person.id,
        subject=subject_of(context, client, person),
        scope=scope,
        resources=device.resources,
        authorization_details=device.authorization_details,
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        session_id=session.session_id,
        client_generation=client.token_generation,
        person_generation=person.generation,
    )
