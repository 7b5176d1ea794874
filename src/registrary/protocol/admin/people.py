"""People in the admin API: who may sign in, and who no longer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.keeping import PeopleKeeper, PersonWish
from registrary.authserver.people.names import local_name
from registrary.authserver.people.ways_in import WaysIn
from registrary.core.base64url import encode
from registrary.core.events import Actor
from registrary.core.jose.id_token import MAX_SUBJECT
from registrary.core.people import IdentityProvider, Person, SignInName
from registrary.core.secrets import Secret
from registrary.policy.journal import Occasion
from registrary.ports.clock import Clock
from registrary.ports.store import Store
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation, QueryParameter
from registrary.protocol.admin.people_refusals import told
from registrary.registrar.administration import NotFound, NotPossible
from registrary.registrar.permissions import Permission

_PATH: Final = "/people"
_ONE: Final = f"{_PATH}/{{id}}"


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody to make known. *claims* are standard claims of OpenID Connect."""

    username: str
    password: str | None = None
    claims: dict[str, Any] = {}  # Any: claims are JSON values of every kind


class PersonChange(msgspec.Struct, forbid_unknown_fields=True):
    """What of a person shall become so; what is left out stays, a claim that is null goes."""

    username: str | None = None
    claims: dict[str, Any] | None = None  # Any: claims are JSON values of every kind
    disabled: bool | None = None


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A password to set; it has 8 characters or more."""

    password: str


class NewIdentity(msgspec.Struct, forbid_unknown_fields=True):
    """Who a person is at an identity provider: its id here, and the ``sub`` it has for them."""

    provider: str
    subject: str


class PasskeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey of a person."""

    id: str
    name: str
    created_at: datetime
    used_at: datetime | None


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """Who a person is at an identity provider."""

    provider: str
    subject: str
    linked_at: datetime


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A person, never what they sign in with."""

    id: str
    username: str | None
    claims: dict[str, Any]  # Any: claims are JSON values of every kind
    has_password: bool
    has_one_time_codes: bool
    passkeys: list[PasskeyView]
    identities: list[IdentityView]
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None


class PersonPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some people, and where to go on."""

    items: list[PersonView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PeopleOperations:
    """Operations on the people of one issuer."""

    context: ServerContext
    store: Store
    clock: Clock
    keeper: PeopleKeeper
    ways: WaysIn

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (*self._reading(), *self._writing(), *self._ending())

    def _reading(self) -> tuple[Operation, ...]:
        read = Permission.PEOPLE_READ
        return (
            Operation(
                method="GET",
                path=_PATH,
                permission=read,
                summary="List people, oldest first.",
                run=self.list_people,
                query=(*PAGED, QueryParameter("username", "Only who signs in with this name.")),
                returns=PersonPage,
            ),
            Operation(
                method="GET",
                path=_ONE,
                permission=read,
                summary="Show a person.",
                run=self.show,
                returns=PersonView,
            ),
        )

    def _writing(self) -> tuple[Operation, ...]:
        write = Permission.PEOPLE_WRITE
        return (
            Operation(
                method="POST",
                path=_PATH,
                permission=write,
                summary="Make a person known, who signs in here.",
                run=self.create,
                body=NewPerson,
                returns=PersonView,
                status=201,
            ),
            Operation(
                method="PATCH",
                path=_ONE,
                permission=write,
                summary="Change a person, lock them out or let them in again.",
                run=self.change,
                body=PersonChange,
                returns=PersonView,
            ),
            Operation(
                method="PUT",
                path=f"{_ONE}/password",
                permission=write,
                summary="Set a person's password; their sessions and grants end.",
                run=self.set_password,
                body=NewPassword,
                status=204,
            ),
        )

    def _ending(self) -> tuple[Operation, ...]:
        write = Permission.PEOPLE_WRITE
        return (
            Operation(
                method="POST",
                path=f"{_ONE}/sign-out",
                permission=write,
                summary="End every session and grant of a person.",
                run=self.sign_out,
                status=204,
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/identities",
                permission=write,
                summary="Let a person sign in at an identity provider.",
                run=self.link,
                body=NewIdentity,
                returns=PersonView,
                status=201,
            ),
            Operation(
                method="DELETE",
                path=f"{_ONE}/identities/{{provider}}",
                permission=write,
                summary="Let a person sign in at an identity provider no more.",
                run=self.unlink,
                status=204,
            ),
            Operation(
                method="DELETE",
                path=f"{_ONE}/one-time-codes",
                permission=write,
                summary="Take the codes away from a person who lost the app.",
                run=self.remove_codes,
                status=204,
            ),
            Operation(
                method="DELETE",
                path=f"{_ONE}/passkeys/{{passkey}}",
                permission=write,
                summary="Take a passkey away from a person who lost the device.",
                run=self.remove_passkey,
                status=204,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Make a person known."""
        wanted: NewPerson = call.read(NewPerson)
        password = None if wanted.password is None else Secret(wanted.password)
        wish = PersonWish(wanted.username, wanted.claims)
        with told():
            made = await self.keeper.create(self.context, wish, password, actor=call.caller.actor)
        return Answer(person_view(made), status=201, revision=made.revision)

    async def list_people(self, call: Call) -> Answer:
        """List people by id, oldest first, or who has the user name that is asked for."""
        username = call.query.get("username")
        if username is not None:
            return Answer(PersonPage(items=await self._named(username), next_cursor=None))
        page = await self.store.page(
            Person, self.context.id, after=call.query.get("cursor"), limit=page_limit(call.query)
        )
        items = [person_view(record) for record in page.records]
        return Answer(PersonPage(items=items, next_cursor=page.next_after))

    async def _named(self, username: str) -> list[PersonView]:
        name = await self.store.get(SignInName, self.context.id, local_name(username))
        if name is None:
            return []
        person = await self.store.get(Person, self.context.id, name.person)
        return [] if person is None else [person_view(person)]

    async def show(self, call: Call) -> Answer:
        """Show one person."""
        found = await self.store.get(Person, self.context.id, call.path["id"])
        if found is None:
            raise NotFound("person")
        return Answer(person_view(found), revision=found.revision)

    async def change(self, call: Call) -> Answer:
        """Change what the body names, then lock the person out or let them in."""
        wanted: PersonChange = call.read(PersonChange)
        with told():
            changed = await self.keeper.change(
                self.context,
                call.path["id"],
                PersonWish(wanted.username, wanted.claims),
                actor=call.caller.actor,
                expected=call.expected_revision(),
            )
            if wanted.disabled is not None and wanted.disabled != bool(changed.disabled_at):
                act = self.keeper.disable if wanted.disabled else self.keeper.enable
                changed = await act(self.context, changed.id, actor=call.caller.actor)
        return Answer(person_view(changed), revision=changed.revision)

    async def set_password(self, call: Call) -> Answer:
        """Set a password."""
        wanted: NewPassword = call.read(NewPassword)
        with told():
            await self.keeper.set_password(
                self.context, call.path["id"], Secret(wanted.password), actor=call.caller.actor
            )
        return Answer(status=204)

    async def sign_out(self, call: Call) -> Answer:
        """End every session and grant."""
        with told():
            await self.keeper.sign_out(self.context, call.path["id"], actor=call.caller.actor)
        return Answer(status=204)

    async def link(self, call: Call) -> Answer:
        """Link an identity at a provider that is known here."""
        wanted: NewIdentity = call.read(NewIdentity)
        provider = await self.store.get(IdentityProvider, self.context.id, wanted.provider)
        if provider is None:
            raise NotPossible("provider: must be the id of an identity provider")
        if not 1 <= len(wanted.subject) <= MAX_SUBJECT:
            raise NotPossible(f"subject: must have 1 to {MAX_SUBJECT} characters")
        with told():
            linked = await self.ways.link(
                self._by(call.caller.actor),
                call.path["id"],
                provider=provider.id,
                subject=wanted.subject,
            )
        return Answer(person_view(linked), status=201, revision=linked.revision)

    async def unlink(self, call: Call) -> Answer:
        """Unlink every identity of a person at a provider."""
        with told():
            await self.ways.unlink(
                self._by(call.caller.actor), call.path["id"], call.path["provider"]
            )
        return Answer(status=204)

    async def remove_codes(self, call: Call) -> Answer:
        """Take the codes away."""
        with told():
            await self.ways.remove_codes(self._by(call.caller.actor), call.path["id"])
        return Answer(status=204)

    async def remove_passkey(self, call: Call) -> Answer:
        """Take a passkey away."""
        with told():
            await self.ways.remove_passkey(
                self._by(call.caller.actor), call.path["id"], call.path["passkey"]
            )
        return Answer(status=204)

    def _by(self, actor: Actor) -> Occasion:
        return Occasion(self.context.id, self.clock.now(), actor)


def person_view(person: Person) -> PersonView:
    """Return what may be shown of a person."""
    return PersonView(
        id=person.id,
        username=person.username,
        claims=person.claims,
        has_password=person.password is not None,
        has_one_time_codes=person.one_time_codes is not None,
        passkeys=[
            PasskeyView(
                id=encode(each.id),
                name=each.name,
                created_at=each.created_at,
                used_at=each.used_at,
            )
            for each in person.passkeys
        ],
        identities=[
            IdentityView(provider=each.provider, subject=each.subject, linked_at=each.linked_at)
            for each in person.identities
        ],
        created_at=person.created_at,
        updated_at=person.updated_at,
        disabled_at=person.disabled_at,
    )
