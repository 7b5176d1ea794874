"""What the manual lists has an effect."""

import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec

from registrary.config.settings import Settings
from registrary.core.events import Tag

SOURCE = Path(__file__).parents[2] / "src" / "registrary"


def code_outside(*places: str) -> str:
    """Return all code but that of *places*, which only declare."""
    apart = [SOURCE / place for place in places]
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
        if not any(path.is_relative_to(place) for place in apart)
    )


def names_of(shape: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the name of every setting, section by section."""
    hints = typing.get_type_hints(shape)
    for setting in msgspec.structs.fields(shape):
        kind = hints[setting.name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from names_of(kind)
        else:
            yield setting.name


def test_every_setting_is_read():
    """An operator who sets a limit and gets none is worse off than without the setting."""
    code = code_outside("config/settings.py", "config/loading.py")
    # `listen` is read by `config.checks.listen_address`, which everybody else asks.

    unread = [name for name in names_of(Settings) if f".{name}" not in code]

    assert [] == unread


def test_every_kind_of_event_is_written():
    """An auditor who looks for an event that is never written concludes that it never happened."""
    code = code_outside("core/events.py")

    unwritten = [tag.value for tag in Tag if f"Tag.{tag.name}" not in code]

    assert [] == unwritten
