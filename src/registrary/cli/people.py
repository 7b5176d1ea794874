"""``registrary person``: who may sign in with a user name and a password here."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from registrary.cli.options import (
    USAGE,
    ConfigOption,
    IssuerOption,
    JsonOption,
    StoreOption,
    Target,
    fail,
)

if TYPE_CHECKING:
    from registrary.authserver.context import ServerContext
    from registrary.authserver.people.keeping import PeopleKeeper
    from registrary.cli.session import Desk
    from registrary.core.people import Person
    from registrary.core.secrets import Secret

T = TypeVar("T")
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="User name or id")]

app = typer.Typer(no_args_is_help=True, help="People who sign in here.")


@app.command()
def create(
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="What they sign in with")],
    *,
    name: Annotated[str | None, typer.Option(help="Their full name")] = None,
    email: Annotated[str | None, typer.Option(help="Their e-mail address")] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They cannot sign in until one is set")
    ] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a person known; the password is asked for, or read from standard input."""
    from registrary.authserver.people.keeping import PeopleKeeper, PersonWish

    password = None if no_password else _asked_password()
    given = {"name": name, "email": email}
    wish = PersonWish(
        username, {claim: value for claim, value in given.items() if value is not None}
    )

    async def act(desk: "Desk") -> "Person":
        keeper = PeopleKeeper(desk.services)
        return await keeper.create(_about(desk), wish, password, actor=desk.actor)

    _show(_done(Target(store, config, issuer), act), as_json=as_json)


@app.command(name="list")
def list_people(
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all people, never what they sign in with."""
    from registrary.cli.output import print_json, print_table
    from registrary.core.people import Person
    from registrary.ports.store import every
    from registrary.protocol.admin.people import person_view

    async def act(desk: "Desk") -> "list[Person]":
        return [person async for person in every(desk.vault.store, Person, desk.context.id)]

    people = _done(Target(store, config, issuer), act)
    if as_json:
        print_json([person_view(person) for person in people])
        return
    print_table(
        ("id", "username", "email", "disabled"),
        [
            (
                person.id,
                person.username or "",
                str(person.claims.get("email", "")),
                str(person.disabled_at or ""),
            )
            for person in people
        ],
    )


@app.command()
def disable(
    person: PersonArgument,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lock a person out; every session and grant of theirs ends now."""

    async def act(desk: "Desk", keeper: "PeopleKeeper", found: "Person") -> "Person":
        return await keeper.disable(_about(desk), found.id, actor=desk.actor)

    _show(_changed(Target(store, config, issuer), person, act), as_json=as_json)


@app.command()
def enable(
    person: PersonArgument,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a person in again; what ended stays ended."""

    async def act(desk: "Desk", keeper: "PeopleKeeper", found: "Person") -> "Person":
        return await keeper.enable(_about(desk), found.id, actor=desk.actor)

    _show(_changed(Target(store, config, issuer), person, act), as_json=as_json)


@app.command(name="set-password")
def set_password(
    person: PersonArgument,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a password, asked for or read from standard input; their sessions and grants end."""
    password = _asked_password()

    async def act(desk: "Desk", keeper: "PeopleKeeper", found: "Person") -> "Person":
        return await keeper.set_password(_about(desk), found.id, password, actor=desk.actor)

    _show(_changed(Target(store, config, issuer), person, act), as_json=as_json)


def _asked_password() -> "Secret":
    """Return the password somebody types, or that a script pipes in; never an argument.

    Arguments are seen by every process of the machine, and kept by shells.
    """
    from registrary.authserver.people.passwords import LONGEST, SHORTEST, is_acceptable
    from registrary.core.secrets import Secret

    if sys.stdin.isatty():
        typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    password = Secret(typed)
    if not is_acceptable(password):
        fail(f"password: must have {SHORTEST} to {LONGEST} characters", code=USAGE)
    return password


def _about(desk: "Desk") -> "ServerContext":
    from registrary.authserver.context import ServerContext

    issuer = desk.context.issuer
    return ServerContext(issuer, desk.context.offer, f"{issuer.url}/token")


def _done(target: Target, act: "Callable[[Desk], Awaitable[T]]") -> T:
    from registrary.cli.session import work
    from registrary.protocol.admin.people_refusals import told

    async def told_act(desk: "Desk") -> T:
        with told():
            return await act(desk)

    return work(target, told_act)


def _changed(
    target: Target,
    named: str,
    act: "Callable[[Desk, PeopleKeeper, Person], Awaitable[Person]]",
) -> "Person":
    from registrary.authserver.people.keeping import PeopleKeeper

    async def found(desk: "Desk") -> "Person":
        keeper = PeopleKeeper(desk.services)
        return await act(desk, keeper, await keeper.find(_about(desk), named))

    return _done(target, found)


def _show(person: "Person", *, as_json: bool) -> None:
    from registrary.cli.output import print_json, print_members
    from registrary.protocol.admin.people import person_view

    view = person_view(person)
    print_json(view) if as_json else print_members(view)
