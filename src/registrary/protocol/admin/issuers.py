"""Issuers in the admin API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from registrary.core.events import ActorKind
from registrary.core.issuer import (
    Issuer,
    Lifetimes,
    Limits,
    RegistrationMode,
    RegistrationPolicy,
    RuleSet,
)
from registrary.ports.store import Store
from registrary.protocol.admin.durations import duration_text, parse_duration
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.administration import NotFound
from registrary.registrar.context import IssuerContext
from registrary.registrar.issuers import SWITCHES, IssuerKeeper, IssuerWish, NewIssuer
from registrary.registrar.permissions import Caller, Forbidden, Permission

_ONE: Final = "/issuers/{id}"
_Number = Annotated[int, Meta(ge=1)]
_Quota = Annotated[int, Meta(ge=0)]


class IssuerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An issuer to make: its address, and how it takes registrations."""

    url: str
    mode: str = "protected"
    rule_set: str = "rfc9700"


class LimitsChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How much one principal may use of the issuer: rates a minute, clients, networks."""

    registrations_per_minute: _Number | UnsetType = UNSET
    anonymous_registrations_per_minute: _Number | UnsetType = UNSET
    updates_per_minute: _Number | UnsetType = UNSET
    client_quota: _Quota | UnsetType | None = UNSET
    organization_quota: _Quota | UnsetType | None = UNSET
    networks: tuple[str, ...] | UnsetType = UNSET


class LifetimesChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How long things are good for, such as ``10m`` or ``90d``; a null secret lasts for ever."""

    access_token: str | UnsetType = UNSET
    authorization_code: str | UnsetType = UNSET
    id_token: str | UnsetType = UNSET
    pushed_request: str | UnsetType = UNSET
    device_code: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    refresh_token_retry: str | UnsetType = UNSET
    grant: str | UnsetType = UNSET
    session_idle: str | UnsetType = UNSET
    session: str | UnsetType = UNSET
    client_secret: str | UnsetType | None = UNSET
    client_secret_overlap: str | UnsetType = UNSET
    registration_access_token_overlap: str | UnsetType = UNSET
    signing_key: str | UnsetType = UNSET


class PolicyRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A named ceiling over what may be registered; a side that is left out, or null, is open.

    *redirect_hosts* are whole and in lower case, *networks* blocks in CIDR form.
    *client_secret_lifetime* is such as ``P90D``.
    """

    name: str
    scopes: tuple[str, ...] | None = None
    grant_types: tuple[str, ...] | None = None
    token_endpoint_auth_methods: tuple[str, ...] | None = None
    redirect_hosts: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    client_secret_lifetime: timedelta | None = None


class IssuerChange(msgspec.Struct, forbid_unknown_fields=True):
    """What of an issuer shall change; what is left out stays as it is.

    *clients_may_register* and *people_may_register* take access tokens with the scope ``dcr`` at
    the registration endpoint. *strict_authentication_method* takes exactly the registered one of
    ``client_secret_basic`` and ``client_secret_post``.
    """

    mode: str | None = None
    policies: list[PolicyRequest] | None = None
    default_policies: list[str] | None = None
    limits: LimitsChange = msgspec.field(default_factory=LimitsChange)
    lifetimes: LifetimesChange = msgspec.field(default_factory=LifetimesChange)
    authorization_details_types: list[str] | None = None
    strict_authentication_method: bool | None = None
    clients_may_register: bool | None = None
    people_may_register: bool | None = None


class LimitsView(Limits, frozen=True, kw_only=True, omit_defaults=False):
    """How much one principal may use of the issuer; null is any number."""


class LifetimesView(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are good for; null is for ever."""

    access_token: str
    authorization_code: str
    id_token: str
    pushed_request: str
    device_code: str
    refresh_token: str
    refresh_token_retry: str
    grant: str
    session_idle: str
    session: str
    client_secret: str | None
    client_secret_overlap: str
    registration_access_token_overlap: str
    revoked_client: str
    signing_key: str


class IssuerView(msgspec.Struct, frozen=True, kw_only=True):
    """An issuer with the members an administrator may change."""

    id: str
    url: str
    mode: RegistrationMode
    rule_set: RuleSet
    policies: tuple[RegistrationPolicy, ...]
    default_policies: tuple[str, ...]
    limits: LimitsView
    lifetimes: LifetimesView
    authorization_details_types: tuple[str, ...]
    strict_authentication_method: bool
    clients_may_register: bool
    people_may_register: bool
    created_at: datetime
    updated_at: datetime
    revision: int


