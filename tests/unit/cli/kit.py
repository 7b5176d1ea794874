"""A store as a server leaves it, and commands that work on it, in this process."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from typer.testing import CliRunner

from registrary.cli.main import app
from registrary.config import Settings
from registrary.config.settings import KeySettings
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.issuer import Issuer
from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.sequencer import Sequencer
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.registrar.issuers import issuer_id
from registrary.testing.factories import a_client, a_registration_event, an_event
from registrary.testing.server import ENCRYPTION_KEY, SQLITE, Stores
from registrary.wiring.adapters import SystemClock, SystemEntropy, Vault, open_vault
from registrary.wiring.issuers import ensure_issuer

T = TypeVar("T")

ISSUER_URL = "https://id.example"


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> Any:  # Any: what --json prints
        """Return what it printed as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Office:
    """The store for a folder, with one issuer and its keys."""

    folder: Path
    stores: Stores = SQLITE

    @property
    def path(self) -> Path:
        """Return the SQLite file."""
        return self.folder / "registrary.db"

    @property
    def key_file(self) -> Path:
        """Return the key file beside it."""
        return self.folder / "registrary.db.keys"

    @property
    def settings(self) -> Settings:
        """Return the settings a server would use it with."""
        return Settings(
            issuer=ISSUER_URL,
            store=self.stores.at(self.folder),
            keys=KeySettings(encryption_key=ENCRYPTION_KEY),
        )

    @property
    def issuer_id(self) -> str:
        """Return the id of the issuer."""
        return issuer_id(ISSUER_URL)

    def run(self, *arguments: str, typed: str = "") -> Done:
        """Run a command on this store; *typed* is on its standard input."""
        return run(*arguments, "--store", self.stores.at(self.folder), typed=typed)

    def do(self, act: Callable[[Vault], Coroutine[Any, Any, T]]) -> T:
        """Open the store for *act* and close it again."""

        async def opened() -> T:
            vault = await open_vault(self.settings, create=True)
            try:
                return await act(vault)
            finally:
                await vault.store.close()

        return asyncio.run(opened())

    def add_client(self, **what_matters: Any) -> Client:  # Any: the fields of Client
        """Store a client with the event of its registration."""
        client = a_client(issuer=self.issuer_id, **what_matters)

        async def act(vault: Vault) -> None:
            event = a_registration_event(client)
            await vault.store.commit(Changes(puts=(Put(client),), events=(event,)))

        self.do(act)
        return client

    def add_issuer(self, url: str) -> Issuer:
        """Store a second issuer, like the first."""

        async def act(vault: Vault) -> Issuer:
            first = (await vault.store.issuers())[0]
            issuer = msgspec.structs.replace(first, id=issuer_id(url), url=url)
            event = an_event(issuer=issuer.id)
            await vault.store.commit(Changes(puts=(Put(issuer),), events=(event,)))
            return issuer

        return self.do(act)

    def sequence(self) -> None:
        """Give every event its index and sign a checkpoint, as a server does."""

        async def act(vault: Vault) -> None:
            signer = LocalSigner(vault.store, vault.keys)
            for issuer in await vault.store.issuers():
                await Sequencer(vault.store, signer).run(issuer)

        self.do(act)


def run(*arguments: str, typed: str = "") -> Done:
    """Run a command; *typed* is on its standard input."""
    secrets = {"REGISTRARY_KEYS__ENCRYPTION_KEY": ENCRYPTION_KEY}
    result = CliRunner().invoke(app, list(arguments), input=typed, env=secrets)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def an_office(folder: Path, stores: Stores = SQLITE) -> Office:
    """Return a new store for *folder* with an issuer and its keys."""
    folder.mkdir(parents=True, exist_ok=True)
    office = Office(folder, stores)
    office.do(lambda vault: begin(vault, office.settings))
    return office


async def begin(vault: Vault, settings: Settings) -> None:
    """Record the issuer of *settings* and make its keys, as a starting server does."""
    clock, entropy = SystemClock(), SystemEntropy()
    await ensure_issuer(vault.store, settings, clock, entropy=entropy)
    signer = LocalSigner(vault.store, vault.keys)
    rotation = KeyRotation(vault.store, signer, LocalKeyMaker(vault.keys), clock=clock)
    for issuer in await vault.store.issuers():
        await rotation.run(issuer, entropy)
