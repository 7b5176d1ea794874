"""What commands on a store share: opening it, choosing the issuer, failing with one line."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from registrary.cli.options import USAGE, Target, fail
from registrary.config import Settings, SettingsError
from registrary.core.events import Actor, ActorKind
from registrary.core.lifecycle import TransitionError
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.registrar.administration import Administrator, NotFound, NotPossible
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import Services
from registrary.wiring.adapters import Vault, open_vault
from registrary.wiring.carrying.backup_file import BackupError
from registrary.wiring.contexts import context_of, deployment_of
from registrary.wiring.offline import offline_services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """A command at work on one issuer of an open store."""

    vault: Vault
    context: IssuerContext
    services: Services
    actor: Actor

    @property
    def administrator(self) -> Administrator:
        """Return what acts on clients."""
        return Administrator(self.services)


def work(target: Target, act: Callable[[Desk], Awaitable[T]]) -> T:
    """Run *act* on the store of *target*; any failure ends the process with one line."""

    async def run() -> T:
        async with open_desk(target) as desk:
            return await act(desk)

    with failures_told():
        return asyncio.run(run())


@contextmanager
def failures_told() -> Iterator[None]:
    """End the process with one line and an exit code for whatever an operator can mend."""
    try:
        yield
    except SettingsError as error:
        fail(str(error), code=USAGE)
    except NotFound as error:
        fail(f"there is no such {error}")
    except (NotPossible, TransitionError, KeysUnusable, BackupError) as error:
        fail(str(error))
    except StoreUnavailable as error:
        fail(f"the store cannot be used: {error}")
    except Conflict:
        fail("somebody else kept changing the same record; try again")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


@asynccontextmanager
async def open_desk(target: Target) -> AsyncIterator[Desk]:
    """Open the store and the issuer of *target*, and close it again."""
    settings = target.settings()
    vault = await open_vault(settings, create=False)
    try:
        context = await _context(vault, settings, wanted=target.issuer or settings.issuer)
        actor = Actor(ActorKind.OPERATOR, os.environ.get("USER"))
        yield Desk(vault, context, offline_services(vault), actor)
    finally:
        await vault.store.close()


async def _context(vault: Vault, settings: Settings, *, wanted: str | None) -> IssuerContext:
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
    return context_of(issuers[0], deployment_of(settings, issuers[0].url))
