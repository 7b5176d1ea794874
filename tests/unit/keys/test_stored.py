"""The key document: sealed under a key of the operator's, followed when it changes."""

import os
from datetime import timedelta

import pytest

from registrary.core.entropy import Draw
from registrary.core.errors import FieldError
from registrary.core.sealing import SEAL_DRAW_BYTES, Place
from registrary.core.secrets import Secret
from registrary.keys.encryption import EncryptionKey, key_id_of, new_encryption_key
from registrary.keys.local import utc_now
from registrary.keys.material import ACTIVATION_DELAY, encode_material, new_material
from registrary.keys.stored import ACTIVATION_CHECK_SECONDS, SealedKeys
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import Conflict, StoreUnavailable

pytestmark = pytest.mark.anyio

PLACE = Place("client", "secrets", "i", "c")


class Documents:
    """A store with a key document and nothing else; *away* makes it unavailable."""

    def __init__(self):
        self.kept: tuple[int, bytes] | None = None
        self.away = False
        self.before_next_write = None

    async def key_document(self):
        """Return the document and its revision."""
        if self.away:
            raise StoreUnavailable("away")
        return self.kept

    async def replace_key_document(self, document, *, expected):
        """Put *document* in the place of revision *expected*."""
        meanwhile, self.before_next_write = self.before_next_write, None
        if meanwhile is not None:
            await meanwhile()
        revision = None if self.kept is None else self.kept[0]
        if revision != expected:
            raise Conflict("key document")
        self.kept = ((revision or 0) + 1, document)

    def put(self, document):
        """Replace the document as somebody with a database shell would."""
        self.kept = ((self.kept or (0, b""))[0] + 1, document)


class Time:
    """A clock that a test moves."""

    def __init__(self):
        self.start = utc_now()
        self.seconds = 0.0

    def now(self):
        """Return the time of day."""
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self):
        """Return the seconds since some moment."""
        return self.seconds


@pytest.fixture
def documents():
    """Return a store that holds no document yet."""
    return Documents()


@pytest.fixture
def key():
    """Return a key-encryption key."""
    return EncryptionKey(os.urandom(32))


async def opened(documents, *at_hand, time=None, create=True):
    """Return the keys in *documents*, as a process with *at_hand* in its settings has them."""
    time = time or Time()
    keys = SealedKeys(documents, at_hand, now=time.now, monotonic=time.monotonic)
    return await keys.open(create=create)


async def test_keys_are_the_same_for_every_process(documents, key):
    """What one node handed out, another accepts."""
    one = await opened(documents, key)
    digest = one.peppers().digest(Secret("a"), purpose="x")
    sealed = one.sealer().seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))

    other = await opened(documents, key, create=False)

    assert other.peppers().verify(Secret("a"), digest, purpose="x")
    assert b"s" == other.sealer().unseal(sealed, PLACE)


async def test_of_processes_that_start_at_once_one_makes_the_document(documents, key):
    """All nodes on a fresh database agree on the keys."""

    async def another_starts():
        await opened(documents, key)

    documents.before_next_write = another_starts
    one = await opened(documents, key)
    other = await opened(documents, key)

    assert one.peppers().newest == other.peppers().newest
    assert 1 == documents.kept[0]


async def test_nothing_in_the_document_can_be_read_without_the_key(documents, key):
    """A stolen dump of the database opens nothing."""
    keys = await opened(documents, key)

    assert b"data_keys" not in documents.kept[1]
    assert keys.peppers().newest.encode() not in documents.kept[1]


async def test_a_document_is_not_made_for_a_store_that_should_have_one(documents, key):
    """Fresh keys would lock every client out without a word."""
    with pytest.raises(KeysUnusable, match="it is missing; restore it"):
        await opened(documents, key, create=False)

    assert None is documents.kept


async def test_another_key_is_told_by_both_ids_and_by_no_key(documents, key):
    """An operator finds out which of the keys in the safe it is."""
    await opened(documents, key)
    text = new_encryption_key(os.urandom)
    other = EncryptionKey.parse(text)

    with pytest.raises(KeysUnusable) as refused:
        await opened(documents, other)

    assert key.id in str(refused.value)
    assert other.id in str(refused.value)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda sealed: sealed[:0],
        lambda sealed: b"nothing of ours" + sealed,
        lambda sealed: sealed[:40],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed.replace(b"registrary keys\x01", b"registrary keys\x02"),
    ],
    ids=["empty", "foreign", "cut", "flipped", "newer"],
)
async def test_a_spoilt_document_is_refused(documents, key, spoilt):
    """Keys that are nearly right would be worse than none."""
    await opened(documents, key)
    documents.put(spoilt(documents.kept[1]))

    with pytest.raises(KeysUnusable, match="key document in the store: it"):
        await opened(documents, key)


