"""Clients are told what they may ask for, of what is known, and nothing else."""

import pytest

from registrary.authserver.people.claims import CLAIMS_OF_SCOPE, claims_for
from registrary.testing.clock import MOMENT
from registrary.testing.people_factories import a_person
from registrary.wiring.demo import CLAIMS

ANNA = a_person(claims=CLAIMS | {"name#de": "Anna Demo", "salary": 7}, updated_at=MOMENT)


@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone"])
@pytest.mark.spec("P-040")
def test_a_scope_asks_for_its_claims(scope):
    """The table is OpenID Connect Core's (§5.4)."""
    told = claims_for(ANNA, ("openid", scope), requested={}, subject="s")

    assert {"sub", *CLAIMS_OF_SCOPE[scope]} == told.keys()


def test_openid_alone_tells_the_subject():
    """Signing in is not the same as handing over an address."""
    assert {"sub": "s"} == claims_for(ANNA, ("openid",), requested={}, subject="s")


def test_the_time_of_the_last_change_is_a_number():
    """It is the one claim of the profile that is no text (Core §5.1)."""
    told = claims_for(ANNA, ("profile",), requested={}, subject="s")

    assert int(MOMENT.timestamp()) == told["updated_at"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (None, "demo@demo.example"),
        ({"essential": True}, "demo@demo.example"),
        ({"value": "demo@demo.example"}, "demo@demo.example"),
        ({"value": "bert@demo.example"}, None),
        ({"values": ["a", "demo@demo.example"]}, "demo@demo.example"),
        ({"values": ["a"]}, None),
        ({"values": "demo@demo.example"}, "demo@demo.example"),
    ],
    ids=["plain", "essential", "value", "other-value", "values", "other-values", "no-list"],
)
def test_a_claim_may_be_asked_for_alone(wish, expected):
    """Also with the value that it shall have (Core §5.5.1)."""
    told = claims_for(ANNA, (), requested={"email": wish}, subject="s")

    assert expected == told.get("email")


def test_a_claim_may_be_asked_for_in_a_language():
    """People have names in several scripts (Core §5.2)."""
    told = claims_for(ANNA, (), requested={"name#de": None, "name#fr": None}, subject="s")

    assert {"sub": "s", "name#de": "Anna Demo"} == told


def test_what_is_no_standard_claim_is_not_told():
    """An import may have brought along what was meant for nobody."""
    told = claims_for(ANNA, ("salary",), requested={"salary": None, "sub": None}, subject="s")

    assert {"sub": "s"} == told


@pytest.mark.spec("P-041")
def test_what_is_not_known_is_left_out():
    """An empty value would say that the person has an empty name."""
    bert = a_person(claims={"email": "bert@example.com"})

    told = claims_for(bert, ("email", "phone"), requested={}, subject="s")

    assert {"sub": "s", "email": "bert@example.com"} == told
