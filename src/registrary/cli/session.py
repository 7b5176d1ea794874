"""What commands on a store share: opening it, choosing the issuer, failing with one line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import typer

from registrary.config import Settings, SettingsError, load_settings
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.lifecycle import TransitionError
from registrary.keys.local import KeyFileError
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.registrar.administration import Administrator, NotFound, NotPossible
from registrary.registrar.context import IssuerContext
from registrary.registrar.counting import Counting
from registrary.registrar.services import Services
from registrary.wiring.adapters import SystemClock, SystemEntropy, Vault, open_vault
from registrary.wiring.offline import NoFetcher
from registrary.wiring.sites import context_of

T = TypeVar("T")

FAILED: Final = 1
USAGE: Final = 2

StoreOption = Annotated[
    str | None, typer.Option("--store", help="Store URL, such as sqlite:////var/lib/registrary.db")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings")]
IssuerOption = Annotated[
    str | None, typer.Option("--issuer", help="Which issuer, where the store holds several")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept in the log")]


@dataclass(frozen=True, slots=True)
class Desk:
    """A command at work on one issuer of an open store."""

    vault: Vault
    context: IssuerContext
    administrator: Administrator
    actor: Actor


@dataclass(frozen=True, slots=True)
class Target:
    """Which store and issuer a command is about, as given on the command line."""

    store: str | None
    config: Path | None
    issuer: str | None

    def settings(self) -> Settings:
        """Return the settings that apply; raises `SettingsError`."""
        return load_settings(
            flags={"store": self.store}, environment=os.environ, config_file=self.config
        )


def work(target: Target, act: Callable[[Desk], Awaitable[T]]) -> T:
    """Run *act* on the store of *target*; any failure ends the process with one line."""

    async def run() -> T:
        async with open_desk(target) as desk:
            return await act(desk)

    try:
        return asyncio.run(run())
    except SettingsError as error:
        fail(str(error), code=USAGE)
    except NotFound as error:
        fail(f"there is no such {error}")
    except (NotPossible, TransitionError, KeyFileError) as error:
        fail(str(error))
    except StoreUnavailable as error:
        fail(f"the store cannot be used: {error}")
    except Conflict:
        fail("somebody else kept changing the same record; try again")


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    """End the process with *message* on standard error."""
    print(f"registrary: {message}", file=sys.stderr)
    raise typer.Exit(code)


@asynccontextmanager
async def open_desk(target: Target) -> AsyncIterator[Desk]:
    """Open the store and the issuer of *target*, and close it again."""
    settings = target.settings()
    vault = open_vault(settings, create=False)
    try:
        services = Services(
            store=vault.store,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            fetcher=NoFetcher(),
            secret_keys=vault.keys,
            refusals=Counting(Tag.REFUSALS_COUNTED),
        )
        context = await _context(vault, target.issuer or settings.issuer)
        actor = Actor(ActorKind.OPERATOR, os.environ.get("USER"))
        yield Desk(vault, context, Administrator(services), actor)
    finally:
        await vault.store.close()


async def _context(vault: Vault, wanted: str | None) -> IssuerContext:
    issuers = await vault.store.issuers()
    if wanted is not None:
        issuers = [issuer for issuer in issuers if wanted in (issuer.url, issuer.id)]
        if not issuers:
            raise SettingsError("--issuer: the store holds no such issuer")
    if not issuers:
        raise SettingsError("the store holds no issuer yet; start the server once")
    if len(issuers) > 1:
        urls = ", ".join(issuer.url for issuer in issuers)
        raise SettingsError(f"--issuer is needed: the store holds {urls}")
    return context_of(issuers[0])
