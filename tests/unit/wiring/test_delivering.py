"""A store that tells of messages, once they are safe."""

from datetime import timedelta

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.deliveries import Message
from registrary.outbound.policy import public_policy
from registrary.ports.limiter import Rate
from registrary.ports.store import Conflict
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT
from registrary.testing.factories import ISSUER_ID, a_client, an_id
from registrary.wiring.delivering import AlertingStore, for_messages

pytestmark = pytest.mark.anyio


def a_message():
    """Return a message to somebody."""
    return Message(
        issuer=ISSUER_ID,
        id=an_id(),
        purpose="backchannel_logout",
        url="https://client.example/",
        about=an_id(),
        alg="RS256",
        claims={},
        created_at=MOMENT,
        expires_at=MOMENT,
        give_up_at=MOMENT,
    )


@pytest.fixture
def alerts():
    """Return what was told of, by issuer."""
    return []


@pytest.fixture
def store(alerts):
    """Return a store that tells."""
    return AlertingStore(MemoryStore(), alerts.append)


async def test_a_new_message_is_told_of(store, alerts):
    """It goes out at once and not half a second later."""
    await store.commit(Changes(puts=(Put(a_client()), Put(a_message()))))

    assert [ISSUER_ID] == alerts


async def test_what_was_not_stored_is_not_told_of(store, alerts):
    """A conflict leaves nothing to deliver."""
    message = a_message()
    await store.commit(Changes(puts=(Put(message),)))
    alerts.clear()

    with pytest.raises(Conflict):
        await store.commit(Changes(puts=(Put(message),)))

    assert [] == alerts


async def test_nothing_else_is_told_of(store, alerts):
    """Every registration would wake the outbox."""
    await store.commit(Changes(puts=(Put(a_client()),)))

    assert [] == alerts


def test_messages_have_a_budget_of_their_own():
    """A client with many people signs many of them out; a document is fetched now and then."""
    policy = for_messages(public_policy(host_per_minute=60))

    assert Rate(600, timedelta(minutes=1)) == policy.host_rate
