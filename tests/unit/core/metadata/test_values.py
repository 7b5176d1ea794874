"""Every member by itself: which values it takes, and which rule a bad one breaks."""

import base64

import pytest

from registrary.core.errors import FieldError
from registrary.core.metadata import (
    BY_NAME,
    FIELDS,
    Feature,
    describe,
    offer_for,
    parse_document,
)
from registrary.core.metadata.parsers import (
    ARRAY_LIMIT,
    REDIRECT_URI_LIMIT,
    SECONDS_LIMIT,
    STATEMENT_LIMIT,
    SUBJECT_LIMIT,
    TEXT_LIMIT,
)
from registrary.core.scope import DEVELOPMENT_SCOPES

EVERYTHING = offer_for(
    "oidf-dynamic",
    DEVELOPMENT_SCOPES,
    features=frozenset(Feature),
    authorization_details_types=("payment_initiation", "account_information"),
)

STRING = "must be a string"
BOOLEAN = "must be true or false"
ARRAY = "must be an array"
WORD = "must be one word of visible ASCII"
ABSOLUTE = "must be an absolute URI, beginning with its scheme"
UNSEEN = "must not hold control characters or invisible marks"
VISIBLE = "must have a character that can be seen"
SECONDS = f"must be a whole number of seconds from 0 to {SECONDS_LIMIT}"
WEB = "must be an http or https URL"
HTTPS = "must be an https URL"
E_MAIL = "must be an e-mail address"
KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": base64.urlsafe_b64encode(
        bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    )
    .decode()
    .rstrip("="),
}


def too_long(limit):
    """Return the rule that a string of more than *limit* characters breaks."""
    return f"must not be longer than {limit} characters"


def unlisted(name):
    """Return the rule that a value outside the published list breaks."""
    return f"must be among {name}"


def algorithms(name, good, bad):
    """Return the cases of a member whose values are published under *name*."""
    return good, [(bad, unlisted(name)), (5, STRING), ([good[0]], STRING), ("a b", WORD)]


TEXTS = (
    ["Example", "Übung", "日本語", "می‌خواهم", "a" * TEXT_LIMIT, "👩‍💻", "<b>&\"'"],
    [
        (5, STRING),
        (True, STRING),
        ({"en": "x"}, STRING),
        (["x"], STRING),
        ("a" * (TEXT_LIMIT + 1), too_long(TEXT_LIMIT)),
        ("a\nb", UNSEEN),
        ("a\x00", UNSEEN),
        ("a\x7f", UNSEEN),
        ("a\x85b", UNSEEN),
        ("\u202eelgoog", UNSEEN),
        ("a\u2066b", UNSEEN),
        ("a\u200fb", UNSEEN),
        ("a\u2028b", UNSEEN),
        ("pay\u200bpal", UNSEEN),
        ("pay\u00adpal", UNSEEN),
        ("\ufeffx", UNSEEN),
        ("x\U000e0041", UNSEEN),
        ("x\u3164", UNSEEN),
        ("x\uffa0", UNSEEN),
        ("x\u2800", UNSEEN),
        ("x\u115f", UNSEEN),
        ("x\u1160", UNSEEN),
        ("x\u034f", UNSEEN),
        ("x\u17b4", UNSEEN),
        ("x\u17b5", UNSEEN),
        ("x\U000e0101", UNSEEN),
        ("x\U0001d173", UNSEEN),
    ],
)
NAMES = (
    [*TEXTS[0], "❤️", "क्षि", "ᠮᠣᠩᠭᠣᠯ", " a", "(c)"],
    [
        *TEXTS[1],
        (" ", VISIBLE),
        ("\u00a0\u3000", VISIBLE),
        ("\u200d\u200c", VISIBLE),
        ("\ufe0f", VISIBLE),
        ("\u0301", VISIBLE),
        (" \u180b", VISIBLE),
        ("\ue000", VISIBLE),
        ("\u3164\u3164", UNSEEN),
    ],
)
PAGES = (
    ["https://client.example/", "http://client.example/a?b=c#d", "https://client.example:8443"],
    [
        (5, STRING),
        (["https://client.example/"], STRING),
        ("javascript:alert(1)", WEB),
        ("JAVASCRIPT:alert(1)", WEB),
        ("data:image/png;base64,AAAA", WEB),
        ("myapp://about", WEB),
        ("/about", ABSOLUTE),
        (" https://client.example/", "must not hold spaces or control characters"),
        ("https://user@client.example/", "must not have user information"),
        ("https:///about", "must have a host after //"),
    ],
)
SECURE_URIS = (
    ["https://client.example/a", "https://client.example:8443/a?b"],
    [
        (5, STRING),
        ("http://client.example/a", HTTPS),
        ("http://localhost/a", HTTPS),
        ("myapp://a", HTTPS),
        ("a", ABSOLUTE),
        ("https:///a", "must have a host after //"),
    ],
)
LOGOUT_URIS = (
    ["https://client.example/out", "http://client.example/out?a=b"],
    [
        (5, STRING),
        ("https://client.example/out#", "must not have a fragment"),
        ("https://client.example/out#a", "must not have a fragment"),
        ("/out", ABSOLUTE),
        ("myapp://out", WEB),
    ],
)
FLAGS = (
    [True, False],
    [(1, BOOLEAN), (0, BOOLEAN), ("true", BOOLEAN), ("false", BOOLEAN), ([True], BOOLEAN)],
)
WRAPPING = ["ECDH-ES", "RSA-OAEP-256"]
CONTENT = ["A128CBC-HS256", "A256GCM"]

