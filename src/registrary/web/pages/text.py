"""Text of strangers as pages show it: bounded, in one line, unable to rearrange what is around."""

import re
from typing import Final
from urllib.parse import urlsplit

from registrary.core.schemes import is_denied

NAME_CHARACTERS: Final = 80

# Controls of the writing direction, which `bdi` would hold in but which mislead inside it, and what
# ends lines or is no character. The joiners stay: Persian and Hindi names need them.
_MISLEADING: Final = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

# More marks on one letter than any script has climb over what stands around it.
_MARK: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILED: Final = re.compile(f"({_MARK}{{4}}){_MARK}+")


def shown(text: str, limit: int = NAME_CHARACTERS) -> str:
    """Return *text* without what misleads the eye, in one line of *limit* characters at most."""
    line = " ".join(_PILED.sub(r"\1", _MISLEADING.sub("", text)).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def host_of(url: str) -> str | None:
    """Return the host of *url* if that is an address a browser may open as a page, else None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def is_way_back(url: str) -> bool:
    """Tell whether *url* can be a link to a client: no script, and nothing this browser holds."""
    scheme = url.partition(":")[0].lower()
    return bool(re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme)) and not is_denied(scheme)
