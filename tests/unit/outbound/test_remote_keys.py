"""Keys published at a ``jwks_uri``: how long they are kept, and when they are fetched again."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from registrary.core.base64url import encode
from registrary.outbound.policy import development_policy
from registrary.outbound.remote_keys import CachedRemoteKeys
from registrary.ports.fetcher import (
    DOCUMENT_UNUSABLE,
    JWKS_URI,
    Fetched,
    FetchPurpose,
    FetchRefused,
    Refusal,
)
from registrary.ports.limiter import Rate
from registrary.testing.hostile import HostileServer

pytestmark = pytest.mark.anyio

URL = "https://app.example/jwks"


@cache
def key(kid: str) -> dict[str, str]:
    """Return a public key named *kid*."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (encode(number.to_bytes(32)) for number in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid}


def jwks(*kids: str) -> bytes:
    """Return a document that publishes a key for each of *kids*."""
    return json.dumps({"keys": [key(kid) for kid in kids]}).encode()


def kids(published) -> list[str]:
    """Return the names of the keys in *published*."""
    return [entry["kid"] for entry in published["keys"]]


@dataclass
class Published:
    """A fetcher of documents the test publishes; None is a document that cannot be had."""

    body: bytes | None = None
    refusal: Refusal = Refusal.STATUS
    fresh_for: timedelta | None = None
    by_url: dict[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    fetches: int = 0

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        assert purpose is JWKS_URI
        self.fetches += 1
        if self.gate is not None:
            await self.gate.wait()
        body = self.by_url.get(url, self.body)
        if body is None:
            raise FetchRefused(self.refusal, "status is 404")
        return Fetched(body, "application/json", fresh_for=self.fresh_for)


@pytest.fixture
def published() -> Published:
    """Return a fetcher that finds one key, ``a``."""
    return Published(jwks("a"))


@pytest.fixture
def remote_keys(published: Published, ticks: Callable[[], float]) -> CachedRemoteKeys:
    """Return the keys under test."""
    return CachedRemoteKeys(published, monotonic=ticks)


async def test_a_set_is_fetched_once_while_it_is_fresh(remote_keys, published):
    """Each token request would otherwise be a request to the client's server."""
    for kid in ("a", None, "a"):
        assert ["a"] == kids(await remote_keys.keys(URL, kid=kid))

    assert 1 == published.fetches


@pytest.mark.parametrize(
    ("said", "kept_seconds"),
    [
        pytest.param(None, 300, id="nothing"),
        pytest.param(0, 30, id="not-at-all"),
        pytest.param(120, 120, id="two-minutes"),
        pytest.param(86_400, 3_600, id="a-day"),
    ],
)
async def test_a_set_is_kept_as_its_server_says_within_bounds(
    said, kept_seconds, remote_keys, published, ticks
):
    """A key taken back stops working soon; a server that says nonsense is not asked for ever."""
    published.fresh_for = None if said is None else timedelta(seconds=said)
    await remote_keys.keys(URL, kid="a")

    ticks.seconds += kept_seconds - 1
    await remote_keys.keys(URL, kid="a")
    within = published.fetches
    ticks.seconds += 1
    await remote_keys.keys(URL, kid="a")

    assert (1, 2) == (within, published.fetches)


@pytest.mark.spec("T-68")
async def test_an_unknown_kid_makes_the_set_be_fetched_again(remote_keys, published):
    """A client that changed its keys is served at once, not when a cache runs out."""
    await remote_keys.keys(URL, kid="a")
    published.body = jwks("b")

    found = await remote_keys.keys(URL, kid="b")

    assert ["b"] == kids(found)
    assert 2 == published.fetches


async def test_an_unknown_kid_in_a_set_just_fetched_is_not_asked_for_twice(remote_keys, published):
    """The answer a moment later would be the same."""
    found = await remote_keys.keys(URL, kid="unknown")

    assert ["a"] == kids(found)
    assert 1 == published.fetches


@pytest.mark.spec("T-68")
async def test_unknown_kids_are_asked_for_within_a_rate(remote_keys, published, ticks):
    """Whoever makes up kids must not direct our traffic at a client's server."""
    await remote_keys.keys(URL, kid="a")

    for number in range(100):
        found = await remote_keys.keys(URL, kid=f"made up {number}")
        assert ["a"] == kids(found)
    at_once = published.fetches
    ticks.seconds += 10
    await remote_keys.keys(URL, kid="made up")

    assert (1 + 6, 1 + 6 + 1) == (at_once, published.fetches)


async def test_a_signature_without_kid_can_ask_for_the_set_again(remote_keys, published):
    """Clients with one key leave kid out, and change keys like the others."""
    await remote_keys.keys(URL, kid=None)
    published.body = jwks("b")

    found = await remote_keys.renewed(URL)

    assert ["b"] == kids(found)


async def test_callers_at_the_same_time_share_one_fetch(remote_keys, published):
    """A client that starts fifty workers is one client."""
    published.gate = asyncio.Event()
    callers = [asyncio.create_task(remote_keys.keys(URL, kid="a")) for _ in range(50)]
    await asyncio.sleep(0)

    published.gate.set()
    answers = await asyncio.gather(*callers)

    assert [["a"]] * 50 == [kids(answer) for answer in answers]
    assert 1 == published.fetches


async def test_renewals_at_the_same_time_share_one_fetch_and_one_permission(remote_keys, published):
    """Fifty workers with a new key must not use up the rate before it is there."""
    await remote_keys.keys(URL, kid="a")
    published.body = jwks("b")
    published.gate = asyncio.Event()
    callers = [asyncio.create_task(remote_keys.keys(URL, kid="b")) for _ in range(50)]
    await asyncio.sleep(0)

    published.gate.set()
    answers = await asyncio.gather(*callers)
    published.body = jwks("c")
    later = await remote_keys.keys(URL, kid="c")

    assert [["b"]] * 50 == [kids(answer) for answer in answers]
    assert ["c"] == kids(later)


async def test_a_caller_who_leaves_does_not_take_the_fetch_along(remote_keys, published):
    """The one who asked first may hang up; the others still need the keys."""
    published.gate = asyncio.Event()
    first = asyncio.create_task(remote_keys.keys(URL, kid="a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(remote_keys.keys(URL, kid="a"))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    published.gate.set()

    assert ["a"] == kids(await second)
    assert 1 == published.fetches


@pytest.mark.spec("E-131")
async def test_keys_published_after_a_failure_are_used_at_once(remote_keys, published):
    """Who publishes their keys after registering is served then: no document is remembered."""
    published.body = None
    with pytest.raises(FetchRefused):
        await remote_keys.keys(URL, kid="a")
    published.body = jwks("a")

    assert ["a"] == kids(await remote_keys.keys(URL, kid="a"))


async def failures(remote_keys, url: str, *, count: int) -> list[Refusal]:
    """Return how *count* requests for the keys at *url* were refused."""
    refusals = []
    for _ in range(count):
        with pytest.raises(FetchRefused) as caught:
            await remote_keys.keys(url, kid="a")
        refusals.append(caught.value.refusal)
    return refusals


async def test_a_url_that_failed_twice_is_left_alone_for_a_while(remote_keys, published, ticks):
    """Assertions cost whoever makes them up nothing; each must not become a request of ours."""
    published.body = None

    refusals = await failures(remote_keys, URL, count=100)
    at_once = published.fetches
    ticks.seconds += 9.9
    await failures(remote_keys, URL, count=100)
    too_early = published.fetches
    ticks.seconds += 0.2
    await failures(remote_keys, URL, count=100)

    assert [Refusal.STATUS] * 2 + [Refusal.BUDGET] * 98 == refusals
    assert (2, 2, 3) == (at_once, too_early, published.fetches)


async def test_a_document_that_is_no_set_counts_as_a_failure(remote_keys, published):
    """Fetching rubbish again and again is no better than fetching nothing."""
    published.body = b"rubbish"

    await failures(remote_keys, URL, count=100)

    assert 2 == published.fetches


async def test_a_url_that_was_not_asked_is_not_held_to_have_failed(remote_keys, published):
    """What others at its host used up must not be paid for by it afterwards, too."""
    published.body, published.refusal = None, Refusal.BUDGET
    await failures(remote_keys, URL, count=100)
    published.body = jwks("a")

    assert ["a"] == kids(await remote_keys.keys(URL, kid="a"))


async def test_a_stale_set_stands_in_for_a_server_that_is_away(remote_keys, published, ticks):
    """A short outage at a client's web host must not lock the client out of ours."""
    await remote_keys.keys(URL, kid="a")
    published.body = None

    ticks.seconds += 300 + 899
    found = await remote_keys.keys(URL, kid="a")
    ticks.seconds += 1
    with pytest.raises(FetchRefused):
        await remote_keys.keys(URL, kid="a")

    assert ["a"] == kids(found)


async def test_a_server_that_is_away_is_not_pressed(remote_keys, published, ticks):
    """While the stale set serves, each use of it must not be another attempt."""
    await remote_keys.keys(URL, kid="a")
    published.body = None
    ticks.seconds += 300

    for _ in range(100):
        await remote_keys.keys(URL, kid="a")

    assert 1 + 2 == published.fetches


@pytest.mark.spec("C-008")
async def test_unusable_keys_are_left_out(remote_keys, published):
    """One odd key in a set must not make the good ones useless; a private one is no key at all."""
    private = key("private") | {"d": key("a")["x"]}
    odd = [{"kty": "oct", "k": "c2VjcmV0", "kid": "o"}, {"kty": "new"}, "text", None, private]
    published.body = json.dumps({"keys": [*odd, key("a")]}).encode()

    assert ["a"] == kids(await remote_keys.keys(URL, kid="a"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [], "keys": []}',
        b'\xef\xbb\xbf{"keys": []}',
        b'{"keys": NaN}',
        b"[" * 50_000,
    ],
    ids=["empty", "text", "array", "object", "no-array", "twice", "mark", "nan", "deep"],
)
async def test_what_is_no_jwk_set_is_refused(body, remote_keys, published):
    """Nothing is guessed from a document that says two things or none."""
    published.body = body

    with pytest.raises(FetchRefused) as caught:
        await remote_keys.keys(URL, kid="a")

    assert (Refusal.CONTENT, DOCUMENT_UNUSABLE) == (caught.value.refusal, str(caught.value))


async def test_an_empty_set_is_a_set(remote_keys, published):
    """A client that took all its keys back means it."""
    published.body = b'{"keys": []}'

    assert {"keys": []} == await remote_keys.keys(URL, kid=None)


async def test_memory_is_bounded_and_the_least_used_goes_first(remote_keys, published):
    """Strangers register as many clients as they like, each with a document of 64 KiB."""
    filler = json.dumps({"keys": [], "filler": "x" * 60_000}).encode()
    await remote_keys.keys(URL, kid=None)

    for number in range(100):
        published.by_url[f"{URL}/{number}"] = filler
        await remote_keys.keys(f"{URL}/{number}", kid=None)
        await remote_keys.keys(URL, kid=None)
    before = published.fetches
    await remote_keys.keys(URL, kid=None)
    used_often = published.fetches - before
    await remote_keys.keys(f"{URL}/0", kid=None)

    assert (0, 1) == (used_often, published.fetches - before)


@pytest.mark.spec("T-68", "E-130")
async def test_keys_are_rotated_over_a_real_connection(make_fetcher):
    """The parts fit together: guard, document, keys."""
    async with HostileServer() as server:
        remote_keys = CachedRemoteKeys(make_fetcher())
        server.publish("/jwks", jwks("a"), media_type="application/jwk-set+json")
        before = await remote_keys.keys(server.url("/jwks"), kid="a")
        server.publish("/jwks", jwks("a", "b"), media_type="application/jwk-set+json")
        after = await remote_keys.keys(server.url("/jwks"), kid="b")

        assert 2 == server.count("/jwks")
    assert (["a"], ["a", "b"]) == (kids(before), kids(after))


async def test_one_client_s_failures_leave_its_neighbours_at_the_host_alone(make_fetcher, ticks):
    """One `jwks_uri` that cannot be had once locked out every client at the same host."""
    policy = replace(development_policy(), host_rate=Rate(10, timedelta(minutes=1)))
    async with HostileServer() as server:
        remote_keys = CachedRemoteKeys(
            make_fetcher(policy=policy, monotonic=ticks), monotonic=ticks
        )
        server.publish("/neighbour", jwks("a"))
        for path in ("/not-found", "/wrong-type", "/close"):
            await failures(remote_keys, server.url(path), count=100)
        found = await remote_keys.keys(server.url("/neighbour"), kid="a")

        assert 3 * 2 + 1 == server.accepted
    assert ["a"] == kids(found)
