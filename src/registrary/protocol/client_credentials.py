"""Reading how a client presents itself from a request (RFC 6749 §2.3.1, RFC 7521 §4.2)."""

from base64 import b64decode
from typing import Final
from urllib.parse import unquote_plus

from registrary.authserver.client_authentication import NOT_PROVED
from registrary.authserver.presented import (
    Presented,
    PresentedAssertion,
    PresentedCertificate,
    PresentedId,
    PresentedSecret,
    Refusal,
)
from registrary.protocol.http import HttpRequest
from registrary.protocol.parameters import Parameters

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def presented_by(request: HttpRequest, form: Parameters) -> Presented | Refusal:
    """Return how the client presents itself; one way only (RFC 6749 §2.3)."""
    headers = request.header_values(b"authorization")
    ways = bool(headers), "client_secret" in form, "client_assertion" in form
    if len(headers) > 1 or sum(ways) > 1:
        return Refusal("invalid_request", "the client must authenticate in one way only")
    if headers:
        return _from_header(headers[0], form)
    client_id = form.get("client_id")
    if "client_assertion" in form or "client_assertion_type" in form:
        return _from_assertion(form, client_id)
    if client_id is None:
        return NOT_PROVED
    secret = form.get("client_secret")
    if secret is None:
        certificate = request.client_certificate
        # RFC 8705 §2: whoever authenticates by TLS says in the form who it is.
        return (
            PresentedId(client_id)
            if certificate is None
            else PresentedCertificate(client_id, certificate)
        )
    return PresentedSecret(client_id, secret, "client_secret_post")


def _from_header(value: str, form: Parameters) -> Presented | Refusal:
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return NOT_PROVED
    try:
        text = b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:  # no base64, characters that base64 cannot have, or no UTF-8
        return NOT_PROVED
    client_id, separator, secret = text.partition(":")
    if not separator:
        return NOT_PROVED
    client_id = unquote_plus(client_id)
    if form.get("client_id") not in (None, client_id):
        return Refusal("invalid_request", "client_id: differs from the Authorization header")
    return PresentedSecret(client_id, unquote_plus(secret), "client_secret_basic")


def _from_assertion(form: Parameters, client_id: str | None) -> Presented | Refusal:
    assertion = form.get("client_assertion")
    if assertion is None or form.get("client_assertion_type") != ASSERTION_TYPE:
        return Refusal("invalid_request", f"client_assertion_type: must be {ASSERTION_TYPE}")
    return PresentedAssertion(assertion, client_id)
