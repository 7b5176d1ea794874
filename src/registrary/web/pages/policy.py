"""The Content Security Policy of a page: what it may load, and where its forms may lead."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from registrary.web.pages.inline_parts import SCRIPTS, STYLE_HASH, csp_hash

_BASE: Final = "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

# A source is part of a header that `;` and blanks divide (CSP level 3 §2.3.1).
_SOURCE: Final = re.compile(r"[a-z][a-z0-9+.-]*:(?://[a-z0-9_.-]+(?::[0-9]{1,5})?)?", re.IGNORECASE)


def source_of(url: str) -> str:
    """Return the origin of *url*, or its scheme where the origin cannot be said.

    The grammar of sources knows no IPv6 address, and a private scheme has no origin.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or ":" in (parts.hostname or ":"):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def policy(name: str, values: Mapping[str, object]) -> str:
    """Return the policy of the page *name* with *values*, which were checked."""
    directives = [_BASE, f"form-action {_form_action(name, values)}", f"style-src {STYLE_HASH}"]
    if has_script(name, values):
        directives.append(f"script-src {csp_hash(SCRIPTS[name])}")
    if _has_logo(values):
        directives.append("img-src 'self'")
    if frames := values.get("frames"):
        assert isinstance(frames, list)  # noqa: S101 - the catalogue says so; for the type checker
        directives.append(f"frame-src {' '.join(dict.fromkeys(map(_own_source, frames)))}")
    return "; ".join(directives)


def has_script(name: str, values: Mapping[str, object]) -> bool:
    """Tell whether the page *name* with *values* has anything to do for its script."""
    match name:
        case "login":
            return values["passkey"] is not None
        case "logged_out":
            return bool(values["goes_on"]) and values["link"] is not None
        case _:
            return name in SCRIPTS


def _form_action(name: str, values: Mapping[str, object]) -> str:
    if name == "form_post":
        return _own_source(str(values["action"]))
    way_back = values.get("form_action")
    return "'self'" if way_back is None else f"'self' {_well_formed(str(way_back))}"


def _own_source(url: str) -> str:
    return _well_formed(source_of(url))


def _well_formed(source: str) -> str:
    if not _SOURCE.fullmatch(source):
        raise ValueError("a source of a policy must be an origin, or a scheme with its colon")
    return source


def _has_logo(values: Mapping[str, object]) -> bool:
    """Tell whether one of *values* brings an address for a logo."""
    return any(isinstance(value, dict) and value.get("logo") for value in values.values())