@pytest.mark.parametrize("rotate", ["rotate_pepper", "rotate_data_key", "rotate_wrapping_key"])
async def test_a_rotation_by_another_process_is_followed(documents, key, rotate):
    """A command's effect reaches the running servers within seconds, without a restart."""
    time = Time()
    server = await opened(documents, key, time=time)
    command = await opened(documents, key, time=time)
    digest = server.peppers().digest(Secret("a"), purpose="x")
    sealed = server.sealer().seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))

    await getattr(command, rotate)()
    await server.follow()
    time.seconds += ACTIVATION_DELAY.total_seconds() + ACTIVATION_CHECK_SECONDS

    assert None is server.problem
    assert server.peppers().newest == command.peppers().newest
    assert server.peppers().verify(Secret("a"), digest, purpose="x")
    assert ("pepper" in rotate) == (not server.peppers().is_current(digest))
    assert b"s" == server.sealer().unseal(sealed, PLACE)
    assert b"t" == server.sealer().unseal(
        command.sealer().seal(b"t", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES))), PLACE
    )


async def test_a_new_key_is_not_used_before_every_process_has_it(documents, key):
    """A digest made with it would look wrong to a node that has not looked yet."""
    time = Time()
    server = await opened(documents, key, time=time)
    before = server.peppers().newest

    await server.rotate_pepper()
    time.seconds += ACTIVATION_DELAY.total_seconds() / 2
    during = server.peppers().newest
    time.seconds += ACTIVATION_DELAY.total_seconds()
    after = server.peppers().newest

    assert before == during
    assert before != after


async def test_rotations_at_once_lose_nothing(documents, key):
    """Two commands each add their pepper."""
    one, other = await opened(documents, key), await opened(documents, key)
    documents.before_next_write = other.rotate_pepper

    await one.rotate_pepper()

    assert "PepperRing(3 peppers" in repr(one.peppers())


async def test_a_document_that_keeps_changing_is_a_conflict(documents, key):
    """A command that could wait for ever would look hung."""
    one, other = await opened(documents, key), await opened(documents, key)

    async def again():
        await other.rotate_pepper()
        documents.before_next_write = again

    documents.before_next_write = again

    with pytest.raises(Conflict):
        await one.rotate_pepper()


async def test_the_key_encryption_key_is_replaced_without_an_outage(documents, key):
    """Nodes are restarted one after the other, so some know the new key while others do not."""
    new = EncryptionKey(os.urandom(32))
    not_restarted = await opened(documents, key)
    pepper = not_restarted.peppers().newest

    restarted = await opened(documents, new, key)
    await restarted.rotate_data_key()
    await not_restarted.follow()
    readable_before = not_restarted.problem
    wanted_before = restarted.wants_resealing
    await restarted.reseal()
    final = await opened(documents, new)

    assert (None, True) == (readable_before, wanted_before)
    assert not restarted.wants_resealing
    assert new.id == key_id_of(documents.kept[1])
    assert pepper == final.peppers().newest


@pytest.mark.parametrize("damage", ["gone", "content", "foreign", "resealed"])
async def test_a_document_damaged_while_serving_is_reported_and_survived(documents, key, damage):
    """The server goes on with the keys it has, and says that it could not start again."""
    server = await opened(documents, key)
    before, kept = server.peppers().newest, documents.kept

    if damage == "gone":
        documents.kept = None
    elif damage == "content":
        documents.put(b"{}")
    elif damage == "foreign":
        material = encode_material(new_material(os.urandom, now=utc_now()))
        documents.put(key.seal(material, random_bytes=os.urandom))
    else:
        new = EncryptionKey(os.urandom(32))
        await (await opened(documents, new, key)).reseal()
    await server.follow()
    during, reported = server.peppers().newest, server.problem
    documents.kept = kept
    await server.follow()

    assert [before] * 2 == [during, server.peppers().newest]
    assert str(reported).startswith("key document in the store: it ")
    assert None is server.problem


async def test_an_outage_changes_no_key(documents, key):
    """What a node knows it knows; the store's readiness tells of the outage."""
    server = await opened(documents, key)
    before = server.peppers().newest
    documents.away = True

    with pytest.raises(StoreUnavailable):
        await server.follow()

    assert before == server.peppers().newest
    assert None is server.problem


@pytest.mark.parametrize(
    "text",
    ["", "short", "a" * 42, "a" * 44, "\u00e4" * 43, "!" * 43, "=" * 44],
    ids=["empty", "short", "too-short", "too-long", "not-ascii", "not-base64url", "padding"],
)
def test_what_is_no_key_is_refused_without_showing_it(text):
    """A password in the place of a key would be guessed from a stolen dump."""
    with pytest.raises(FieldError, match="must be 32 bytes in base64url") as refused:
        EncryptionKey.parse(text)

    assert not text or text not in str(refused.value)


def test_a_key_is_not_shown():
    """A line of the log that holds it would hold everything."""
    text = new_encryption_key(os.urandom)

    assert text not in repr(EncryptionKey.parse(text))
    assert EncryptionKey.parse(text).id == EncryptionKey.parse(f"{text}=\n").id
