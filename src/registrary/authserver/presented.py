"""How a client presents itself (RFC 6749 §2.3, RFC 7523 §2.2), before anything is proved."""

from dataclasses import dataclass

import msgspec


class PresentedSecret(msgspec.Struct, frozen=True):
    """A client id with a secret, in the header (*method* basic) or in the form (post)."""

    client_id: str
    secret: str
    method: str

    def __repr__(self) -> str:
        """Keep the secret out of logs and tracebacks."""
        return f"PresentedSecret({self.method})"


@dataclass(frozen=True, slots=True)
class PresentedAssertion:
    """A signed assertion; *client_id* is what the form says beside it, if anything."""

    assertion: str
    client_id: str | None

    def __repr__(self) -> str:
        """Keep the assertion out of logs and tracebacks."""
        return "PresentedAssertion(…)"


@dataclass(frozen=True, slots=True)
class PresentedId:
    """A client id with nothing to prove it: a public client."""

    client_id: str


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """A client id and a certificate whose key was proved in TLS (RFC 8705 §2), as DER.

    It proves a client that registered for it; a public one may bind its tokens to it (§4).
    """

    client_id: str
    certificate: bytes

    def __repr__(self) -> str:
        """Keep logs and tracebacks short."""
        return "PresentedCertificate(…)"


class Visit(msgspec.Struct, frozen=True):
    """Where a client came to and from where, for what is written down about it."""

    endpoint: str = ""
    peer: str = ""
    request_id: str = ""


Presented = PresentedSecret | PresentedAssertion | PresentedCertificate | PresentedId


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client gets nothing: an OAuth error, and a text for the client."""

    code: str
    description: str
