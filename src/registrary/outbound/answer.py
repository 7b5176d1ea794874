"""What an answer has to look like before its body is read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.ports.fetcher import FetchPurpose, FetchRefused, Refusal

_OK: Final = 200
_MAX_AGE: Final = re.compile(r'"?([0-9]{1,10})"?')
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of one answer, names in lower case."""

    items: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: Iterable[tuple[bytes, bytes]]) -> "Headers":
        """Read headers as they came over the wire."""
        return cls(tuple((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in raw))

    def all(self, name: str) -> list[str]:
        """Return every value of the header *name*, in order."""
        return [value.strip() for key, value in self.items if key == name]

    def one(self, name: str) -> str | None:
        """Return the value of the header *name*, or None where it is missing or repeated."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None


def check_answer(status: int, headers: Headers, purpose: FetchPurpose) -> str:
    """Return the media type of an answer worth reading; raise FetchRefused for any other."""
    if status != _OK:
        # Redirects too: they would lead past every check that was made (CVE-2026-4366).
        raise FetchRefused(Refusal.STATUS, f"status is {status}")
    if any(encoding.lower() != "identity" for encoding in headers.all("content-encoding")):
        raise FetchRefused(Refusal.ENCODING, "answer is compressed, unasked")
    media_type = (headers.one("content-type") or "").partition(";")[0].strip().lower()
    if not purpose.accepts(media_type):
        raise FetchRefused(Refusal.MEDIA_TYPE, f"media type is {media_type[:100]!r}")
    length = headers.one("content-length")
    if length is not None and int(length) > purpose.limit_bytes:
        raise FetchRefused(Refusal.SIZE, f"answer announces more than {purpose.limit_bytes} bytes")
    return media_type


def fresh_for(headers: Headers) -> timedelta | None:
    """Return how long the answer may be used again (RFC 9111 §4.2), at most a day.

    None when it does not say, zero when it forbids it. ``Expires`` is not looked at: it needs two
    clocks to agree.
    """
    directives = _directives(headers.all("cache-control"))
    if "no-store" in directives or "no-cache" in directives:
        return timedelta(0)
    lifetime = _MAX_AGE.fullmatch(directives.get("max-age", ""))
    if lifetime is None:
        # RFC 9111 §4.2.1: with invalid freshness information the answer counts as stale.
        return timedelta(0) if "max-age" in directives else None
    age = _MAX_AGE.fullmatch(headers.one("age") or "0")
    left = timedelta(seconds=int(lifetime[1]) - (int(age[1]) if age else 0))
    return min(max(left, timedelta(0)), _DAY)


def _directives(values: Sequence[str]) -> dict[str, str]:
    parts = [part.partition("=") for value in values for part in value.split(",")]
    return {name.strip().lower(): argument.strip() for name, _, argument in parts}
