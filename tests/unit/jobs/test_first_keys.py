"""A server answers before its slowest key is there, and never shows half a set of keys."""

import asyncio

import pytest

from registrary.core.signing_key import KeyUse, SigningKey
from registrary.jobs.first_keys import QUICK, FirstKeys
from registrary.jobs.key_rotation import WANTED, KeyRotation
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.ports.keys import NoSigningKey
from registrary.ports.store import StoreUnavailable
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_issuer

pytestmark = pytest.mark.anyio

KEYS = MemoryKeys()
ISSUER, OTHER = an_issuer(), an_issuer(id="9876543210", url="https://other.example")


class Workshop(LocalKeyMaker):
    """Makes keys; an RSA key only once it may, and not while it is broken."""

    def __init__(self):
        super().__init__(KEYS)
        self.may_go_on = asyncio.Event()
        self.is_broken = False
        self.begun = 0

    async def make(self, issuer, wanted, *, now):
        """Return a new key."""
        if wanted.alg == "RS256":
            self.begun += 1
            await self.may_go_on.wait()
            if self.is_broken:
                raise StoreUnavailable("the disk is full")
        return await super().make(issuer, wanted, now=now)


class Plant:
    """A process that makes the first keys of issuers in *store*."""

    def __init__(self, store=None, seed=0):
        self.store = store or MemoryStore()
        self.workshop = Workshop()
        signer = LocalSigner(self.store, KEYS)
        rotation = KeyRotation(self.store, signer, self.workshop, clock=FakeClock())
        self.keys = FirstKeys(signer, rotation, SeededEntropy(seed))

    async def kinds(self, issuer=ISSUER):
        """Return use and algorithm of every stored key."""
        page = await self.store.page(SigningKey, issuer.id)
        return sorted((key.use, key.alg) for key in page.records)


async def algorithms(keys: FirstKeys, issuer=ISSUER):
    """Return the algorithms that are published for tokens."""
    jwks = await keys.public_jwks(issuer.id)
    return sorted(key["alg"] for key in jwks["keys"])


async def turns() -> None:
    """Let everything that can go on go on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_nothing_but_rsa_is_waited_for():
    """Tokens are issued, and the log is signed, from the first moment."""
    plant = Plant()

    await plant.keys.begin(ISSUER)

    token = await plant.keys.sign_jwt(ISSUER.id, {}, alg="ES256", typ="at+jwt")
    note = await plant.keys.sign(ISSUER.id, b"tree", use=KeyUse.AUDIT, alg="EdDSA")
    log_keys = await plant.keys.public_jwks(ISSUER.id, use=KeyUse.AUDIT)
    assert (2, "EdDSA", 1) == (token.count("."), note.alg, len(log_keys["keys"]))
    assert sorted(QUICK) == await plant.kinds()
    plant.workshop.may_go_on.set()
    await plant.keys.finish()


async def test_the_published_keys_are_whole_when_they_are_shown():
    """Clients keep them for minutes: a set without RS256 would fail the next ID token."""
    plant = Plant()
    await plant.keys.begin(ISSUER)

    asking = [asyncio.create_task(algorithms(plant.keys)) for _ in range(3)]
    await turns()
    waiting = [task.done() for task in asking]
    plant.workshop.may_go_on.set()

    assert [False] * 3 == waiting
    assert [["ECDH-ES", "ES256", "EdDSA", "RS256"]] * 3 == [await task for task in asking]
    assert sorted(WANTED) == await plant.kinds()


async def test_who_needs_the_slow_key_waits_for_it():
    """An issuer that signs with RS256 serves a second later, and does not fail."""
    plant = Plant()
    await plant.keys.begin(ISSUER)

    asking = asyncio.create_task(plant.keys.sign_jwt(ISSUER.id, {}, alg="RS256", typ="JWT"))
    await turns()
    was_waiting = not asking.done()
    plant.workshop.may_go_on.set()

    assert was_waiting
    assert 2 == (await asking).count(".")


async def test_who_hangs_up_takes_the_key_from_nobody():
    """A caller without patience must not end what others wait for."""
    plant = Plant()
    await plant.keys.begin(ISSUER)
    hasty, patient = (asyncio.create_task(algorithms(plant.keys)) for _ in range(2))
    await turns()

    hasty.cancel()
    await turns()
    plant.workshop.may_go_on.set()

    assert "RS256" in await patient


async def test_what_kept_the_key_back_is_told_and_tried_again():
    """A disk that was full for a moment leaves no issuer without its key."""
    plant = Plant()
    plant.workshop.is_broken = True
    plant.workshop.may_go_on.set()
    await plant.keys.begin(ISSUER)
    await turns()

    with pytest.raises(StoreUnavailable):
        await algorithms(plant.keys)
    plant.workshop.is_broken = False

    assert "RS256" in await algorithms(plant.keys)
    assert sorted(WANTED) == await plant.kinds()


async def test_a_failure_that_nobody_waits_for_disturbs_nobody():
    """The rotation job comes by every minute; a trace in the log would say nothing new."""
    plant = Plant()
    plant.workshop.is_broken = True
    plant.workshop.may_go_on.set()

    await plant.keys.begin(ISSUER)
    await plant.keys.finish()

    assert sorted(QUICK) == await plant.kinds()


async def test_a_key_that_nobody_makes_is_missed_at_once():
    """Waiting for what never comes would hide a mistake."""
    plant = Plant()

    with pytest.raises(NoSigningKey):
        await plant.keys.sign_jwt(OTHER.id, {}, alg="RS256", typ="JWT")


async def test_processes_that_begin_together_make_one_set():
    """Of workers on one store one makes each key; none publishes another set than the others."""
    store = MemoryStore()
    plants = [Plant(store, seed) for seed in range(4)]
    for plant in plants:
        plant.workshop.may_go_on.set()

    await asyncio.gather(*(plant.keys.begin(ISSUER) for plant in plants))
    shown = [await plant.keys.public_jwks(ISSUER.id) for plant in plants]

    assert sorted(WANTED) == await plants[0].kinds()
    assert 1 == len({tuple(key["kid"] for key in jwks["keys"]) for jwks in shown})


async def test_keys_that_are_there_are_not_made_again():
    """A restart is quick, and leaves no trace among the keys."""
    before = Plant()
    before.workshop.may_go_on.set()
    await before.keys.begin(ISSUER)
    await before.keys.finish()

    again = Plant(before.store, seed=1)
    await again.keys.begin(ISSUER)

    assert ["ECDH-ES", "ES256", "EdDSA", "RS256"] == await algorithms(again.keys)
    assert 0 == again.workshop.begun
