"""Named policies bind the client that results: they fill in, narrow, and refuse what is left."""

import pytest

from registrary.core.issuer import RegistrationPolicy
from registrary.core.metadata import offer_for, parse_document
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.policy.ceilings import broken_ceilings, lowered, policies_called
from registrary.policy.consistency import resolve
from registrary.testing.factories import an_issuer

OFFER = offer_for("rfc9700", DEVELOPMENT_SCOPES)
WEB = {"redirect_uris": ["https://app.example/cb"]}
KEYS = {"jwks_uri": "https://app.example/jwks"}
CREDENTIALS = {"grant_types": ["client_credentials"]}


def under(*policies, **document):
    """Return what *document* results in under *policies*, and every rule it breaks."""
    parsed = parse_document(document, OFFER)
    result = resolve(parsed.values, lowered(OFFER, policies))
    problems = [*parsed.problems, *result.problems, *broken_ceilings(result, policies)]
    return result.metadata, [f"{problem.field}: {problem.rule}" for problem in problems]


def methods(*allowed: str) -> RegistrationPolicy:
    """Return a policy about authentication methods alone."""
    return RegistrationPolicy(name="-".join(allowed), token_endpoint_auth_methods=allowed)


@pytest.mark.parametrize(
    ("allowed", "document", "expected"),
    [
        (("private_key_jwt",), CREDENTIALS | KEYS, "private_key_jwt"),
        (("client_secret_post",), CREDENTIALS, "client_secret_post"),
        (("client_secret_jwt", "client_secret_post"), CREDENTIALS, "client_secret_post"),
        (("none",), WEB, "none"),
        (("none", "client_secret_basic"), WEB, "client_secret_basic"),
    ],
    ids=["keys", "post", "first-that-is-published", "public", "the-usual-one"],
)
def test_who_names_no_method_gets_one_that_the_policy_allows(allowed, document, expected):
    """The default of RFC 7591 under a policy without it would refuse whoever does not name one."""
    metadata, problems = under(methods(*allowed), **document)

    assert [] == problems
    assert expected == metadata["token_endpoint_auth_method"]


@pytest.mark.parametrize(
    ("policies", "named"),
    [
        ([methods("private_key_jwt")], "client_secret_basic"),
        ([methods("none")], "client_secret_basic"),
        ([methods("private_key_jwt"), methods("client_secret_post")], "client_secret_post"),
        ([methods("private_key_jwt"), methods("client_secret_post")], None),
        ([methods()], None),
    ],
    ids=["outside", "outside-public", "outside-one-of-two", "two-without-common", "nothing"],
)
def test_no_method_is_taken_that_some_policy_forbids(policies, named):
    """A ceiling narrows a default; what a client insists on, it refuses."""
    wanted = WEB if named is None else WEB | {"token_endpoint_auth_method": named}

    _, problems = under(*policies, **wanted)

    assert "token_endpoint_auth_method: must be a method that the policy allows" in problems


def test_scopes_and_grants_are_narrowed_to_what_every_policy_allows():
    """Two ceilings leave what is under both."""
    reading = RegistrationPolicy(name="reading", scopes=("read",))
    plain = RegistrationPolicy(name="plain", grant_types=("authorization_code",))
    asked = WEB | {"grant_types": ["authorization_code", "refresh_token"], "scope": "read write"}

    metadata, problems = under(reading, plain, **asked)

    assert [] == problems
    assert (["authorization_code"], "read") == (metadata["grant_types"], metadata["scope"])


@pytest.mark.parametrize(
    ("uris", "is_allowed"),
    [
        (["https://app.example/cb"], True),
        (["https://APP.example/cb"], True),
        (["https://app.example:8443/cb"], True),
        (["https://app.example/cb", "https://other.example/cb"], False),
        (["https://app.example.evil.example/cb"], False),
        (["https://sub.app.example/cb"], False),
        (["http://127.0.0.1/cb"], False),
        (["com.example.app:/cb"], False),
    ],
    ids=["host", "case", "port", "one-more", "prefix", "below", "loopback", "private-scheme"],
)
def test_redirects_lead_to_hosts_that_the_policy_names(uris, is_allowed):
    """Hosts are compared whole; what has no host is not on the list."""
    policy = RegistrationPolicy(name="ours", redirect_hosts=("app.example",))

    _, problems = under(policy, redirect_uris=uris)

    expected = [] if is_allowed else ["redirect_uris: must lead to hosts that the policy allows"]
    assert expected == problems


def test_without_a_ceiling_the_offer_stays_the_same_object():
    """What was made for an offer is found again by its identity."""
    networks = RegistrationPolicy(name="networks", networks=("192.0.2.0/24",))

    assert OFFER is lowered(OFFER, [])
    assert OFFER is lowered(OFFER, [networks])


def test_a_policy_that_is_gone_binds_nobody_it_could_be_held_to():
    """The caller has to refuse: without the policy nobody knows what it forbade."""
    kept = RegistrationPolicy(name="kept")
    issuer = an_issuer(policies=(kept,))

    assert (kept,) == policies_called(["kept"], issuer)
    assert () == policies_called([], issuer)
    assert None is policies_called(["kept", "gone"], issuer)
