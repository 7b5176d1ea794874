"""Signing keys are looked at, replaced early, and withdrawn when they were stolen."""

import pytest

from registrary.core.signing_key import KeyUse

pytestmark = pytest.mark.anyio


async def states(office):
    """Return the state of every key by its id."""
    listed = await office.call("GET /keys")
    return {item["kid"]: item["state"] for item in listed.body["items"]}


async def test_keys_are_shown_without_their_private_half(office):
    """Whoever may look at keys must not be able to sign."""
    kid = await office.add_key()

    shown = await office.call("GET /keys")

    assert [(kid, "active", "EdDSA", "token")] == [
        (item["kid"], item["state"], item["alg"], item["use"]) for item in shown.body["items"]
    ]
    assert [kid] == [key["kid"] for key in shown.body["keys"]]
    assert "d" not in shown.body["keys"][0]
    assert "sealed" not in str(shown.body)


async def test_a_successor_is_published_before_it_signs(office):
    """Verifiers keep the key set for a while; a key they never saw is refused."""
    kid = await office.add_key()

    made = await office.call(f"POST /keys/{kid}/renewal")

    assert (201, "pending", "2026-11-22T12:00:00Z") == (
        made.status,
        made.body["state"],
        made.body["activates_at"],
    )
    assert {kid: "active", made.body["kid"]: "pending"} == await states(office)
    assert 2 == len((await office.call("GET /keys")).body["keys"])


async def test_a_key_has_one_successor(office):
    """A button that is pressed twice makes no two of them."""
    kid = await office.add_key()
    await office.call(f"POST /keys/{kid}/renewal")

    again = await office.call(f"POST /keys/{kid}/renewal")

    assert 400 == again.status
    assert 2 == len(await states(office))


async def test_a_withdrawn_key_verifies_nothing_and_another_signs_at_once(office):
    """After a theft every forged token is worthless, and honest clients still get theirs."""
    kid = await office.add_key()

    done = await office.call(f"DELETE /keys/{kid}")

    published = [key["kid"] for key in (await office.call("GET /keys")).body["keys"]]
    signed = await office.signer.sign(office.context.id, b"message", use=KeyUse.TOKEN, alg="EdDSA")
    assert (200, "retired") == (done.status, done.body["state"])
    assert [signed.kid] == published
    assert kid != signed.kid
    assert {"key:created", "key:retired"} == {event["tag"] for event in await office.events()}


async def test_a_key_ends_once(office):
    """The second of two administrators learns that it is done."""
    kid = await office.add_key()
    await office.call(f"DELETE /keys/{kid}")

    again = await office.call(f"DELETE /keys/{kid}")

    assert 400 == again.status
    assert 2 == len(await states(office))


@pytest.mark.parametrize("line", ["DELETE /keys/{kid}", "POST /keys/{kid}/renewal"])
async def test_the_key_of_the_log_stays(office, line):
    """Every checkpoint since the beginning is verified with it."""
    kid = await office.add_key(use=KeyUse.AUDIT)

    answer = await office.call(line.format(kid=kid))

    assert 400 == answer.status


@pytest.mark.parametrize("line", ["DELETE /keys/x", "POST /keys/x/renewal"])
async def test_a_key_that_is_not_there_is_not_found(office, line):
    """Ids are mistyped."""
    assert 404 == (await office.call(line)).status
