"""The inside of a server without its sockets: real adapters on a store of the bench's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from registrary.config import Settings
from registrary.core.events import Tag
from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.sequencer import Sequencer
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.outbound.fetcher import GuardedFetcher
from registrary.outbound.policy import development_policy
from registrary.outbound.resolver import SystemResolver
from registrary.outbound.tls import client_context
from registrary.ports.kept_store import KeptStore
from registrary.registrar.context import IssuerContext
from registrary.registrar.counting import Counting
from registrary.registrar.services import Services
from registrary.storage.sqlite import open_sqlite
from registrary.storage.sqlite.writer import WriteConnection
from registrary.wiring.adapters import SystemClock, SystemEntropy, open_vault
from registrary.wiring.contexts import context_of
from registrary.wiring.issuers import ensure_issuer


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the use cases of one development issuer have at hand."""

    context: IssuerContext
    services: Services
    store: KeptStore
    sequencer: Sequencer


@asynccontextmanager
async def workshop(settings: Settings) -> AsyncIterator[Workshop]:
    """Open the store of *settings*, made if there is none, as a development server would."""
    vault = await open_vault(settings, create=True)
    clock, entropy = SystemClock(), SystemEntropy()
    try:
        await ensure_issuer(vault.store, settings, clock, entropy=entropy)
        (issuer,) = await vault.store.issuers()
        services = Services(
            store=vault.store,
            clock=clock,
            entropy=entropy,
            fetcher=GuardedFetcher(development_policy(), SystemResolver(), tls=client_context()),
            secret_keys=vault.keys,
            refusals=Counting(Tag.REFUSALS_COUNTED),
        )
        signer, maker = LocalSigner(vault.store, vault.keys), LocalKeyMaker(vault.keys)
        await KeyRotation(vault.store, signer, maker, clock=clock).run(issuer, entropy)
        yield Workshop(context_of(issuer), services, vault.store, Sequencer(vault.store, signer))
    finally:
        await vault.store.close()


@asynccontextmanager
async def second_database(folder: Path) -> AsyncIterator[WriteConnection]:
    """Make another store in *folder* and yield what its writer writes with, without the writer."""
    path = folder / "statements.db"
    await open_sqlite(path).close()
    connection = WriteConnection(path)
    try:
        yield connection
    finally:
        connection.close()