VALUES = {
    "redirect_uris": (
        [
            ["https://client.example/cb"],
            ["https://client.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"],
            [],
            [f"https://client.example/{number}" for number in range(REDIRECT_URI_LIMIT)],
        ],
        [
            ("https://client.example/cb", ARRAY),
            ("", ARRAY),
            (5, ARRAY),
            ({"uri": "https://client.example/cb"}, ARRAY),
            ([5], "[0] must be a string"),
            ([None], "[0] must be a string"),
            ([""], f"[0] {ABSOLUTE}"),
            ([["https://client.example/cb"]], "[0] must be a string"),
            (
                ["https://client.example/cb", "/cb", "https://client.example/cb#"],
                f"[1] {ABSOLUTE}, [2] must not have a fragment, not even an empty one",
            ),
            (["/"] * 7, ", ".join(f"[{at}] {ABSOLUTE}" for at in range(5)) + ", and 2 more"),
            (
                ["https://client.example/cb"] * (REDIRECT_URI_LIMIT + 1),
                f"must not hold more than {REDIRECT_URI_LIMIT} elements",
            ),
        ],
    ),
    "token_endpoint_auth_method": algorithms(
        "token_endpoint_auth_methods_supported",
        ["none", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "tls_client_auth"],
        "None",
    ),
    "grant_types": (
        [["authorization_code"], [], ["implicit", "refresh_token"], ["urn:unheard:of"]],
        [
            ("authorization_code", ARRAY),
            ({"a": 1}, ARRAY),
            ([None], "[0] must be a string"),
            ([1], "[0] must be a string"),
            ([""], f"[0] {WORD}"),
            (["a b"], f"[0] {WORD}"),
            (["x"] * (ARRAY_LIMIT + 1), f"must not hold more than {ARRAY_LIMIT} elements"),
        ],
    ),
    "response_types": (
        [["code"], [], ["code id_token", "id_token token"]],
        [
            ("code", ARRAY),
            ([None], "[0] must be a string of words separated by spaces"),
            ([""], "[0] must be a string of words separated by spaces"),
            (["code", "pizza"], unlisted("response_types_supported")),
            (["code code"], unlisted("response_types_supported")),
            (["CODE"], unlisted("response_types_supported")),
            (["token"], unlisted("response_types_supported")),
        ],
    ),
    "client_name": NAMES,
    "client_uri": PAGES,
    "logo_uri": PAGES,
    "scope": (
        ["openid", "openid unheard:of", "a.b-c_d"],
        [
            (["openid"], "must be one string of scopes separated by spaces"),
            (5, "must be one string of scopes separated by spaces"),
            ("a\tb", "must be scopes of printable ASCII, separated by spaces"),
            ("é", "must be scopes of printable ASCII, separated by spaces"),
            ('a"', "must be scopes of printable ASCII, separated by spaces"),
        ],
    ),
    "contacts": (
        [
            ["admin@client.example"],
            ["+49 30 123456", "https://client.example/help", "Ops team"],
            ["müller@bücher.example"],
            [],
        ],
        [
            ("admin@client.example", ARRAY),
            ([5], "[0] must be a string"),
            (["a b@client.example"], f"[0] {E_MAIL} when it holds an at sign"),
            (["@client.example"], f"[0] {E_MAIL} when it holds an at sign"),
            (["a@b@c"], f"[0] {E_MAIL} when it holds an at sign"),
            (["a@b", "a\nb"], f"[1] {UNSEEN}"),
            ([f"c{at}" for at in range(51)], "must not hold more than 50 elements"),
        ],
    ),
    "tos_uri": PAGES,
    "policy_uri": PAGES,
    "jwks_uri": SECURE_URIS,
    "jwks": (
        [{"keys": [KEY]}],
        [
            ('{"keys": []}', "must be an object"),
            ([], "must be an object"),
            ({}, "keys must be an array of keys"),
            ({"keys": []}, "keys must hold 1 to 20 keys"),
            (
                {"keys": [KEY | {"d": KEY["x"]}]},
                "keys[0]: must not have private or symmetric members",
            ),
        ],
    ),
    "software_id": TEXTS,
    "software_version": TEXTS,
    "software_statement": (
        ["eyJhbGciOiJSUzI1NiJ9.e30.c2ln"],
        [
            (5, STRING),
            ({"iss": "x"}, STRING),
            ("x" * (STATEMENT_LIMIT + 1), too_long(STATEMENT_LIMIT)),
        ],
    ),
    "application_type": (
        ["web", "native"],
        [
            ("Web", "must be web or native"),
            ("browser", "must be web or native"),
            (5, "must be web or native"),
            (["web"], "must be web or native"),
        ],
    ),
    "sector_identifier_uri": SECURE_URIS,
    "subject_type": algorithms("subject_types_supported", ["public", "pairwise"], "private"),
    "id_token_signed_response_alg": algorithms(
        "id_token_signing_alg_values_supported", ["RS256", "ES256", "EdDSA", "none"], "HS1"
    ),
    "id_token_encrypted_response_alg": algorithms(
        "id_token_encryption_alg_values_supported", WRAPPING, "RSA1_5"
    ),
    "id_token_encrypted_response_enc": algorithms(
        "id_token_encryption_enc_values_supported", CONTENT, "A128"
    ),
    "userinfo_signed_response_alg": algorithms(
        "userinfo_signing_alg_values_supported", ["RS256", "ES256"], "none"
    ),
    "userinfo_encrypted_response_alg": algorithms(
        "userinfo_encryption_alg_values_supported", WRAPPING, "RSA1_5"
    ),
    "userinfo_encrypted_response_enc": algorithms(
        "userinfo_encryption_enc_values_supported", CONTENT, "A128"
    ),
    "request_object_signing_alg": algorithms(
        "request_object_signing_alg_values_supported", ["none", "RS256", "PS256"], "RS1"
    ),
    "request_object_encryption_alg": algorithms(
        "request_object_encryption_alg_values_supported", ["ECDH-ES"], "RSA1_5"
    ),
    "request_object_encryption_enc": algorithms(
        "request_object_encryption_enc_values_supported", CONTENT, "A128"
    ),
    "token_endpoint_auth_signing_alg": (
        ["ES256", "HS256", "judged-with-the-method"],
        [(5, STRING), ("a b", WORD)],
    ),
    "default_max_age": (
        [0, 1, 3600, SECONDS_LIMIT],
        [
            (-1, SECONDS),
            (1.5, SECONDS),
            (3600.0, SECONDS),
            ("3600", SECONDS),
            (True, SECONDS),
            (False, SECONDS),
            (SECONDS_LIMIT + 1, SECONDS),
        ],
    ),
    "require_auth_time": FLAGS,
    "default_acr_values": (
        [["urn:mace:incommon:iap:silver", "phr"], []],
        [("phr", ARRAY), ([5], "[0] must be a string"), ([""], f"[0] {WORD}")],
    ),
    "initiate_login_uri": SECURE_URIS,
    "request_uris": (
        [["https://client.example/r#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"], []],
        [
            ("https://client.example/r", ARRAY),
            (["http://client.example/r"], f"[0] {HTTPS}"),
            ([None], "[0] must be a string"),
        ],
    ),
    "post_logout_redirect_uris": (
        [
            ["https://client.example/out", "http://localhost:1/out", "com.example.app:/out"],
            ["http://client.example/out"],
            [],
        ],
        [
            ("https://client.example/out", ARRAY),
            (["https://client.example/out#"], "[0] must not have a fragment"),
            (["javascript:alert(1)"], "[0] must not use this scheme"),
            (["/out"], f"[0] {ABSOLUTE}"),
            (["http://*.client.example/out"], "[0] must not have a wildcard"),
        ],
    ),
    "backchannel_logout_uri": LOGOUT_URIS,
    "backchannel_logout_session_required": FLAGS,
    "frontchannel_logout_uri": LOGOUT_URIS,
    "frontchannel_logout_session_required": FLAGS,
    "require_pushed_authorization_requests": FLAGS,
    "dpop_bound_access_tokens": FLAGS,
    "tls_client_certificate_bound_access_tokens": FLAGS,
    "tls_client_auth_subject_dn": (
        [
            "CN=client",
            "CN=client,O=Example\\, Inc.,C=DE",
            "OU=a+CN=b, O=c",
            "1.2.3=#04024869",
            "CN=",
            "CN=Lu\\C4\\8Di\\C4\\87",
        ],
        [
            (5, STRING),
            ("client", "must be a distinguished name such as CN=client,O=example"),
            ("CN=a;O=b", "must be a distinguished name such as CN=client,O=example"),
            ("CN=a,", "must be a distinguished name such as CN=client,O=example"),
            ("=a", "must be a distinguished name such as CN=client,O=example"),
            ("1.2.=a", "must be a distinguished name such as CN=client,O=example"),
            ("CN=a\\", "must be a distinguished name such as CN=client,O=example"),
            ("CN=" + "a" * SUBJECT_LIMIT, too_long(SUBJECT_LIMIT)),
        ],
    ),
    "tls_client_auth_san_dns": (
        ["client.example", "Client.Example"],
        [
            (5, STRING),
            ("*.client.example", "must have a host that is a name or an address, without patterns"),
            ("client example", "must have a host that is a name or an address, without patterns"),
        ],
    ),
    "tls_client_auth_san_uri": (
        ["https://client.example/", "urn:example:client", "spiffe://example/client"],
        [(5, STRING), ("client", ABSOLUTE)],
    ),
    "tls_client_auth_san_ip": (
        ["192.0.2.1", "2001:db8::1", "2001:DB8:0:0:0:0:0:1"],
        [
            (5, STRING),
            ("client.example", "must be an IP address"),
            ("192.0.2", "must be an IP address"),
        ],
    ),
    "tls_client_auth_san_email": (
        ["ops@client.example"],
        [(5, STRING), ("ops", E_MAIL), ("a b@c", E_MAIL), ("a\n@c", UNSEEN)],
    ),
    "require_signed_request_object": FLAGS,
    "authorization_details_types": (
        [["payment_initiation"], []],
        [
            ("payment_initiation", ARRAY),
            (["unheard_of"], unlisted("authorization_details_types_supported")),
        ],
    ),
    "introspection_signed_response_alg": algorithms(
        "introspection_signing_alg_values_supported", ["RS256", "ES256"], "none"
    ),
    "introspection_encrypted_response_alg": algorithms(
        "introspection_encryption_alg_values_supported", WRAPPING, "RSA1_5"
    ),
    "introspection_encrypted_response_enc": algorithms(
        "introspection_encryption_enc_values_supported", CONTENT, "A128"
    ),
    "authorization_signed_response_alg": algorithms(
        "authorization_signing_alg_values_supported", ["RS256", "ES256"], "none"
    ),
    "authorization_encrypted_response_alg": algorithms(
        "authorization_encryption_alg_values_supported", WRAPPING, "RSA1_5"
    ),
    "authorization_encrypted_response_enc": algorithms(
        "authorization_encryption_enc_values_supported", CONTENT, "A128"
    ),
    "backchannel_token_delivery_mode": algorithms(
        "backchannel_token_delivery_modes_supported", ["poll", "ping", "push"], "pull"
    ),
    "backchannel_client_notification_endpoint": SECURE_URIS,
    "backchannel_authentication_request_signing_alg": algorithms(
        "backchannel_authentication_request_signing_alg_values_supported", ["ES256"], "HS256"
    ),
    "backchannel_user_code_parameter": FLAGS,
}

