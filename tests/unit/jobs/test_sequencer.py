"""Events get their place in the log in the order they came, once, under a signature."""

import asyncio

import msgspec
import pytest

from registrary.audit.checkpoint import log_origin, open_checkpoint
from registrary.audit.verify import LogVerifier
from registrary.core.changes import Changes, Put
from registrary.core.signing_key import KeyState, KeyUse, NewKey
from registrary.jobs import sequencer
from registrary.jobs.sequencer import ATTEMPTS, LogDamaged, Sequencer
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.ports.audit_log import Tile
from registrary.ports.keys import NoSigningKey
from registrary.ports.store import Conflict
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT
from registrary.testing.factories import an_event, an_issuer

pytestmark = pytest.mark.anyio

KEYS = MemoryKeys()
ISSUER = an_issuer()


class Log:
    """A log with its key, and processes that sequence it."""

    def __init__(self, store: MemoryStore | None = None):
        self.store = store or MemoryStore()
        self.signer = LocalSigner(self.store, KEYS)

    async def make_key(self) -> None:
        """Give the log a key that signs."""
        wanted = NewKey(KeyUse.AUDIT, "EdDSA", KeyState.ACTIVE, MOMENT)
        key = await LocalKeyMaker(KEYS).make(ISSUER.id, wanted, now=MOMENT)
        await self.store.commit(Changes(puts=(Put(key),)))
        self.signer.forget(ISSUER.id)

    async def write(self, count: int) -> None:
        """Write *count* events, each in a commit of its own."""
        for _ in range(count):
            await self.store.commit(Changes(events=(an_event(),)))

    async def sequence(self, issuer=ISSUER) -> int:
        """Do what one run of the job does."""
        return await Sequencer(self.store, self.signer).run(issuer)

    async def newest(self):
        """Return the newest checkpoint, verified."""
        note = await self.store.checkpoint(ISSUER.id)
        assert note is not None
        keys = await Sequencer(self.store, self.signer).verifier_keys(ISSUER)
        return open_checkpoint(note, keys, origin=log_origin(ISSUER.log_address))


async def a_log(store: MemoryStore | None = None) -> Log:
    """Return a log that can be signed."""
    log = Log(store)
    await log.make_key()
    return log


@pytest.mark.parametrize("counts", [(1,), (3, 1, 4), (255, 1, 1), (256, 257), (0, 1)])
async def test_what_waits_gets_its_place_and_a_checkpoint_over_it(counts):
    """Each checkpoint continues the one before, whatever came in between."""
    log = await a_log()

    runs = []
    for count in counts:
        await log.write(count)
        runs.append(await log.sequence())

    size = sum(counts)
    assert list(counts) == runs
    assert (size, size) == (await log.store.log_size(ISSUER.id), (await log.newest()).size)
    assert [] == list(await log.store.waiting(ISSUER.id, limit=1))


async def test_the_order_is_that_of_the_commits():
    """Who reads the log reads what happened, in the order it happened."""
    log = await a_log()
    await log.write(20)
    waiting = [one.event_id for one in await log.store.waiting(ISSUER.id, limit=100)]

    await log.sequence()

    kept = await log.store.events(ISSUER.id, first=0, limit=100)
    assert waiting == [event.event_id for event in kept]
    assert list(range(20)) == [event.index for event in kept]


async def test_more_than_one_batch_is_sequenced_in_one_run():
    """After an outage the log catches up at once, not a batch every half second."""
    log = await a_log()
    count = sequencer.BATCH + 5
    await log.write(count)

    assert count == await log.sequence()
    assert count == (await log.newest()).size


async def test_processes_at_once_give_each_event_one_place():
    """Every worker runs this: two places for one event would be two histories."""
    log = await a_log()
    await log.write(50)

    runs = await asyncio.gather(*(log.sequence() for _ in range(8)))

    kept = await log.store.events(ISSUER.id, first=0, limit=100)
    assert 50 == sum(runs) == len(kept)
    assert 50 == len({event.event_id for event in kept})


async def test_what_is_written_while_it_is_sequenced_waits_for_the_next_run():
    """Nothing is lost between reading what waits and giving it a place."""
    log = await a_log()
    await log.write(5)

    await asyncio.gather(log.sequence(), log.write(5))
    await log.sequence()

    assert 10 == await log.store.log_size(ISSUER.id)


async def test_a_log_made_so_is_sound():
    """What the job writes is what the verifier demands, bodies, leaves, tree and signatures."""
    log = await a_log()
    for count in (1, 2, 300, 7):
        await log.write(count)
        await log.sequence()
    keys = await Sequencer(log.store, log.signer).verifier_keys(ISSUER)
    verifier = LogVerifier(ISSUER.id, log_origin(ISSUER.url), keys=keys, head_size=310)

    verifier.add_checkpoints(await log.store.checkpoints(ISSUER.id, after_size=0, limit=100))
    verifier.add_events(await log.store.events(ISSUER.id, first=0, limit=1000))

    assert 310 == verifier.size == verifier.claimed_size


async def test_without_a_key_nothing_gets_a_place():
    """A place without a signature could be taken back unseen."""
    log = Log()
    await log.write(1)

    with pytest.raises(NoSigningKey):
        await log.sequence()

    assert (0, 1) == (
        await log.store.log_size(ISSUER.id),
        len(await log.store.waiting(ISSUER.id, limit=10)),
    )


class Tampered(MemoryStore):
    """A store whose tree somebody changed after it was signed."""

    is_tampered = False

    async def tile(self, issuer, level, index):
        """Return another first leaf than was signed."""
        tile = await super().tile(issuer, level, index)
        if tile is None or not self.is_tampered:
            return tile
        return Tile(tile.level, tile.index, bytes(32) + tile.hashes[32:])


async def test_a_tree_that_was_changed_is_not_signed_again():
    """Signing on would give the change our name; the events wait until somebody has looked."""
    store = Tampered()
    log = await a_log(store)
    await log.write(3)
    await log.sequence()
    before = await log.store.checkpoint(ISSUER.id)

    store.is_tampered = True
    await log.write(1)
    with pytest.raises(LogDamaged, match="another root than was signed"):
        await log.sequence()

    assert before == await log.store.checkpoint(ISSUER.id)
    assert 1 == len(await log.store.waiting(ISSUER.id, limit=10))


class Stubborn(MemoryStore):
    """A store that takes no sequencing, for no reason it tells."""

    tries = 0

    async def sequence(self, sequencing):
        """Refuse."""
        self.tries += 1
        raise Conflict("event_log")


async def test_a_store_that_takes_nothing_is_not_asked_for_ever():
    """The job would hold a processor without getting anywhere, and never be heard of."""
    store = Stubborn()
    log = await a_log(store)
    await log.write(1)

    with pytest.raises(Conflict):
        await log.sequence()

    assert ATTEMPTS == store.tries


async def test_another_issuer_has_another_log():
    """Tenants share a process, not a history."""
    log = await a_log()
    other = msgspec.structs.replace(ISSUER, id="9876543210", url="https://other.example")
    await log.write(2)

    assert [0, 2] == [await log.sequence(other), await log.sequence()]
