"""What an operator may set, and how it is read."""

from registrary.config.checks import check_for_serving
from registrary.config.loading import SettingsError, load_settings
from registrary.config.settings import Settings

__all__ = ["Settings", "SettingsError", "check_for_serving", "load_settings"]