class IssuerList(msgspec.Struct, frozen=True, kw_only=True):
    """Every issuer that the caller may see; there is no further page."""

    items: list[IssuerView]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class IssuerOperations:
    """Operations on issuers.

    An administrator of the first issuer, whom the operator made, reaches every issuer of the
    store; one of another issuer reaches that one.
    """

    context: IssuerContext
    store: Store
    keeper: IssuerKeeper

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        read, write = Permission.ISSUERS_READ, Permission.ISSUERS_WRITE
        return (
            Operation(
                method="GET",
                path="/issuers",
                permission=read,
                summary="List issuers, oldest first.",
                run=self.list_issuers,
                returns=IssuerList,
            ),
            Operation(
                method="POST",
                path="/issuers",
                permission=write,
                summary="Make an issuer; it is served within a second.",
                run=self.add,
                body=IssuerRequest,
                returns=IssuerView,
                status=201,
            ),
            Operation(
                method="GET",
                path=_ONE,
                permission=read,
                summary="Show an issuer, with an ETag.",
                run=self.show,
                returns=IssuerView,
            ),
            Operation(
                method="PATCH",
                path=_ONE,
                permission=write,
                summary="Change an issuer, with If-Match only if nobody else did meanwhile.",
                run=self.alter,
                body=IssuerChange,
                returns=IssuerView,
            ),
        )

    async def list_issuers(self, call: Call) -> Answer:
        """List the issuers within reach, oldest first."""
        issuers = await self._reached(call.caller)
        return Answer(IssuerList(items=[issuer_view(issuer) for issuer in issuers]))

    async def add(self, call: Call) -> Answer:
        """Make an issuer; it is served within a second."""
        if not await self._reaches_all(call.caller):
            raise Forbidden(Permission.ISSUERS_WRITE)
        wanted = call.read(IssuerRequest)
        issuer = await self.keeper.create(
            NewIssuer(wanted.url, wanted.mode, wanted.rule_set),
            like=self.context.issuer,
            actor=call.caller.actor,
        )
        return _shown(issuer, status=201)

    async def show(self, call: Call) -> Answer:
        """Show one issuer."""
        return _shown(await self._issuer(call))

    async def alter(self, call: Call) -> Answer:
        """Change an issuer; the change is served within a second."""
        wanted: IssuerChange = call.read(IssuerChange)
        issuer = await self._issuer(call)
        changed = await self.keeper.change(
            issuer.id,
            _wish_of(wanted),
            actor=call.caller.actor,
            expected=call.expected_revision(),
        )
        return _shown(changed)

    async def _issuer(self, call: Call) -> Issuer:
        for issuer in await self._reached(call.caller):
            if issuer.id == call.path["id"]:
                return issuer
        raise NotFound("issuer")

    async def _reached(self, caller: Caller) -> Sequence[Issuer]:
        issuers = await self.store.issuers()
        if await self._reaches_all(caller):
            return issuers
        return [issuer for issuer in issuers if issuer.id == self.context.id]

    async def _reaches_all(self, caller: Caller) -> bool:
        first = (await self.store.issuers())[0]
        return caller.actor.kind is ActorKind.OPERATOR or first.id == self.context.id


def issuer_view(issuer: Issuer) -> IssuerView:
    """Return what an administrator may see of an issuer."""
    return IssuerView(
        id=issuer.id,
        url=issuer.url,
        mode=issuer.mode,
        rule_set=issuer.rule_set,
        policies=issuer.policies,
        default_policies=issuer.default_policies,
        limits=LimitsView(**msgspec.structs.asdict(issuer.limits)),
        lifetimes=_lifetimes_view(issuer.lifetimes),
        authorization_details_types=issuer.authorization_details_types,
        strict_authentication_method=issuer.strict_authentication_method,
        clients_may_register=issuer.clients_may_register,
        people_may_register=issuer.people_may_register,
        created_at=issuer.created_at,
        updated_at=issuer.updated_at,
        revision=issuer.revision,
    )


def _lifetimes_view(lifetimes: Lifetimes) -> LifetimesView:
    lengths: dict[str, timedelta | None] = msgspec.structs.asdict(lifetimes)
    texts = {
        name: None if length is None else duration_text(length) for name, length in lengths.items()
    }
    return msgspec.convert(texts, LifetimesView)


def _shown(issuer: Issuer, *, status: int = 200) -> Answer:
    return Answer(issuer_view(issuer), status=status, revision=issuer.revision)


def _wish_of(wanted: IssuerChange) -> IssuerWish:
    defaults, types = wanted.default_policies, wanted.authorization_details_types
    return IssuerWish(
        mode=wanted.mode,
        policies=None if wanted.policies is None else tuple(map(_policy, wanted.policies)),
        default_policies=None if defaults is None else tuple(defaults),
        limits=msgspec.to_builtins(wanted.limits, builtin_types=(tuple,)),
        lifetimes=_lifetimes(wanted.lifetimes),
        authorization_details_types=None if types is None else tuple(types),
        switches={name: value for name in SWITCHES if (value := getattr(wanted, name)) is not None},
    )


def _policy(wanted: PolicyRequest) -> RegistrationPolicy:
    return RegistrationPolicy(**msgspec.structs.asdict(wanted))


def _lifetimes(wanted: LifetimesChange) -> dict[str, timedelta | None]:
    named: dict[str, str | None] = msgspec.to_builtins(wanted)
    return {
        name: None if text is None else parse_duration(text, f"lifetimes: {name}")
        for name, text in named.items()
    }
