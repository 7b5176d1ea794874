"""Settings that the bench's own Registrary runs with, and its store is filled with."""

import base64
from pathlib import Path
from typing import Final

from registrary.config import Settings
from registrary.config.settings import KeySettings

ADMIN_TOKEN: Final = "admin-token-of-the-bench"
ENCRYPTION_KEY: Final = (
    base64.urlsafe_b64encode(b"the bench has nothing to conceal").rstrip(b"=").decode()
)


def file_settings(folder: Path) -> Settings:
    """Return the settings of ``serve --dev --no-rate-limits`` with its store in *folder*."""
    return Settings(dev=True, no_rate_limits=True, store=f"sqlite:///{folder / 'store.db'}")


def database_settings(url: str) -> Settings:
    """Return the settings of ``serve --dev --no-rate-limits --migrate`` on PostgreSQL."""
    keys = KeySettings(encryption_key=ENCRYPTION_KEY)
    return Settings(dev=True, no_rate_limits=True, store=url, migrate=True, keys=keys)
