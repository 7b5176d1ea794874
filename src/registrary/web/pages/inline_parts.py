"""The style sheet and scripts that stand in pages, and the hashes by which a policy admits them."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "inline"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def csp_hash(text: str) -> str:
    """Return the source that admits *text* between its tags (CSP level 3 §2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


STYLE: Final = _text("style.css")
STYLE_HASH: Final = csp_hash(STYLE)

SCRIPTS: Final[Mapping[str, str]] = {
    "enrol_passkey": _text("enrol_passkey.js"),
    "form_post": _text("form_post.js"),
    "logged_out": _text("logged_out.js"),
    "login": _text("login.js"),
}
"""The script of a page, by its name; every page works without."""
