"""Grants that act on what others allowed are not for clients nobody vouched for."""

import pytest

from registrary.core.issuer import RegistrationPolicy
from registrary.core.metadata import Feature, offer_for
from registrary.core.metadata.grants import JWT_BEARER, TOKEN_EXCHANGE
from registrary.core.scope import NORMAL_SCOPES
from registrary.policy.ceilings import through_the_door

FEATURES = frozenset({Feature.TOKEN_EXCHANGE, Feature.JWT_BEARER_GRANT})
BOTH = {TOKEN_EXCHANGE, JWT_BEARER}


def policy(*grant_types):
    """Return a policy that allows *grant_types*, all without any."""
    return RegistrationPolicy(name="p", grant_types=grant_types or None)


@pytest.mark.parametrize(
    ("door", "is_dev", "policies", "expected"),
    [
        ("open", False, [], set()),
        ("open", False, [policy()], set()),
        ("open", False, [policy("authorization_code", TOKEN_EXCHANGE)], {TOKEN_EXCHANGE}),
        ("open", False, [policy(*BOTH), policy(JWT_BEARER)], {JWT_BEARER}),
        ("open", True, [], BOTH),
        ("protected", False, [], BOTH),
        ("protected", False, [policy("authorization_code")], set()),
    ],
    ids=["open", "silent", "named", "two", "development", "vouched-for", "ceiling"],
)
@pytest.mark.spec("E-102", "G-094")
def test_who_comes_unasked_speaks_for_nobody(door, is_dev, policies, expected):
    """Anybody could register as a client that people's tokens are then exchanged by."""
    offer = offer_for("rfc9700", NORMAL_SCOPES, features=FEATURES, loopback_http=is_dev)

    found = through_the_door(offer, door, policies)

    assert expected == BOTH.intersection(found.grant_types)
    if not policies:
        assert "authorization_code" in found.grant_types