TAKEN = [(name, value) for name, (good, _) in VALUES.items() for value in good]
REFUSED = [(name, value, rule) for name, (_, bad) in VALUES.items() for value, rule in bad]


def test_every_member_has_its_cases():
    """A member without any could take everything, unnoticed."""
    assert [field.name for field in FIELDS] == list(VALUES)


@pytest.mark.spec("A-020", "A-030", "A-031", "A-032", "A-033", "A-034", "C-008", "C-019", "C-020")
@pytest.mark.spec("A-021", "A-022", "A-023", "C-010", "C-017", "C-021", "C-022", "C-023", "T-70")
@pytest.mark.parametrize(("name", "value"), TAKEN)
def test_a_good_value_is_kept_as_it_came(name, value):
    """What a client reads back is what it sent, to the letter."""
    parsed = parse_document({name: value}, EVERYTHING)

    assert () == parsed.problems
    assert {name: value} == parsed.values


@pytest.mark.spec("A-039", "A-041", "A-068", "C-019", "C-020", "C-022", "C-023", "C-027", "T-22")
@pytest.mark.spec("T-24", "T-41", "T-60", "T-74", "C-002", "C-008", "C-010", "C-018")
@pytest.mark.parametrize(("name", "value", "rule"), REFUSED)
def test_a_bad_value_is_refused_by_the_rule_it_breaks(name, value, rule):
    """Never converted, never ignored: a client must not believe it registered what it did not."""
    parsed = parse_document({name: value}, EVERYTHING)

    assert {} == parsed.values
    found = [(problem.code, problem.field, problem.rule) for problem in parsed.problems]
    assert [(BY_NAME[name].error, name, rule)] == found


