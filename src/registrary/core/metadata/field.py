"""What one member of client metadata is: a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

INVALID_METADATA: Final = "invalid_client_metadata"
INVALID_REDIRECT_URI: Final = "invalid_redirect_uri"
INVALID_SOFTWARE_STATEMENT: Final = "invalid_software_statement"


class Feature(StrEnum):
    """Something an issuer offers or not; members of one it does not offer are dropped."""

    APPROVALS = "scopes that wait for approval"
    AUTHORIZATION_DETAILS = "rich authorization requests"
    BACKCHANNEL_AUTHENTICATION = "client-initiated backchannel authentication"
    BACKCHANNEL_LOGOUT = "back-channel logout"
    CLIENT_AUTHORITIES = "mutual TLS by certificate authorities"
    DEVICE_GRANT = "device grant"
    DPOP = "DPoP"
    ENCRYPTED_REQUESTS = "encrypted requests"
    ENCRYPTION = "encrypted answers"
    FRONTCHANNEL_LOGOUT = "front-channel logout"
    HTTP_LOGOUT = "logout over plain http"
    JWT_BEARER_GRANT = "JWT bearer grant"
    LOGOUT = "logout"
    MUTUAL_TLS = "mutual TLS"
    PUSHED_REQUESTS = "pushed authorization requests"
    REQUEST_OBJECTS = "request objects"
    REQUEST_URIS = "request_uri by reference"
    SIGNED_INTROSPECTION = "signed introspection"
    SIGNED_REQUESTS = "demanding signed requests"
    SIGNED_RESPONSES = "signed authorization responses"
    SIGNED_USERINFO = "signed userinfo"
    SOFTWARE_STATEMENTS = "software statements"
    TOKEN_EXCHANGE = "token exchange"


class Source(StrEnum):
    """Where a value of the resulting client came from."""

    CLIENT = "client"
    STATEMENT = "statement"
    TEMPLATE = "template"
    DEFAULT = "default"
    INFERRED = "inferred"
    NARROWED = "narrowed"
    POLICY = "policy"
    ADMINISTRATOR = "administrator"


# Rows are told apart by identity, so that a row can be a key of `Metadata`. No slots: typing
# notes on an instance what its T is.
@dataclass(frozen=True, eq=False)
class Field(Generic[T]):
    """One member of client metadata, as the specification in *section* has it.

    *parse* turns the JSON value into a valid one or raises `FieldError`, whose code is *error*;
    *parse_with_loopback* takes its place where an issuer lets plain http reach this machine.
    *default* is what an absent member means, None where absence has a meaning of its own.

    *announced_by* is the member of the server's metadata that lists the values taken. While no
    list is published the member is dropped, unless it *is_free_without_list*. A value outside
    the list is refused, unless *is_judged_between*: then a rule between members decides.
    *feature* is what the issuer must offer for the member to mean anything.

    *is_internationalized* members may carry language tags (RFC 7591 §2.2). *sentence* is for
    people; *schema* is a fragment of JSON Schema. No member is a secret: credentials are kept
    apart from metadata.
    """

    name: str
    parse: Callable[[object], T]
    section: str
    sentence: str
    schema: Mapping[str, Any]
    error: str = INVALID_METADATA
    default: T | None = None
    announced_by: str | None = None
    is_free_without_list: bool = False
    is_judged_between: bool = False
    feature: Feature | None = None
    is_internationalized: bool = False
    parse_with_loopback: Callable[[object], T] | None = None
