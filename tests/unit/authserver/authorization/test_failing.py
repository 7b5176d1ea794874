"""Who hears of an error, and who is kept from being somebody's phishing page."""

import msgspec
import pytest

from registrary.authserver.authorization.failing import Failure, is_verified, leads_back
from registrary.authserver.authorization.way_back import ProvedUri, WayBack
from registrary.core.client import Door
from registrary.core.issuer import RuleSet
from registrary.testing.factories import ISSUER_URL, a_client, an_issuer
from tests.unit.authserver.authorization.requests import URI

UNKNOWN = a_client()
VOUCHED = a_client(
    door=Door(mode="protected", initial_access_token="id", organization="Example Ltd")
)
BACK = WayBack(ProvedUri(URI), state="a-state")


@pytest.mark.parametrize(
    ("door", "is_vouched_for"),
    [
        (Door(mode="open"), False),
        (Door(mode="protected", initial_access_token="id"), False),
        (Door(mode="open", organization="Example Ltd"), False),
        (Door(mode="protected", initial_access_token="id", organization="Example Ltd"), True),
    ],
    ids=["open", "token", "no-token", "token-of-organization"],
)
def test_only_somebody_of_ours_verifies_a_client(door, is_vouched_for):
    """What a client says of itself vouches for nothing."""
    client = a_client(door=door)

    assert is_vouched_for is is_verified(client)


@pytest.mark.parametrize(
    ("rule_set", "client", "how", "goes"),
    [
        (RuleSet.RFC9700, UNKNOWN, {}, False),
        (RuleSet.RFC9700, UNKNOWN, {"is_silent": True}, True),
        (RuleSet.RFC9700, UNKNOWN, {"is_by_person": True}, True),
        (RuleSet.RFC9700, VOUCHED, {}, True),
        (RuleSet.OIDF_DYNAMIC, UNKNOWN, {}, True),
    ],
    ids=["unverified", "silent", "by-person", "verified", "certification"],
)
@pytest.mark.spec("A-132")
def test_an_error_leads_to_a_client_that_somebody_trusts(rule_set, client, how, goes):
    """Else anybody registers an address and phishes by a link to us (RFC 9700 §4.11.2)."""
    failure = Failure(code="invalid_scope", description="x", client=client, way_back=BACK, **how)

    assert goes is leads_back(an_issuer(rule_set=rule_set), failure)


@pytest.mark.parametrize("rule_set", list(RuleSet))
@pytest.mark.parametrize("client", [None, UNKNOWN, VOUCHED], ids=["none", "unknown", "vouched"])
@pytest.mark.spec("AZ-002")
def test_without_a_proved_address_nobody_is_led_anywhere(rule_set, client):
    """There is nowhere to lead to (CVE-2026-41479)."""
    failure = Failure(
        code="invalid_request",
        description="x",
        client=client,
        is_silent=True,
        is_by_person=True,
    )

    assert not leads_back(an_issuer(rule_set=rule_set), failure)


@pytest.mark.spec("AZ-005", "AZ-006")
def test_an_error_says_who_answers():
    """Against mix-up errors need ``iss`` as answers do (RFC 9207 §2)."""
    failure = Failure(code="invalid_scope", description="scope: x", client=UNKNOWN, way_back=BACK)

    fields = failure.fields(an_issuer())

    assert [
        ("error", "invalid_scope"),
        ("error_description", "scope: x"),
        ("state", "a-state"),
        ("iss", ISSUER_URL),
    ] == fields


def test_no_state_comes_back_where_none_was_sent():
    """An empty one would be another state."""
    failure = Failure(code="x", description="x", client=UNKNOWN, way_back=WayBack(ProvedUri(URI)))

    assert "state" not in dict(failure.fields(an_issuer()))


def test_the_factories_clients_differ_in_their_door_alone():
    """What is shown above must come of the door."""
    same = msgspec.structs.replace(VOUCHED, door=UNKNOWN.door, client_id=UNKNOWN.client_id)

    assert UNKNOWN == same
