"""Timed work is done for every issuer that is shown, and for no other."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, revoke
from registrary.core.events import Tag
from registrary.core.lifecycle import ClientState
from registrary.core.records import RevokedToken
from registrary.core.signing_key import SigningKey
from registrary.jobs.envelopes import Envelopes
from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.outbox import Outbox
from registrary.jobs.presence import Presence
from registrary.jobs.purging import Purge
from registrary.jobs.sequencer import Sequencer
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.protocol.routes import Route
from registrary.registrar.counting import Counting
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, a_revoked_token, an_issuer
from registrary.web.metrics import Metrics
from registrary.wiring.chores import BEHIND, Chores
from registrary.wiring.directory import Directory, Site
from tests.unit.jobs.kit import Receivers

pytestmark = pytest.mark.anyio

KEYS = MemoryKeys()
ISSUERS = (an_issuer(), an_issuer(id="9876543210", url="https://other.example"))
HIDDEN = an_issuer(id="0000000000", url="https://hidden.example")


async def at_most_then(now: datetime) -> datetime:
    """Return what time it is for all, whatever one clock says."""
    return min(now, MOMENT)


class Household:
    """Chores on a store with two issuers that are shown, and one that is not."""

    def __init__(self):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.receivers = Receivers()
        self.swept: list[tuple[str, int]] = []
        self.counts = (Counting(Tag.REFUSALS_COUNTED), Counting(Tag.TOKENS_COUNTED))
        entropy = SeededEntropy()
        signer = LocalSigner(self.store, KEYS, monotonic=lambda: 0.0)
        directory = Directory(())
        nothing = Route("/.well-known/", {})
        directory.show(Site(issuer, (), nothing) for issuer in ISSUERS)
        self.chores = Chores(
            store=self.store,
            clock=self.clock,
            entropy=entropy,
            directory=directory,
            rotation=KeyRotation(self.store, signer, LocalKeyMaker(KEYS), clock=self.clock),
            sequencer=Sequencer(self.store, signer),
            counts=self.counts,
            presence=Presence(self.store, self.clock, entropy),
            purge=Purge(self.store, self.clock, entropy),
            outbox=Outbox(
                self.store,
                self.receivers,
                Envelopes(self.store, signer, KEYS, self.clock, entropy),
                clock=self.clock,
                entropy=entropy,
                note=Metrics().note_message,
            ),
            note_swept=lambda kind, count: self.swept.append((kind, count)),
        )

    async def tags(self, issuer) -> list[str]:
        """Return the kinds of events of *issuer* that have their place in its log."""
        kept = await self.store.events(issuer.id, first=0, limit=1000)
        return [msgspec.json.decode(event.body)["tag"] for event in kept if event.body]


async def test_the_work_of_all_jobs_ends_in_the_log():
    """The last job is the sequencer: what the others wrote has its place when a server stops."""
    house = Household()
    house.counts[0].note(ISSUERS[0].id, "192.0.2.1", "invalid_token")
    house.counts[1].note(ISSUERS[1].id, "client", "client_credentials")

    for job in house.chores.jobs():
        await job.run()
    for job in house.chores.jobs():
        await (job.last or job.run)()

    keys = ["key:created"] * 4
    told = [[tag for tag in await house.tags(issuer) if tag not in keys] for issuer in ISSUERS]
    assert ["registration:refusals_counted", "server:started", "server:stopped"] == told[0]
    assert ["token:issues_counted", "server:started", "server:stopped"] == told[1]
    assert [] == await house.tags(HIDDEN)


async def test_every_issuer_that_is_shown_has_its_keys():
    """An issuer without keys answers with an outage."""
    house = Household()

    await house.chores.rotate_keys()

    pages = [await house.store.page(SigningKey, one.id) for one in (*ISSUERS, HIDDEN)]
    assert [5, 5, 0] == [len(page.records) for page in pages]


async def test_what_expired_is_removed_and_what_was_revoked_is_purged():
    """Rows that mean nothing any more cost every backup and every restart."""
    house = Household()
    clients = [revoke(a_client(issuer=one.id), now=MOMENT) for one in (*ISSUERS, HIDDEN)]
    tokens = [a_revoked_token(issuer=one.id) for one in (*ISSUERS, HIDDEN)]
    puts = (*(Put(client) for client in clients), *(Put(token) for token in tokens))
    await house.store.commit(Changes(puts=puts))
    house.clock.advance(timedelta(days=30))

    await house.chores.sweep()

    kept = [await house.store.get(RevokedToken, token.issuer, token.jti) for token in tokens]
    left = [await house.store.get(Client, one.issuer, one.client_id) for one in clients]
    purged, revoked = ClientState.PURGED, ClientState.REVOKED
    assert [None, None, tokens[2]] == kept
    assert [purged, purged, revoked] == [client.state for client in left if client]


async def test_what_has_expired_by_a_clock_ahead_is_kept():
    """What tells that a token is revoked, or an assertion used, serves clocks that are right.

    And a client that is erased too early does not come back.
    """
    house = Household()
    token = a_revoked_token(issuer=ISSUERS[0].id)
    client = revoke(a_client(issuer=ISSUERS[0].id), now=MOMENT)
    await house.store.commit(Changes(puts=(Put(token), Put(client))))
    house.clock.advance(timedelta(days=30))

    await replace(house.chores, agreed=at_most_then).sweep()

    assert token == await house.store.get(RevokedToken, token.issuer, token.jti)
    assert client == await house.store.get(Client, client.issuer, client.client_id)


async def test_what_expired_a_moment_ago_is_kept():
    """By a clock that is behind it has not: what was used once would be taken a second time."""
    house = Household()
    token = a_revoked_token(issuer=ISSUERS[0].id)
    await house.store.commit(Changes(puts=(Put(token),)))
    house.clock.set(token.expires_at + BEHIND / 2)

    await house.chores.sweep()

    assert token == await house.store.get(RevokedToken, token.issuer, token.jti)


async def test_a_clock_ahead_retires_no_key():
    """Tokens of today are good at every node whose clock is right."""
    house = Household()
    await house.chores.rotate_keys()
    before = await house.store.page(SigningKey, ISSUERS[0].id)
    house.clock.advance(timedelta(days=3650))

    await replace(house.chores, agreed=at_most_then).rotate_keys()

    assert before == await house.store.page(SigningKey, ISSUERS[0].id)
