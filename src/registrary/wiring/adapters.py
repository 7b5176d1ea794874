"""Adapters made from settings: store, keys, fetcher, clock, randomness."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from registrary.config import Settings, SettingsError
from registrary.config.settings import HttpSettings
from registrary.config.store_url import SQLITE, is_postgres, store_url
from registrary.core.errors import FieldError
from registrary.keys.local import FileKeys, key_file_of, open_key_file
from registrary.outbound.policy import OutboundPolicy, development_policy, public_policy
from registrary.outbound.tls import client_context
from registrary.ports.kept_store import KeptKeys, KeptStore
from registrary.ports.store import StoreUnavailable
from registrary.ports.transfer import MARK
from registrary.storage.sqlite import open_sqlite

if TYPE_CHECKING:
    from registrary.core.x509.authorities import Authorities

EXTRA_STORE_VARIABLE: Final = "SSL_CERT_FILE"


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


class SystemEntropy:
    """The random numbers of this machine's kernel."""

    def token_bytes(self, count: int) -> bytes:
        """Return *count* random bytes."""
        return os.urandom(count)


@dataclass(frozen=True, slots=True)
class Vault:
    """A store and the keys that belong to it."""

    store: KeptStore
    keys: KeptKeys


def database_path(settings: Settings) -> Path:
    """Return where the SQLite file lies; raises `SettingsError` when no store is named."""
    url = store_url(settings)
    if is_postgres(url):
        raise SettingsError("store: this needs a SQLite file, sqlite:///relative.db or absolute")
    return Path(url.removeprefix(SQLITE))


async def open_vault(settings: Settings, *, create: bool) -> Vault:
    """Open the store and its keys; with *create* make both where there is neither.

    A database without its keys is refused: new ones would turn every credential invalid. Whether
    they are the right ones is for `health.keys_problem` to tell. PostgreSQL is made and brought up
    to date where the settings say so, and not by the way.
    """
    if is_postgres(store_url(settings)):
        # Imported here: who stays with SQLite need not wait for it.
        from registrary.wiring.database import open_database  # noqa: PLC0415 - see above

        vault = Vault(*await open_database(settings, create=create))
    else:
        vault = _open_file(settings, create=create)
    return await demand_finished(vault)


def _open_file(settings: Settings, *, create: bool) -> Vault:
    path = database_path(settings)
    key_file = Path(settings.keys.file) if settings.keys.file else key_file_of(path)
    if path.is_dir():
        raise SettingsError(f"store: {path} is a folder; name a file in it, such as registrary.db")
    is_new = not path.exists()
    if is_new and not create:
        raise SettingsError(f"there is no store at {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = open_key_file(key_file) if is_new else FileKeys(key_file)
    return Vault(open_sqlite(path), keys)


async def demand_finished(vault: Vault) -> Vault:
    """Return *vault*, unless it is being filled from elsewhere and not all is there yet.

    Raises `StoreUnavailable`, the store closed.
    """
    if await vault.store.counter(*MARK):
        await vault.store.close()
        raise StoreUnavailable(
            "an import into it, or a move, was not finished; run that command again, or begin "
            "with an empty store"
        )
    return vault


def outbound_policy(settings: Settings) -> OutboundPolicy:
    """Return what may be fetched: in development anything of this machine, and nothing else."""
    if settings.dev:
        return development_policy()
    outbound = settings.outbound
    return public_policy(*outbound.ports, host_per_minute=outbound.per_host_per_minute)


def client_authorities(settings: HttpSettings) -> "Authorities | None":
    """Return who vouches for clients' certificates; raises `SettingsError` for a bad file."""
    if settings.tls_client_authorities is None:
        return None
    # Imported here: reading certificates costs a tenth of the start-up, and few servers do.
    from registrary.core.x509.authorities import Authorities  # noqa: PLC0415 - see above

    try:
        return Authorities.parse(Path(settings.tls_client_authorities).read_bytes())
    except FieldError as error:
        raise SettingsError(f"http.tls_client_authorities {error.rule}") from error
    except OSError as error:
        raise SettingsError(
            f"http.tls_client_authorities cannot be read: {error.strerror}"
        ) from error


def outbound_trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return whom we trust when we connect: the system's store, and the file *environment* names.

    Raises `SettingsError` for a file that holds no certificate.
    """
    named = environment.get(EXTRA_STORE_VARIABLE)
    try:
        return client_context(Path(named) if named else None)
    except ValueError as error:
        raise SettingsError(str(error)) from error
