"""A request object is the client's own word, for this server, about an authorization."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from registrary.core.base64url import encode
from registrary.core.jose import JoseError, UnknownKey, load_private_key, sign_jwt
from registrary.core.jose.request_object import (
    RequestObjectRules,
    read_request_object,
    verify_request_object,
)
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = "https://as.example"
# Any: the classes share their methods by convention only.
KEYS: dict[str, Any] = {
    "ES256": ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
    "RS256": RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
}
JWKS = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}
SECRET = Secret("s" * 43)
SIGNING = ("ES256", "RS256", "PS256")


def members(**changes):
    """Return the claims of a good request object; ``...`` leaves one out."""
    good = {
        "iss": "c",
        "aud": ISSUER,
        "exp": int(NOW.timestamp()) + 60,
        "client_id": "c",
        "response_type": "code",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not ...}


def signed(claims=None, *, alg="ES256", key=None, **header):
    """Return a request object as the other library signs it."""
    header = {"alg": alg, **header}
    return other_jwt.encode(header, claims or members(), key or KEYS[alg], algorithms=[alg])


def unsigned(claims=None, signature=""):
    """Return a request object without a signature, or with *signature* in its place."""
    parts = [encode(json.dumps(part).encode()) for part in ({"alg": "none"}, claims or members())]
    return ".".join([*parts, signature])


def verified(text, **changes):
    """Return the request object as the server reads it at `NOW`."""
    arguments = {
        "issuer": ISSUER,
        "client_id": "c",
        "keys": JWKS,
        "algorithms": SIGNING,
        **changes,
    }
    now = arguments.pop("now", NOW)
    return verify_request_object(
        read_request_object(text), RequestObjectRules(**arguments), now=now
    )


@pytest.mark.parametrize("alg", KEYS)
@pytest.mark.parametrize("typ", [..., "JWT", "oauth-authz-req+jwt", "application/JWT"])
@pytest.mark.spec("J-020")
def test_a_signed_request_object_is_read(alg, typ):
    """Libraries differ in the type they name, and all of these are meant for us."""
    header = {} if typ is ... else {"typ": typ}

    found = verified(signed(alg=alg, **header))

    assert ({"client_id": ("c",), "response_type": ("code",)}, True) == (
        found.parameters,
        found.is_signed,
    )


def test_a_request_object_under_the_secret_is_read():
    """A client with a secret and no keys can sign, where its issuer offers that."""
    text = signed(alg="HS256", key=OctKey.import_key(SECRET.reveal()))

    found = verified(text, keys=[SECRET], algorithms=["HS256"])

    assert found.is_signed


def test_an_unsigned_request_object_is_read_where_that_is_allowed():
    """Certification as a dynamic provider demands it; nothing is proved by it."""
    found = verified(unsigned(members(iss=..., aud=..., exp=...)), algorithms=["none", *SIGNING])

    assert (False, ("code",)) == (found.is_signed, found.parameters["response_type"])


WRONG = {
    "unsigned": unsigned(),
    "another-algorithm": signed(alg="HS256", key=OctKey.import_key("s" * 43)),
    "another-type": signed(typ="dpop+jwt"),
    "access-token": signed(typ="at+jwt"),
    "another-issuer": signed(members(iss="d")),
    "another-client": signed(members(client_id="d")),
    "client-is-number": signed(members(client_id=1)),
    "an-assertion": signed(members(sub="c")),
    "another-server": signed(members(aud="https://other.example")),
    "server-with-slash": signed(members(aud=f"{ISSUER}/")),
    "no-server": signed(members(aud=...)),
    "servers-are-numbers": signed(members(aud=[1])),
    "server-is-null": signed(members(aud=None)),
    "expired": signed(members(exp=int(NOW.timestamp()))),
    "expiry-is-text": signed(members(exp="soon")),
    "not-yet": signed(members(nbf=int(NOW.timestamp()) + 61)),
    "issued-later": signed(members(iat=int(NOW.timestamp()) + 61)),
    "request-inside": signed(members(request="x")),
    "request-uri-inside": signed(members(request_uri="https://c.example/r")),
    "empty-request-inside": signed(members(request="")),
    "number-as-identifier": signed(members(jti=1)),
    "number-as-resource": signed(members(resource=[1])),
    "too-many": signed(members(**{f"p{i}": "x" for i in range(100)})),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("J-020", "J-021", "J-022", "J-024")
def test_a_request_object_with_one_fault_is_refused(text):
    """Each of these would let somebody else's word count for the client's."""
    with pytest.raises(JoseError):
        verified(text)


def test_an_unsigned_request_object_is_held_to_what_it_says():
    """Where ``none`` is allowed, a request for another server or client is still a mistake."""
    for claims in (members(aud="https://other.example"), members(iss="d"), members(request="x")):
        with pytest.raises(JoseError):
            verified(unsigned(claims), algorithms=["none"])


@pytest.mark.spec("J-023")
def test_an_unsigned_request_object_has_no_signature():
    """RFC 7518 §3.6: bytes nobody verified would be taken for a signature by the next reader."""
    with pytest.raises(JoseError):
        verified(unsigned(signature=encode(b"x")), algorithms=["none"])


def test_a_client_that_signs_cannot_be_spoken_for_without_a_signature():
    """A registered algorithm rules out every other one, ``none`` first of all."""
    with pytest.raises(JoseError):
        verified(unsigned(), algorithms=["ES256"])


def test_a_key_that_is_not_known_may_be_new():
    """A client that rotated its keys is looked up again, not refused."""
    stranger = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(UnknownKey):
        verified(signed(key=stranger))


def test_a_public_key_is_no_secret():
    """The classic confusion: signing HS256 with the client's own published key."""
    published = json.dumps(JWKS["keys"][0])
    text = signed(alg="HS256", key=OctKey.import_key(published))

    with pytest.raises(JoseError):
        verified(text, algorithms=[*SIGNING, "HS256"])


