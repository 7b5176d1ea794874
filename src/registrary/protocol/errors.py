"""The errors clients meet: one row each, and the only rendering of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.protocol.bearer import challenge
from registrary.protocol.http import JSON, NO_STORE, HttpResponse

_BASIC: Final = (b"www-authenticate", b'Basic realm="registrary"')
DESCRIPTION_LIMIT: Final = 1000  # characters of error_description


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error code as on the wire, its status, and whether the answer challenges the caller.

    *challenge* is an authentication scheme that goes into ``WWW-Authenticate``, or None. Every
    answer with the code carries it.
    """

    code: str
    status: int
    section: str
    challenge: str | None = None


ERRORS: Final[dict[str, ErrorRow]] = {
    row.code: row
    for row in (
        # Registration: RFC 7591 §3.2.2
        ErrorRow("invalid_redirect_uri", 400, "RFC 7591 §3.2.2"),
        ErrorRow("invalid_client_metadata", 400, "RFC 7591 §3.2.2"),
        ErrorRow("invalid_software_statement", 400, "RFC 7591 §3.2.2"),
        ErrorRow("unapproved_software_statement", 400, "RFC 7591 §3.2.2"),
        # Bearer tokens: RFC 6750 §3.1
        ErrorRow("invalid_request", 400, "RFC 6749 §5.2"),
        ErrorRow("invalid_token", 401, "RFC 6750 §3.1", challenge="Bearer"),
        ErrorRow("insufficient_scope", 403, "RFC 6750 §3.1", challenge="Bearer"),
        # Token endpoint: RFC 6749 §5.2, RFC 8707 §2
        ErrorRow("invalid_client", 401, "RFC 6749 §5.2", challenge="Basic"),
        ErrorRow("invalid_grant", 400, "RFC 6749 §5.2"),
        ErrorRow("unauthorized_client", 400, "RFC 6749 §5.2"),
        ErrorRow("unsupported_grant_type", 400, "RFC 6749 §5.2"),
        ErrorRow("invalid_scope", 400, "RFC 6749 §5.2"),
        ErrorRow("invalid_target", 400, "RFC 8707 §2"),
        ErrorRow("unsupported_token_type", 400, "RFC 7009 §2.2.1"),
        # Devices: RFC 8628 §3.5
        ErrorRow("authorization_pending", 400, "RFC 8628 §3.5"),
        ErrorRow("slow_down", 400, "RFC 8628 §3.5"),
        ErrorRow("expired_token", 400, "RFC 8628 §3.5"),
        # Proofs of possession: RFC 9449 §5, §8
        ErrorRow("invalid_dpop_proof", 400, "RFC 9449 §5"),
        ErrorRow("use_dpop_nonce", 400, "RFC 9449 §8"),
        # Pushed authorization requests: RFC 9126 §2.3 sends what the authorization endpoint would
        ErrorRow("unsupported_response_type", 400, "RFC 6749 §4.1.2.1"),
        ErrorRow("invalid_request_object", 400, "RFC 9101 §7"),
        ErrorRow("invalid_request_uri", 400, "RFC 9101 §7"),
        ErrorRow("request_not_supported", 400, "RFC 9101 §7"),
        ErrorRow("request_uri_not_supported", 400, "RFC 9101 §7"),
        ErrorRow("registration_not_supported", 400, "OpenID Connect Core §3.1.2.6"),
        ErrorRow("invalid_authorization_details", 400, "RFC 9396 §5"),
        # Everywhere
        ErrorRow("access_denied", 403, "RFC 6749 §4.1.2.1"),
        ErrorRow("not_found", 404, "RFC 9110 §15.5.5"),
        ErrorRow("method_not_allowed", 405, "RFC 9110 §15.5.6"),
        ErrorRow("not_acceptable", 406, "RFC 9110 §15.5.7"),
        ErrorRow("conflict", 409, "RFC 9110 §15.5.10"),
        ErrorRow("request_too_large", 413, "RFC 9110 §15.5.14"),
        ErrorRow("too_many_requests", 429, "RFC 6585 §4"),
        ErrorRow("server_error", 500, "RFC 6749 §4.1.2.1"),
        ErrorRow("not_implemented", 501, "RFC 9110 §15.6.2"),
        ErrorRow("temporarily_unavailable", 503, "RFC 6749 §4.1.2.1"),
    )
}


def printable(text: str) -> str:
    """Return *text* as ``error_description`` allows it: bounded ASCII, no quote or backslash.

    RFC 6749 §5.2; RFC 7591 §3.2.2.
    """
    kept = "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text)
    if len(kept) <= DESCRIPTION_LIMIT:
        return kept
    return kept[: DESCRIPTION_LIMIT - 3] + "..."


def error_response(
    code: str,
    description: str | None = None,
    *,
    headers: Iterable[tuple[bytes, bytes]] = (),
    retry_after: timedelta | None = None,
) -> HttpResponse:
    """Render the error *code* with the status and challenge of its row.

    *description* names the member and the rule, never a value the caller sent.
    *retry_after* is rounded up to whole seconds. Raises `KeyError` for a code without a row.
    """
    row = ERRORS[code]
    body = {"error": code}
    if description:
        body["error_description"] = printable(description)
    extra = [JSON, *NO_STORE, *headers]
    if row.challenge == "Bearer":
        extra.append(challenge(code))
    elif row.challenge == "Basic":
        extra.append(_BASIC)
    if retry_after is not None:
        seconds = max(1, -(-int(retry_after.total_seconds() * 1000) // 1000))
        extra.append((b"retry-after", str(seconds).encode()))
    return HttpResponse(row.status, tuple(extra), msgspec.json.encode(body))


def bare_challenge(description: str) -> HttpResponse:
    """Return 401 for a request without credentials: a challenge with no code (RFC 6750 §3.1).

    The body has one, because libraries that register clients tell their caller what it says.
    *description* says which kind of token is wanted.
    """
    body = {"error": "invalid_token", "error_description": printable(description)}
    headers = (JSON, *NO_STORE, challenge())
    return HttpResponse(401, headers, msgspec.json.encode(body))
