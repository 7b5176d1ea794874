"""Clients that must not compare what they know of a person cannot."""

import pytest

from registrary.authserver.people.subjects import subject_of
from registrary.testing.factories import a_client, some_metadata
from registrary.testing.people_factories import a_person
from tests.unit.authserver.people.kit import House

CONTEXT = House.context_of()


def a_client_at(uri: str, **metadata):
    """Return a client with the redirect URI *uri* and pairwise subjects."""
    members = {"redirect_uris": [uri], "subject_type": "pairwise"} | metadata
    return a_client(metadata=some_metadata(**members))


def test_a_public_subject_is_the_same_for_every_client():
    """It is what most clients expect of a server."""
    anna = a_person()

    subjects = {
        subject_of(CONTEXT, a_client_at(uri, subject_type="public"), anna)
        for uri in ("https://a.example/", "https://b.example/")
    }

    assert {anna.id} == subjects


@pytest.mark.spec("P-042")
def test_a_pairwise_subject_is_one_for_each_sector():
    """Two services of strangers cannot put together what they know (Core §8.1)."""
    anna = a_person()
    clients = [
        a_client_at("https://a.example/one"),
        a_client_at("https://a.example/two"),
        a_client_at("https://b.example/"),
        a_client_at("https://c.example/", sector_identifier_uri="https://a.example/sector.json"),
    ]

    one, two, other, shared = (subject_of(CONTEXT, client, anna) for client in clients)

    assert one == two == shared
    assert one != other
    assert anna.id not in {one, other}
    assert len(one) <= 255  # Core §2: sub


@pytest.mark.parametrize("what", [{"subject_key": b"1" * 32}], ids=["key"])
def test_another_key_gives_another_pairwise_subject(what):
    """Who knows the rule and the host cannot compute anybody's."""
    client = a_client_at("https://a.example/")

    assert subject_of(CONTEXT, client, a_person()) != subject_of(CONTEXT, client, a_person(**what))
