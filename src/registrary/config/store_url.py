"""Which store is meant, and what has to be known to open it."""

from typing import Final

from registrary.config.loading import SettingsError
from registrary.config.settings import Settings

SQLITE: Final = "sqlite:///"
POSTGRES: Final = "postgresql://"
DEVELOPMENT_STORE: Final = "sqlite:///var/registrary.db"
FORMS: Final = "sqlite:///relative.db, sqlite:////absolute.db or postgresql://USER@HOST/DATABASE"


def store_url(settings: Settings) -> str:
    """Return the URL of the store; raises `SettingsError`, which never shows it.

    A development server that is told nothing keeps its store below the folder it runs in.
    """
    url = settings.store or (DEVELOPMENT_STORE if settings.dev else None)
    if url is None:
        raise SettingsError("store is required: pass --store or set REGISTRARY_STORE")
    if url.startswith("postgres://"):
        raise SettingsError("store must be spelt postgresql://, not postgres://")
    if not url.startswith((SQLITE, POSTGRES)) or url in (SQLITE, POSTGRES):
        raise SettingsError(f"store must be {FORMS}")
    if is_postgres(url):
        _demand_readable(url, "store")
    return url


def is_postgres(url: str) -> bool:
    """Tell whether *url* leads to PostgreSQL."""
    return url.startswith(POSTGRES)


def holds_password(url: str) -> bool:
    """Tell whether whoever sees *url* sees a password."""
    address, _, parameters = url.partition("?")
    user, at, _ = address.removeprefix(POSTGRES).rpartition("@")
    return is_postgres(url) and ("password=" in parameters or bool(at and ":" in user))


def direct_url(settings: Settings) -> str | None:
    """Return where PostgreSQL is reached past a pooler; None when nothing says so."""
    direct = settings.postgres.direct
    if direct is not None and (not direct.startswith(POSTGRES) or direct == POSTGRES):
        raise SettingsError("postgres.direct must be postgresql://USER@HOST/DATABASE")
    if direct is not None:
        _demand_readable(direct, "postgres.direct")
    return direct


def _demand_readable(url: str, name: str) -> None:
    """Refuse a URL that would be cut in the middle of a password."""
    address, _, _ = url.partition("?")
    servers, _, database = address.removeprefix(POSTGRES).partition("/")
    if "#" in url or "@" in database or servers.count("@") > 1 or " " in url:
        raise SettingsError(
            f"{name}: its URL cannot be read; in user name and password spell / as %2F, # as %23, "
            "? as %3F, @ as %40, : as %3A and a blank as %20"
        )
