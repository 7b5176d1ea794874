"""What people sign in with, as it is looked up."""

import unicodedata
from typing import Final

from registrary.core.base64url import encode

LOCAL_PREFIX: Final = "local:"
NAME_LIMIT: Final = 254  # characters, as many as an e-mail address may have (RFC 5321 §4.5.3.1)


def folded(username: str) -> str:
    """Return *username* as it is compared: spelling, case and width make no other person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).strip()


def local_name(username: str) -> str:
    """Return the name of somebody with a user name here."""
    return f"{LOCAL_PREFIX}{folded(username)}"


def passkey_name(credential: bytes) -> str:
    """Return the name of the owner of the passkey with the id *credential*."""
    return f"passkey:{encode(credential)}"


def upstream_name(provider: str, subject: str) -> str:
    """Return the name of who is *subject* at the identity provider with the id *provider*."""
    return f"upstream:{provider}:{subject}"


def mail_domain(username: str) -> str | None:
    """Return the domain of *username* where it is an e-mail address, lower-case."""
    name, at, domain = username.strip().rpartition("@")
    return domain.lower() if name and at and domain else None
