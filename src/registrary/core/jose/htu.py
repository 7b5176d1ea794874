"""The address in a proof of possession, compared with the one that was called (RFC 9449 §4.3)."""

import re
from typing import Final

from registrary.core.errors import FieldError
from registrary.core.uris import take_apart

_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_address(htu: str, uri: str) -> bool:
    """Tell whether *htu* is *uri* but for query and fragment, however either is spelt.

    Spellings are levelled by syntax and scheme alone (RFC 3986 §6.2.2, §6.2.3): case of scheme
    and host, default port, percent signs and dot segments. What is no URI is no address.
    """
    try:
        return _levelled(htu) == _levelled(uri)
    except FieldError:
        return False


def _levelled(uri: str) -> tuple[str, str | None, str | None, str]:
    parts = take_apart(uri)
    port = None if parts.port == _DEFAULT_PORTS.get(parts.scheme) else parts.port
    return parts.scheme, parts.host, port, _without_dots(_ESCAPE.sub(_unescaped, parts.path))


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
