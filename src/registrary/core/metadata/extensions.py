"""Members of PAR, DPoP, mutual TLS, JAR, RAR, RFC 9701, JARM and CIBA."""

from functools import partial
from typing import Any, Final

from registrary.core.metadata import parsers
from registrary.core.metadata.field import Feature, Field
from registrary.core.metadata.schemas import BOOLEAN, URI, WORD, WORDS, text

_INTROSPECTION: Final = "RFC 9701 §6"
_RESPONSES: Final = "JARM §3"
_BACKCHANNEL: Final = "CIBA §4"

_flag = partial(Field[bool], parse=parsers.boolean, schema=BOOLEAN, default=False)
_algorithm = partial(Field[str], parse=parsers.token, schema=WORD)
_subject = partial(
    Field[str],
    section="RFC 8705 §2.1.2",
    schema=text(parsers.TEXT_LIMIT),
    feature=Feature.MUTUAL_TLS,
)

REQUIRE_PUSHED_AUTHORIZATION_REQUESTS: Final[Field[bool]] = _flag(
    name="require_pushed_authorization_requests",
    section="RFC 9126 §6",
    sentence="Whether every authorization request must be pushed.",
    feature=Feature.PUSHED_REQUESTS,
)
DPOP_BOUND_ACCESS_TOKENS: Final[Field[bool]] = _flag(
    name="dpop_bound_access_tokens",
    section="RFC 9449 §5.2",
    sentence="Whether every token must be bound to a DPoP key.",
    feature=Feature.DPOP,
)
TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS: Final[Field[bool]] = _flag(
    name="tls_client_certificate_bound_access_tokens",
    section="RFC 8705 §3.4",
    sentence="Whether tokens are bound to the client's certificate.",
    feature=Feature.MUTUAL_TLS,
)
TLS_CLIENT_AUTH_SUBJECT_DN: Final[Field[str]] = _subject(
    name="tls_client_auth_subject_dn",
    parse=parsers.distinguished_name,
    sentence="The subject name of the client's certificate.",
    schema=text(parsers.SUBJECT_LIMIT),
)
TLS_CLIENT_AUTH_SAN_DNS: Final[Field[str]] = _subject(
    name="tls_client_auth_san_dns",
    parse=parsers.host_name,
    sentence="The host name in the client's certificate.",
)
TLS_CLIENT_AUTH_SAN_URI: Final[Field[str]] = _subject(
    name="tls_client_auth_san_uri",
    parse=parsers.any_uri,
    sentence="The URI in the client's certificate.",
    schema=URI,
)
TLS_CLIENT_AUTH_SAN_IP: Final[Field[str]] = _subject(
    name="tls_client_auth_san_ip",
    parse=parsers.address,
    sentence="The IP address in the client's certificate.",
)
TLS_CLIENT_AUTH_SAN_EMAIL: Final[Field[str]] = _subject(
    name="tls_client_auth_san_email",
    parse=parsers.e_mail,
    sentence="The e-mail address in the client's certificate.",
)
REQUIRE_SIGNED_REQUEST_OBJECT: Final[Field[bool]] = _flag(
    name="require_signed_request_object",
    section="RFC 9101 §10.5",
    sentence="Whether every authorization request must be a signed object.",
    feature=Feature.SIGNED_REQUESTS,
)
AUTHORIZATION_DETAILS_TYPES: Final[Field[list[str]]] = Field(
    name="authorization_details_types",
    parse=parsers.array(parsers.identifier),
    section="RFC 9396 §10",
    sentence="Which kinds of detailed authorization the client asks for.",
    schema=WORDS,
    announced_by="authorization_details_types_supported",
    feature=Feature.AUTHORIZATION_DETAILS,
)
INTROSPECTION_SIGNED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="introspection_signed_response_alg",
    section=_INTROSPECTION,
    sentence="How introspection answers are signed; RS256 when absent.",
    announced_by="introspection_signing_alg_values_supported",
    feature=Feature.SIGNED_INTROSPECTION,
)
INTROSPECTION_ENCRYPTED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="introspection_encrypted_response_alg",
    section=_INTROSPECTION,
    sentence="How the key of encrypted introspection answers is wrapped.",
    announced_by="introspection_encryption_alg_values_supported",
    feature=Feature.SIGNED_INTROSPECTION,
)
INTROSPECTION_ENCRYPTED_RESPONSE_ENC: Final[Field[str]] = _algorithm(
    name="introspection_encrypted_response_enc",
    section=_INTROSPECTION,
    sentence="How introspection answers are encrypted.",
    announced_by="introspection_encryption_enc_values_supported",
    feature=Feature.SIGNED_INTROSPECTION,
)
AUTHORIZATION_SIGNED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="authorization_signed_response_alg",
    section=_RESPONSES,
    sentence="How authorization responses are signed; RS256 when absent.",
    announced_by="authorization_signing_alg_values_supported",
    feature=Feature.SIGNED_RESPONSES,
)
AUTHORIZATION_ENCRYPTED_RESPONSE_ALG: Final[Field[str]] = _algorithm(
    name="authorization_encrypted_response_alg",
    section=_RESPONSES,
    sentence="How the key of encrypted authorization responses is wrapped.",
    announced_by="authorization_encryption_alg_values_supported",
    feature=Feature.SIGNED_RESPONSES,
)
AUTHORIZATION_ENCRYPTED_RESPONSE_ENC: Final[Field[str]] = _algorithm(
    name="authorization_encrypted_response_enc",
    section=_RESPONSES,
    sentence="How authorization responses are encrypted.",
    announced_by="authorization_encryption_enc_values_supported",
    feature=Feature.SIGNED_RESPONSES,
)
BACKCHANNEL_TOKEN_DELIVERY_MODE: Final[Field[str]] = _algorithm(
    name="backchannel_token_delivery_mode",
    section=_BACKCHANNEL,
    sentence="How the client learns that a person approved elsewhere.",
    announced_by="backchannel_token_delivery_modes_supported",
    feature=Feature.BACKCHANNEL_AUTHENTICATION,
)
BACKCHANNEL_CLIENT_NOTIFICATION_ENDPOINT: Final[Field[str]] = Field(
    name="backchannel_client_notification_endpoint",
    parse=parsers.https_uri,
    section=_BACKCHANNEL,
    sentence="Where the client is told that a person approved elsewhere.",
    schema=URI,
    feature=Feature.BACKCHANNEL_AUTHENTICATION,
    parse_with_loopback=parsers.https_or_loopback_uri,
)
BACKCHANNEL_AUTHENTICATION_REQUEST_SIGNING_ALG: Final[Field[str]] = _algorithm(
    name="backchannel_authentication_request_signing_alg",
    section=_BACKCHANNEL,
    sentence="How the client signs its backchannel requests; not at all when absent.",
    announced_by="backchannel_authentication_request_signing_alg_values_supported",
    feature=Feature.BACKCHANNEL_AUTHENTICATION,
)
BACKCHANNEL_USER_CODE_PARAMETER: Final[Field[bool]] = _flag(
    name="backchannel_user_code_parameter",
    section=_BACKCHANNEL,
    sentence="Whether the client asks people for a code of theirs.",
    feature=Feature.BACKCHANNEL_AUTHENTICATION,
)

FIELDS: Final[tuple[Field[Any], ...]] = (  # Any: rows of members of every type
    REQUIRE_PUSHED_AUTHORIZATION_REQUESTS,
    DPOP_BOUND_ACCESS_TOKENS,
    TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS,
    TLS_CLIENT_AUTH_SUBJECT_DN,
    TLS_CLIENT_AUTH_SAN_DNS,
    TLS_CLIENT_AUTH_SAN_URI,
    TLS_CLIENT_AUTH_SAN_IP,
    TLS_CLIENT_AUTH_SAN_EMAIL,
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
