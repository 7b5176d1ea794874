"""Lengths of time as administrators write them: ``30s``, ``15m``, ``1h``, ``30d``."""

import re
from datetime import timedelta
from typing import Final

from registrary.registrar.administration import NotPossible

_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str, member: str) -> timedelta:
    """Return the length of time *text* stands for; raises `NotPossible` naming *member*."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotPossible(f"{member}: must be like 1s, 15m, 1h or 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def duration_text(length: timedelta) -> str:
    """Return *length* in the same notation, in the greatest unit that fits."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and not seconds % size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