def test_the_server_may_be_one_of_several():
    """RFC 9101 does not ask for a sole audience, and its examples have an array."""
    found = verified(signed(members(aud=["https://other.example", ISSUER])))

    assert found.is_signed


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        ("text", ("text",)),
        (3600, ("3600",)),
        (0, ("0",)),
        (True, ("true",)),
        ({"id_token": {"acr": None}}, ('{"id_token":{"acr":null}}',)),
        ([{"type": "a"}], ('[{"type":"a"}]',)),
        (["a", "b"], ('["a","b"]',)),
        (None, None),
        ("", None),
    ],
    ids=["text", "number", "zero", "true", "object", "array", "strings", "null", "empty"],
)
def test_values_are_spelt_as_parameters_are(value, spelt):
    """What reads parameters must not care which way they came."""
    found = verified(signed(members(p=value)))

    assert spelt == found.parameters.get("p")


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_parameters_that_repeat_are_arrays_in_a_request_object(name):
    """RFC 8707 §2.1 shows several resources this way."""
    several = verified(signed(members(**{name: ["a", "b"]})))
    one = verified(signed(members(**{name: "a"})))

    assert (("a", "b"), ("a",)) == (several.parameters[name], one.parameters[name])


def test_claims_of_the_token_are_no_parameters():
    """A parameter called ``sub`` or ``exp`` means nothing, and must not come to mean something."""
    found = verified(signed(members(jti="j", iat=int(NOW.timestamp()), sub="somebody")))

    assert {"client_id", "response_type"} == set(found.parameters)
    assert ("j", NOW + timedelta(seconds=60)) == (found.jti, found.expires_at)


def test_our_own_signature_is_read_too():
    """The client library and the tests of others sign with what we have."""
    der = KEYS["ES256"].private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    handle = load_private_key(der, alg="ES256", kid=None)

    found = verified(sign_jwt(members(), handle, typ="oauth-authz-req+jwt"))

    assert found.is_signed