@pytest.mark.spec("A-039", "T-22", "T-14")
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_null_reads_as_absent(field):
    """Clients that serialise empty members are common; some servers answered them with 500."""
    parsed = parse_document({field.name: None}, EVERYTHING)

    assert ({}, (), ()) == (parsed.values, parsed.problems, parsed.dropped)


@pytest.mark.spec("A-039", "A-108")
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_an_empty_string_reads_as_absent_where_a_string_belongs(field):
    """Nowhere else: an empty string is no array and no number."""
    is_text = field.schema.get("type", "string") == "string"

    parsed = parse_document({field.name: ""}, EVERYTHING)

    assert {} == parsed.values
    assert (0 if is_text else 1) == len(parsed.problems)


@pytest.mark.spec("A-115")
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value, _ in REFUSED])
def test_what_is_said_of_a_bad_value_does_not_repeat_it(name, value):
    """The answer may be shown in a browser or kept in a log (RFC 7591 §3.2.2)."""
    said = describe(parse_document({name: value}, EVERYTHING).problems)

    assert said.isascii()
    assert said.isprintable()
    assert '"' not in said
    assert "\\" not in said
    words = {word for word in str(value).split() if len(word) > 8 and "=" not in word}
    assert not any(word in said for word in words)


@pytest.mark.spec("A-069")
@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (
            "redirect_uris",
            ["https://b.example/", "https://a.example/", "https://b.example/"],
            ["https://b.example/", "https://a.example/"],
        ),
        ("grant_types", ["refresh_token", "refresh_token"], ["refresh_token"]),
        ("response_types", ["id_token code", "code id_token"], ["code id_token"]),
        ("contacts", ["a", "b", "a"], ["a", "b"]),
    ],
)
def test_repeated_elements_are_kept_once(name, value, kept):
    """The first stays where it is; a repetition is no error."""
    parsed = parse_document({name: value}, EVERYTHING)

    assert {name: kept} == parsed.values


