"""Single parameters of an authorization request, each read by its own rule."""

import re
from collections.abc import Mapping
from typing import Any, Final

from registrary.authserver.authorization.failing import RequestRefused
from registrary.authserver.authorization.request import Values
from registrary.core.metadata.parsers import SECONDS_LIMIT
from registrary.core.strict_json import JsonError, parse

INVALID: Final = "invalid_request"
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
DETAILS_LIMIT: Final = 20  # authorization details in one request

_DIGEST: Final = re.compile(r"[A-Za-z0-9_\-]{43}")  # a SHA-256 in base64url
_SECONDS: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def one(values: Values, name: str) -> str | None:
    """Return the value of *name*, None when it was not sent."""
    sent = values.get(name)
    return sent[0] if sent else None


def words(values: Values, name: str) -> tuple[str, ...]:
    """Return what *name* lists, separated by spaces."""
    return tuple((one(values, name) or "").split())


def text(values: Values, name: str) -> str | None:
    """Return the value of *name*, which comes back to the client or stands in a page."""
    value = one(values, name)
    if value is not None and _CONTROL.search(value):
        raise RequestRefused(INVALID, name, "must not hold control characters")
    return value


def state(values: Values) -> str | None:
    """Return ``state`` if it can be sent back, None otherwise; refusing it is for `text`."""
    value = one(values, "state")
    return None if value is not None and _CONTROL.search(value) else value


def digest(values: Values, name: str) -> str | None:
    """Return the SHA-256 that *name* spells in base64url."""
    value = one(values, name)
    if value is not None and _DIGEST.fullmatch(value) is None:
        raise RequestRefused(INVALID, name, "must be a SHA-256 in base64url, 43 characters")
    return value


def seconds(values: Values, name: str) -> int | None:
    """Return how many seconds *name* says."""
    value = one(values, name)
    if value is None:
        return None
    if _SECONDS.fullmatch(value) is None or int(value) > SECONDS_LIMIT:
        raise RequestRefused(INVALID, name, "must be a number of seconds")
    return int(value)


def prompt(values: Values) -> frozenset[str]:
    """Return what the person must be asked (Core §3.1.2.1)."""
    asked = frozenset(words(values, "prompt"))
    if not asked <= PROMPTS:
        raise RequestRefused(INVALID, "prompt", f"must be among {', '.join(sorted(PROMPTS))}")
    if "none" in asked and len(asked) > 1:
        raise RequestRefused(INVALID, "prompt", "none stands alone")
    return asked


def claims(values: Values) -> dict[str, Any]:  # Any: JSON (Core §5.5)
    """Return the ``claims`` parameter: ``id_token`` and ``userinfo``, each an object of requests.

    Other members are ignored, as the specification asks.
    """
    asked = _json(values, "claims")
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise RequestRefused(INVALID, "claims", "must be a JSON object")
    kept = {name: asked[name] for name in ("id_token", "userinfo") if asked.get(name) is not None}
    for requests in kept.values():
        if not isinstance(requests, dict) or not all(map(_is_request, requests.values())):
            rule = "must hold objects whose members are null or objects"
            raise RequestRefused(INVALID, "claims", rule)
    return kept


def _is_request(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and isinstance(value.get("values", []), list)


def essential_acr(asked: Mapping[str, Any]) -> tuple[str, ...]:  # Any: JSON (Core §5.5)
    """Return the classes of which one must be reached (Core §5.5.1.1)."""
    wish = (asked.get("id_token") or {}).get("acr") or {}
    if wish.get("essential") is not True:
        return ()
    listed = [wish["value"]] if "value" in wish else wish.get("values", [])
    return tuple(one for one in listed if isinstance(one, str))


def details(values: Values) -> tuple[dict[str, Any], ...]:  # Any: JSON (RFC 9396 §2)
    """Return ``authorization_details``: objects that name their type (RFC 9396 §2)."""
    code = "invalid_authorization_details"
    try:
        asked = _json(values, "authorization_details")
    except RequestRefused as refused:
        raise RequestRefused(code, "authorization_details", "must be JSON") from refused
    if asked is None:
        return ()
    if not isinstance(asked, list) or not 0 < len(asked) <= DETAILS_LIMIT:
        rule = f"must be an array of 1 to {DETAILS_LIMIT} objects"
        raise RequestRefused(code, "authorization_details", rule)
    if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in asked):
        raise RequestRefused(code, "authorization_details", "must hold objects with a type")
    return tuple(asked)


def _json(values: Values, name: str) -> Any:  # noqa: ANN401 - any JSON value
    value = one(values, name)
    if value is None:
        return None
    try:
        return parse(value.encode())
    except JsonError as error:
        raise RequestRefused(INVALID, name, error.rule) from error
