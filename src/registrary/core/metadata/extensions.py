"""Members of later specifications: PAR, DPoP, mutual TLS, JAR, RAR, RFC 9701, JARM, CIBA."""

from typing import Any, Final

from registrary.core.metadata import parsers
from registrary.core.metadata.field import Feature, Field

_BOOLEAN: Final = {"type": "boolean"}


def _flag(  # noqa: PLR0917 - the columns of a row
    name: str, feature: Feature, section: str, sentence: str
) -> Field[bool]:
    return Field(
        name=name,
        parse=parsers.boolean,
        section=section,
        sentence=sentence,
        feature=feature,
        schema=_BOOLEAN,
    )


def _text(  # noqa: PLR0917 - the columns of a row
    name: str,
    feature: Feature,
    section: str,
    sentence: str,
    *,
    announced_by: str | None = None,
) -> Field[str]:
    return Field(
        name=name,
        parse=parsers.identifier,
        section=section,
        sentence=sentence,
        feature=feature,
        announced_by=announced_by,
    )


REQUIRE_PUSHED_AUTHORIZATION_REQUESTS: Final = _flag(
    "require_pushed_authorization_requests",
    Feature.PUSHED_REQUESTS,
    "RFC 9126 §6",
    "Whether every authorization request must be pushed.",
)
DPOP_BOUND_ACCESS_TOKENS: Final = _flag(
    "dpop_bound_access_tokens",
    Feature.DPOP,
    "RFC 9449 §5.2",
    "Whether every token must be bound to a DPoP key.",
)
TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS: Final = _flag(
    "tls_client_certificate_bound_access_tokens",
    Feature.MUTUAL_TLS,
    "RFC 8705 §3.4",
    "Whether tokens are bound to the client's certificate.",
)
_SUBJECTS: Final = (
    ("tls_client_auth_subject_dn", "The subject name of the client's certificate."),
    ("tls_client_auth_san_dns", "The host name in the client's certificate."),
    ("tls_client_auth_san_uri", "The URI in the client's certificate."),
    ("tls_client_auth_san_ip", "The address in the client's certificate."),
    ("tls_client_auth_san_email", "The e-mail address in the client's certificate."),
)
TLS_CLIENT_AUTH_SUBJECTS: Final[tuple[Field[str], ...]] = tuple(
    _text(name, Feature.MUTUAL_TLS, "RFC 8705 §2.1.2", sentence) for name, sentence in _SUBJECTS
)
REQUIRE_SIGNED_REQUEST_OBJECT: Final = _flag(
    "require_signed_request_object",
    Feature.REQUEST_OBJECTS,
    "RFC 9101 §10.5",
    "Whether every authorization request must be a signed object.",
)
AUTHORIZATION_DETAILS_TYPES: Final[Field[list[str]]] = Field(
    name="authorization_details_types",
    parse=parsers.array(parsers.identifier),
    section="RFC 9396 §10",
    sentence="Which kinds of detailed authorization the client asks for.",
    announced_by="authorization_details_types_supported",
    feature=Feature.AUTHORIZATION_DETAILS,
    schema={"type": "array", "items": {"type": "string"}},
)
INTROSPECTION_SIGNED_RESPONSE_ALG: Final = _text(
    "introspection_signed_response_alg",
    Feature.SIGNED_INTROSPECTION,
    "RFC 9701 §6",
    "How introspection answers are signed.",
    announced_by="introspection_signing_alg_values_supported",
)
INTROSPECTION_ENCRYPTED_RESPONSE_ALG: Final = _text(
    "introspection_encrypted_response_alg",
    Feature.SIGNED_INTROSPECTION,
    "RFC 9701 §6",
    "How the key of encrypted introspection answers is wrapped.",
    announced_by="introspection_encryption_alg_values_supported",
)
INTROSPECTION_ENCRYPTED_RESPONSE_ENC: Final = _text(
    "introspection_encrypted_response_enc",
    Feature.SIGNED_INTROSPECTION,
    "RFC 9701 §6",
    "How introspection answers are encrypted.",
    announced_by="introspection_encryption_enc_values_supported",
)
AUTHORIZATION_SIGNED_RESPONSE_ALG: Final = _text(
    "authorization_signed_response_alg",
    Feature.SIGNED_RESPONSES,
    "JARM §3",
    "How authorization responses are signed.",
    announced_by="authorization_signing_alg_values_supported",
)
AUTHORIZATION_ENCRYPTED_RESPONSE_ALG: Final = _text(
    "authorization_encrypted_response_alg",
    Feature.SIGNED_RESPONSES,
    "JARM §3",
    "How the key of encrypted authorization responses is wrapped.",
    announced_by="authorization_encryption_alg_values_supported",
)
AUTHORIZATION_ENCRYPTED_RESPONSE_ENC: Final = _text(
    "authorization_encrypted_response_enc",
    Feature.SIGNED_RESPONSES,
    "JARM §3",
    "How authorization responses are encrypted.",
    announced_by="authorization_encryption_enc_values_supported",
)
BACKCHANNEL_TOKEN_DELIVERY_MODE: Final = _text(
    "backchannel_token_delivery_mode",
    Feature.BACKCHANNEL_AUTHENTICATION,
    "CIBA §4",
    "How the client learns that a person approved elsewhere.",
    announced_by="backchannel_token_delivery_modes_supported",
)
BACKCHANNEL_CLIENT_NOTIFICATION_ENDPOINT: Final[Field[str]] = Field(
    name="backchannel_client_notification_endpoint",
    parse=parsers.https_uri,
    section="CIBA §4",
    sentence="Where the client is told that a person approved elsewhere.",
    feature=Feature.BACKCHANNEL_AUTHENTICATION,
)
BACKCHANNEL_AUTHENTICATION_REQUEST_SIGNING_ALG: Final = _text(
    "backchannel_authentication_request_signing_alg",
    Feature.BACKCHANNEL_AUTHENTICATION,
    "CIBA §4",
    "How the client signs its backchannel requests.",
    announced_by="backchannel_authentication_request_signing_alg_values_supported",
)
BACKCHANNEL_USER_CODE_PARAMETER: Final = _flag(
    "backchannel_user_code_parameter",
    Feature.BACKCHANNEL_AUTHENTICATION,
    "CIBA §4",
    "Whether the client asks people for a code of theirs.",
)

FIELDS: Final[tuple[Field[Any], ...]] = (
    REQUIRE_PUSHED_AUTHORIZATION_REQUESTS,
    DPOP_BOUND_ACCESS_TOKENS,
    TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS,
    *TLS_CLIENT_AUTH_SUBJECTS,
    REQUIRE_SIGNED_REQUEST_OBJECT,
    AUTHORIZATION_DETAILS_TYPES,
    INTROSPECTION_SIGNED_RESPONSE_ALG,
    INTROSPECTION_ENCRYPTED_RESPONSE_ALG,
    INTROSPECTION_ENCRYPTED_RESPONSE_ENC,
    AUTHORIZATION_SIGNED_RESPONSE_ALG,
    AUTHORIZATION_ENCRYPTED_RESPONSE_ALG,
    AUTHORIZATION_ENCRYPTED_RESPONSE_ENC,
    BACKCHANNEL_TOKEN_DELIVERY_MODE,
    BACKCHANNEL_CLIENT_NOTIFICATION_ENDPOINT,
    BACKCHANNEL_AUTHENTICATION_REQUEST_SIGNING_ALG,
    BACKCHANNEL_USER_CODE_PARAMETER,
)