@pytest.mark.spec("A-023", "T-15")
@pytest.mark.parametrize(
    ("spelt", "published"),
    [
        ("token id_token", "id_token token"),
        ("id_token code", "code id_token"),
        ("token code", "code token"),
        ("token id_token code", "code id_token token"),
        ("id_token token code", "code id_token token"),
    ],
)
def test_the_order_of_words_in_a_response_type_means_nothing(spelt, published):
    """RFC 6749 §3.1.1; what is echoed is spelt as published."""
    parsed = parse_document({"response_types": [spelt]}, EVERYTHING)

    assert [published] == parsed.values["response_types"]


@pytest.mark.parametrize(
    "name", [field.name for field in FIELDS if field.parse_with_loopback is not None]
)
def test_in_development_this_machine_may_be_reached_by_http(name):
    """A developer's client has no certificate; anywhere else this is refused."""
    development = offer_for(
        "oidf-dynamic", DEVELOPMENT_SCOPES, features=frozenset(Feature), loopback_http=True
    )
    field = BY_NAME[name]
    is_list = field.schema["type"] == "array"
    uris = ("http://127.0.0.1:5000/a", "http://client.example/a")
    local, remote = ([uri] if is_list else uri for uri in uris)

    assert {name: local} == parse_document({name: local}, development).values
    assert {} == parse_document({name: local}, EVERYTHING).values
    assert {} == parse_document({name: remote}, development).values


def test_a_long_name_of_a_subject_is_read_at_once():
    """A pattern that goes back and forth would take minutes for one such name."""
    hostile = "CN=" + "a+" * 500 + ","

    with pytest.raises(FieldError):
        BY_NAME["tls_client_auth_subject_dn"].parse(hostile)
