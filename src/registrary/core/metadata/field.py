"""What one member of client metadata is: a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

INVALID_METADATA: Final = "invalid_client_metadata"
INVALID_REDIRECT_URI: Final = "invalid_redirect_uri"


class Feature(StrEnum):
    """Something an issuer offers or not; members of one it does not offer are dropped."""

    PUSHED_REQUESTS = "pushed authorization requests"
    DPOP = "DPoP"
    MUTUAL_TLS = "mutual TLS"
    REQUEST_OBJECTS = "request objects"
    REQUEST_URIS = "request_uri by reference"
    AUTHORIZATION_DETAILS = "rich authorization requests"
    ENCRYPTION = "encrypted answers"
    SIGNED_USERINFO = "signed userinfo"
    SIGNED_INTROSPECTION = "signed introspection"
    SIGNED_RESPONSES = "signed authorization responses"
    BACKCHANNEL_AUTHENTICATION = "client-initiated backchannel authentication"
    LOGOUT = "logout"
    BACKCHANNEL_LOGOUT = "back-channel logout"
    FRONTCHANNEL_LOGOUT = "front-channel logout"


class Source(StrEnum):
    """Where a value of the resulting client came from."""

    CLIENT = "client"
    DEFAULT = "default"
    INFERRED = "inferred"
    NARROWED = "narrowed"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """One member of client metadata.

    *parse* turns the JSON value into a valid one or raises `FieldError`. *announced_by* is the
    member of the server's metadata that lists the values taken; *feature* is what the issuer
    must offer for the member to mean anything. *is_internationalized* members may carry
    language tags (RFC 7591 §2.2). *sentence* is for people.
    """

    name: str
    parse: Callable[[object], T]
    section: str
    sentence: str
    error: str = INVALID_METADATA
    announced_by: str | None = None
    feature: Feature | None = None
    is_internationalized: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
