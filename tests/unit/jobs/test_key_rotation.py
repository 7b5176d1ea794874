"""Signing keys are made, renewed and ended, by however many processes, and the log tells it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.signing_key import KeyState, KeyUse, SigningKey, withdraw
from registrary.jobs.key_rotation import WANTED, KeyRotation
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_issuer

pytestmark = pytest.mark.anyio

KEYS = MemoryKeys()
ISSUER = an_issuer()
DAY = timedelta(days=1)


class Maker(LocalKeyMaker):
    """Makes keys, and an RSA key only once for all tests: it takes a moment."""

    rsa: SigningKey | None = None
    made = 0

    async def make(self, issuer, wanted, *, now):
        """Return a new key, RSA keys under a name of their own."""
        Maker.made += 1
        if wanted.alg != "RS256":
            await asyncio.sleep(0)  # where another process comes in between
            return await super().make(issuer, wanted, now=now)
        if Maker.rsa is None:
            Maker.rsa = await super().make(issuer, wanted, now=now)
        return msgspec.structs.replace(
            Maker.rsa,
            kid=f"rsa-{Maker.made}",
            issuer=issuer,
            state=wanted.state,
            created_at=now,
            activates_at=wanted.activates_at,
        )


class Plant:
    """A store with one process, or several, that look after its keys."""

    def __init__(self):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.signer = LocalSigner(self.store, KEYS, monotonic=self.seconds)
        self.seeds = 0

    def seconds(self) -> float:
        """Return how far the clock has moved."""
        return (self.clock.now() - MOMENT).total_seconds()

    async def run(self, issuer=ISSUER) -> None:
        """Do what is due, as one process."""
        self.seeds += 1
        rotation = KeyRotation(self.store, self.signer, Maker(KEYS), clock=self.clock)
        await rotation.run(issuer, SeededEntropy(self.seeds))

    async def keys(self, *states, issuer=ISSUER):
        """Return the keys, or those in one of *states*."""
        found = (await self.store.page(SigningKey, issuer.id, limit=500)).records
        return [key for key in found if not states or key.state in states]

    async def events(self):
        """Return tag and detail of every event, oldest first."""
        waiting = await self.store.waiting(ISSUER.id, limit=1000)
        kept = [await self.store.event(ISSUER.id, one.event_id) for one in waiting]
        bodies = [msgspec.json.decode(one.body) for one in kept if one and one.body]
        return [(body["tag"], body["detail"]) for body in bodies]


def kinds(keys):
    """Return use and algorithm of each key, in a stable order."""
    return sorted((key.use, key.alg) for key in keys)


async def test_a_new_issuer_has_every_key_it_needs():
    """The first token, and the first checkpoint, need no step by an operator."""
    plant = Plant()

    await plant.run()

    assert sorted(WANTED) == kinds(await plant.keys(KeyState.ACTIVE))
    assert ["key:created"] * len(WANTED) == [tag for tag, _ in await plant.events()]
    assert await plant.signer.sign_jwt(ISSUER.id, {}, alg="ES256", typ="JWT")


async def test_processes_that_start_together_make_one_set():
    """Two first keys of a kind would leave half the tokens signed by a key nobody watches."""
    plant = Plant()

    await asyncio.gather(*(plant.run() for _ in range(6)))

    assert sorted(WANTED) == kinds(await plant.keys())
    assert len(WANTED) == len(await plant.events())


async def test_with_nothing_due_nothing_is_written():
    """The job runs every minute, for years."""
    plant = Plant()
    await plant.run()
    before = await plant.events()

    for _ in range(5):
        plant.clock.advance(timedelta(hours=1))
        await plant.run()

    assert before == await plant.events()


async def test_each_issuer_has_keys_of_its_own():
    """A tenant's tokens must not verify at another's APIs."""
    plant, other = Plant(), an_issuer(id="9876543210", url="https://other.example")

    await plant.run()
    await plant.run(other)

    ours = {key.kid for key in await plant.keys()}
    theirs = {key.kid for key in await plant.keys(issuer=other)}
    assert (len(WANTED), set()) == (len(theirs), ours & theirs)


async def test_a_key_is_published_before_it_signs_and_after():
    """Whoever keeps ``/jwks`` for a day still knows every key that a good token names."""
    plant = Plant()
    await plant.run()
    (first,) = [key for key in await plant.keys() if key.alg == "ES256"]

    signing, published = [], []
    for _ in range(93):
        plant.clock.advance(DAY)
        await plant.run()
        token = await plant.signer.sign(ISSUER.id, b"", use=KeyUse.TOKEN, alg="ES256")
        jwks = await plant.signer.public_jwks(ISSUER.id)
        signing.append(token.kid)
        published.append({key["kid"] for key in jwks["keys"]})

    (second,) = set(signing) - {first.kid}
    takeover = signing.index(second)
    assert 89 == takeover
    assert second in published[takeover - 1]
    assert first.kid in published[takeover]
    assert first.kid not in published[takeover + 1]
    assert b"" == next(key for key in await plant.keys() if key.kid == first.kid).sealed_private


async def test_the_log_tells_each_step_of_a_key_once():
    """An auditor reads from when to when a key signed, and when it was no longer published."""
    plant = Plant()
    await plant.run()
    (first,) = [key for key in await plant.keys() if key.alg == "ES256"]

    for _ in range(93):
        plant.clock.advance(DAY)
        await plant.run()

    told = [(tag, detail) for tag, detail in await plant.events() if detail["alg"] == "ES256"]
    second = told[1][1]["kid"]
    assert [
        ("key:created", first.kid, None),
        ("key:created", second, None),
        ("key:activated", second, [first.kid]),
        ("key:retired", first.kid, None),
    ] == [(tag, detail["kid"], detail.get("replaced")) for tag, detail in told]


async def test_the_key_of_the_log_is_not_renewed():
    """Verifiers keep it by heart; a new one every season would teach them to trust any."""
    plant = Plant()
    await plant.run()

    plant.clock.advance(400 * DAY)
    await plant.run()

    audit = [key for key in await plant.keys() if key.use is KeyUse.AUDIT]
    assert [KeyState.ACTIVE] == [key.state for key in audit]


async def test_a_withdrawn_key_is_replaced_at_once():
    """After a theft nothing waits for the calendar."""
    plant = Plant()
    await plant.run()
    (stolen,) = [key for key in await plant.keys() if key.alg == "ES256"]
    gone = withdraw(stolen, now=plant.clock.now())
    await plant.store.commit(Changes(puts=(Put(gone, expected=stolen.revision),)))

    await plant.run()

    signature = await plant.signer.sign(ISSUER.id, b"", use=KeyUse.TOKEN, alg="ES256")
    assert stolen.kid != signature.kid


async def test_renewals_at_once_leave_one_successor():
    """A cluster's timers go off together, season after season."""
    plant = Plant()
    await plant.run()

    for _ in range(4):
        plant.clock.advance(45 * DAY)
        await asyncio.gather(*(plant.run() for _ in range(4)))
        plant.clock.advance(2 * DAY)
        await asyncio.gather(*(plant.run() for _ in range(4)))

    assert sorted(WANTED) == kinds(await plant.keys(KeyState.ACTIVE))
    pending = await plant.keys(KeyState.PENDING)
    assert len(kinds(pending)) == len(set(kinds(pending)))
