"""What is not refused and deserves a second look is found in the log (RFC 7591 §5)."""

import pytest

from registrary.core.draft import Applicant
from registrary.core.issuer import RegistrationMode
from registrary.policy.decision import Accepted
from tests.unit.registrar.desk import PEER, Desk

pytestmark = pytest.mark.anyio

REDIRECT = "https://client.example/cb"


async def register(desk, **members):
    """Register a client with *members* and return the decision."""
    entry = await desk.registrar.enter(desk.context, Applicant(None, PEER))
    document = {"redirect_uris": [REDIRECT]} | members
    answer = await desk.registrar.register(desk.context, entry, document)
    assert isinstance(answer, Accepted)
    return answer


@pytest.mark.spec("A-126", "C-030", "T-66")
async def test_pages_of_other_hosts_are_named_in_the_event():
    """Who shows people the pages of somebody else may pass for somebody else."""
    desk = Desk(mode=RegistrationMode.OPEN)

    await register(desk, tos_uri="https://openid.net/tos", client_uri="https://client.example/")
    await register(desk, client_uri="https://client.example/")

    first, second = [event["detail"] for event in await desk.events("client:registered")]
    assert ["tos_uri"] == first["foreign_pages"]
    assert "foreign_pages" not in second


@pytest.mark.spec("A-126")
async def test_an_update_is_looked_at_like_a_registration():
    """What a registration would have shown must not slip in afterwards."""
    desk = Desk(mode=RegistrationMode.OPEN)
    answer = await register(desk)
    token = answer.registration_access_token.reveal()

    await desk.update(answer.client, token, logo_uri="https://bank.example/logo.png")

    [event] = await desk.events("client:updated")
    assert ["logo_uri"] == event["detail"]["foreign_pages"]


@pytest.mark.spec("A-128")
async def test_every_registration_of_one_software_can_be_found():
    """Nobody is refused for being one of many; who looks for them finds all."""
    desk = Desk(mode=RegistrationMode.OPEN)
    for version in ("1", "1", "2"):
        await register(desk, software_id="4NRB1", software_version=version)

    found = [
        tuple(event["changes"][name]["after"] for name in ("software_id", "software_version"))
        for event in await desk.events("client:registered")
    ]

    assert [("4NRB1", "1"), ("4NRB1", "1"), ("4NRB1", "2")] == found
