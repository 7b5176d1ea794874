"""What the fetcher asks, trusts, remembers and counts."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from registrary.outbound.policy import development_policy, public_policy
from registrary.ports.fetcher import (
    DOCUMENT_UNUSABLE,
    JWKS_URI,
    SECTOR_IDENTIFIER_URI,
    FetchRefused,
    Refusal,
)
from registrary.ports.limiter import Rate
from registrary.testing.hostile import DOCUMENT, FlippingResolver, HostileServer

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


async def refusal_of(fetching) -> FetchRefused:
    """Return how *fetching* was refused."""
    with pytest.raises(FetchRefused) as caught:
        async with asyncio.timeout(5):
            await fetching
    return caught.value


# --- What is asked ------------------------------------------------------------------------------


async def test_the_request_says_no_more_than_it_must(make_fetcher):
    """Strangers' servers learn what we want, and nothing about who asked us."""
    async with HostileServer() as server:
        await make_fetcher().fetch(server.url("/document?a=%41&b"), purpose=JWKS_URI)
        expected = (
            ("host", f"127.0.0.1:{server.port}"),
            ("user-agent", "registrary"),
            ("accept", "application/json, application/jwk-set+json"),
            ("accept-encoding", "identity"),
            ("connection", "close"),
        )

    request = server.requests[0]
    assert ("GET", "/document?a=%41&b") == (request.method, request.target)
    assert expected == request.headers


async def test_cookies_are_not_kept(make_fetcher):
    """A cookie would tie fetches for different clients together."""
    async with HostileServer() as server:
        fetcher = make_fetcher()
        await fetcher.fetch(server.url("/cookie"), purpose=JWKS_URI)
        await fetcher.fetch(server.url("/cookie"), purpose=JWKS_URI)

    assert [None, None] == [request.header("cookie") for request in server.requests]


@pytest.mark.spec("E-130")
async def test_proxies_of_the_environment_are_not_used(make_fetcher, monkeypatch):
    """A proxy would connect for us to what we never judged."""
    async with HostileServer() as server, HostileServer() as proxy:
        for name in ("http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        await make_fetcher().fetch(server.url("/document"), purpose=JWKS_URI)

        assert (1, 0) == (server.accepted, proxy.accepted)


async def test_what_the_server_says_about_reuse_is_handed_on(make_fetcher):
    """Callers that keep documents keep them as long as their owner wants."""
    headers = [("Cache-Control", "public, max-age=90"), ("Age", "30"), ("ETag", '"v1"')]

    async with HostileServer() as server:
        server.publish("/keys", b"{}", headers=headers)
        fetched = await make_fetcher().fetch(server.url("/keys"), purpose=JWKS_URI)

    assert (timedelta(seconds=60), '"v1"') == (fetched.fresh_for, fetched.etag)


# --- Who is trusted -----------------------------------------------------------------------------


@pytest.fixture
def named_fetcher(make_fetcher):
    """Return a fetcher for development that knows app.example."""
    return make_fetcher(resolver=FlippingResolver({"app.example": [["127.0.0.1"]]}))


async def test_a_certificate_is_judged_by_the_name(named_fetcher, authority):
    """Connecting to the literal must not cost the check of whom we reached."""
    async with HostileServer(tls=authority.server_context("app.example")) as server:
        url = server.url("/document", host="app.example")
        fetched = await named_fetcher.fetch(url, purpose=JWKS_URI)
        expected_host = f"app.example:{server.port}"

    assert DOCUMENT == fetched.body
    assert expected_host == server.requests[0].header("host")


async def test_a_certificate_may_be_for_an_address(make_fetcher, authority):
    """Local tools have no names."""
    async with HostileServer(tls=authority.server_context("127.0.0.1")) as server:
        fetched = await make_fetcher().fetch(server.url("/document"), purpose=JWKS_URI)

    assert DOCUMENT == fetched.body


@pytest.mark.parametrize("names", [["other.example"], ["127.0.0.1"], ["*.app.example"]])
async def test_a_certificate_for_another_name_is_refused(names, named_fetcher, authority):
    """Who holds the address need not be who holds the name."""
    async with HostileServer(tls=authority.server_context(*names)) as server:
        url = server.url("/document", host="app.example")
        refused = await refusal_of(named_fetcher.fetch(url, purpose=JWKS_URI))

    assert (Refusal.CONNECTION, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))
    assert [] == server.requests


async def test_an_expired_certificate_is_refused(named_fetcher, authority):
    """Nobody vouches for it any longer."""
    async with HostileServer(tls=authority.expired_server_context("app.example")) as server:
        url = server.url("/document", host="app.example")
        refused = await refusal_of(named_fetcher.fetch(url, purpose=JWKS_URI))

    assert (Refusal.CONNECTION, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))


async def test_an_unknown_authority_is_refused(make_fetcher, stranger):
    """Anybody can issue certificates to themselves."""
    async with HostileServer(tls=stranger.server_context("127.0.0.1")) as server:
        refused = await refusal_of(make_fetcher().fetch(server.url("/document"), purpose=JWKS_URI))

    assert (Refusal.CONNECTION, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))


async def test_a_handshake_nobody_answers_ends_at_the_deadline(make_fetcher, purpose):
    """A server that takes our greeting and says nothing waits for ever; we do not."""
    async with HostileServer() as server:
        url = server.url("/document", scheme="https")
        refused = await refusal_of(make_fetcher().fetch(url, purpose=purpose))

    assert Refusal.DEADLINE == refused.refusal


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
@pytest.mark.usefixtures("anyio_backend")
async def test_the_servers_own_event_loop_serves(named_fetcher, authority, purpose):
    """The server runs on uvloop, the other tests do not."""
    async with HostileServer(tls=authority.server_context("app.example")) as server:
        fetched = await named_fetcher.fetch(
            server.url("/document", host="app.example"), purpose=JWKS_URI
        )
        refused = await refusal_of(
            named_fetcher.fetch(server.url("/drip-body", host="app.example"), purpose=purpose)
        )

    assert DOCUMENT == fetched.body
    assert Refusal.DEADLINE == refused.refusal


# --- What is remembered -------------------------------------------------------------------------


@pytest.mark.spec("E-130")
async def test_a_host_that_led_inside_is_refused_without_looking_it_up(make_fetcher, ticks):
    """Refusals are quick, and cost name servers nothing."""
    resolver = FlippingResolver({"app.example": [["10.0.0.1"]]})
    fetcher = make_fetcher(policy=public_policy(), resolver=resolver, monotonic=ticks)

    first = await refusal_of(fetcher.fetch("https://app.example/a", purpose=JWKS_URI))
    again = await refusal_of(fetcher.fetch("https://APP.example/b", purpose=JWKS_URI))

    assert [Refusal.ADDRESS] * 2 == [first.refusal, again.refusal]
    assert ["app.example"] == resolver.asked


@pytest.mark.spec("E-130")
async def test_a_host_that_led_inside_is_looked_up_again_after_a_while(make_fetcher, ticks):
    """A mistake in a zone can be mended."""
    resolver = FlippingResolver({"app.example": [["10.0.0.1"], ["127.0.0.1"]]})
    fetcher = make_fetcher(resolver=resolver, monotonic=ticks)

    async with HostileServer() as server:
        url = server.url("/document", host="app.example")
        await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))
        ticks.seconds += 31
        fetched = await fetcher.fetch(url, purpose=JWKS_URI)

    assert DOCUMENT == fetched.body


@pytest.mark.parametrize("path", ["/not-found", "/wrong-type", "/close", "/silent"])
async def test_a_document_that_failed_is_asked_for_again(path, make_fetcher, purpose):
    """Who mends their document and registers again is not told of the past."""
    async with HostileServer() as server:
        fetcher = make_fetcher()
        await refusal_of(fetcher.fetch(server.url(path), purpose=purpose))
        server.publish(path, DOCUMENT)
        fetched = await fetcher.fetch(server.url(path), purpose=JWKS_URI)

    assert DOCUMENT == fetched.body


async def test_a_document_that_was_had_is_asked_for_again(make_fetcher):
    """What is kept, and how long, is the caller's to decide."""
    async with HostileServer() as server:
        fetcher = make_fetcher()
        for _ in range(3):
            await fetcher.fetch(server.url("/document"), purpose=JWKS_URI)

        assert 3 == server.count("/document")


# --- How much -----------------------------------------------------------------------------------


def counting_policy(**limits):
    """Return the policy of development with *limits* of its own."""
    return replace(development_policy(), **limits)


async def test_a_host_has_a_budget(make_fetcher, ticks):
    """Nobody can use us to flood somebody else."""
    fetcher = make_fetcher(policy=counting_policy(host_rate=Rate(2, MINUTE)), monotonic=ticks)

    async with HostileServer() as server:
        url = server.url("/document")
        await fetcher.fetch(url, purpose=JWKS_URI)
        await fetcher.fetch(url, purpose=JWKS_URI)
        refused = await refusal_of(fetcher.fetch(url, purpose=JWKS_URI))
        ticks.seconds += 30
        await fetcher.fetch(url, purpose=JWKS_URI)

        assert 3 == server.accepted
    assert (Refusal.BUDGET, DOCUMENT_UNUSABLE) == (refused.refusal, str(refused))


async def test_each_purpose_has_a_budget_of_its_own(make_fetcher, ticks):
    """Strangers who register cannot use up what known clients need to authenticate."""
    fetcher = make_fetcher(policy=counting_policy(host_rate=Rate(1, MINUTE)), monotonic=ticks)

    async with HostileServer() as server:
        url = server.url("/document")
        await fetcher.fetch(url, purpose=SECTOR_IDENTIFIER_URI)
        await refusal_of(fetcher.fetch(url, purpose=SECTOR_IDENTIFIER_URI))
        fetched = await fetcher.fetch(url, purpose=JWKS_URI)

    assert DOCUMENT == fetched.body


async def test_an_address_has_a_budget_under_all_its_names(make_fetcher, ticks):
    """A zone whose every name leads to one victim is no way around the budget."""
    resolver = FlippingResolver({f"{n}.example": [["127.0.0.1"]] for n in "abc"})
    policy = counting_policy(address_rate=Rate(2, MINUTE))
    fetcher = make_fetcher(policy=policy, resolver=resolver, monotonic=ticks)

    async with HostileServer() as server:
        for name in "ab":
            await fetcher.fetch(server.url("/document", host=f"{name}.example"), purpose=JWKS_URI)
        refused = await refusal_of(
            fetcher.fetch(server.url("/document", host="c.example"), purpose=JWKS_URI)
        )

        assert 2 == server.accepted
    assert Refusal.BUDGET == refused.refusal


@pytest.mark.spec("E-132")
async def test_development_may_fetch_hundreds_of_times(make_fetcher, ticks):
    """A test suite registers client after client with documents on one host."""
    fetcher = make_fetcher(monotonic=ticks)

    async with HostileServer() as server:
        for _ in range(300):
            await fetcher.fetch(server.url("/document"), purpose=SECTOR_IDENTIFIER_URI)

        assert 300 == server.accepted


async def test_one_host_is_connected_to_a_few_times_at_once(make_fetcher):
    """Waiting costs the one who sent us there, not the host we were sent to."""
    under_way = 0
    most = 0

    async def script() -> AsyncIterator[bytes]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        under_way -= 1

    async with HostileServer() as server:
        server.misbehave("/slow", script)
        fetcher = make_fetcher(policy=counting_policy(host_connections=3))
        fetches = [fetcher.fetch(server.url("/slow"), purpose=JWKS_URI) for _ in range(9)]
        answers = await asyncio.gather(*fetches)

    assert 9 == len(answers)
    assert 3 == most


async def test_a_slow_host_keeps_only_its_own_callers_waiting(make_fetcher):
    """One stranger's silence must not stop the others."""
    resolver = FlippingResolver({"slow.example": [["127.0.0.1"]], "app.example": [["127.0.0.1"]]})
    policy = counting_policy(host_connections=2, connections=3)
    fetcher = make_fetcher(policy=policy, resolver=resolver)
    patient = replace(JWKS_URI, deadline=timedelta(seconds=1.5))

    async with HostileServer() as server:
        silent = server.url("/silent", host="slow.example")
        waiting = [asyncio.create_task(fetcher.fetch(silent, purpose=patient)) for _ in range(9)]
        await asyncio.sleep(0.05)
        fetched = await fetcher.fetch(server.url("/document", host="app.example"), purpose=JWKS_URI)
        still_waiting = [not task.done() for task in waiting]
        accepted = server.accepted
        refusals = await asyncio.gather(*waiting, return_exceptions=True)

    assert 3 == accepted
    assert DOCUMENT == fetched.body
    assert [True] * 9 == still_waiting
    assert {DOCUMENT_UNUSABLE} == {str(refused) for refused in refusals}


SILENT = [f"silent{number}.example" for number in range(20)]


@pytest.fixture
def many_names():
    """Return a resolver that knows silent hosts, a zone full of them, and app.example."""
    zone = [f"{number}.zone.example" for number in range(20)]
    return FlippingResolver({name: [["127.0.0.1"]] for name in (*SILENT, *zone, "app.example")})


async def test_silent_hosts_of_one_domain_share_their_turns(make_fetcher, many_names):
    """A zone has any number of names, and each once had turns of its own."""
    policy = counting_policy(site_connections=3)
    fetcher = make_fetcher(policy=policy, resolver=many_names)

    async with HostileServer() as server:
        urls = [server.url("/silent", host=f"{number}.zone.example") for number in range(20)]
        crowd = [asyncio.create_task(fetcher.fetch(url, purpose=JWKS_URI)) for url in urls]
        await asyncio.sleep(1)  # time enough for those who may, and for one that may not
        accepted = server.accepted
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)

    assert 3 == accepted


async def test_a_host_that_answered_finds_a_free_place(make_fetcher, many_names):
    """Fifty silent servers once made every key look-up wait, and then fail."""
    policy = counting_policy(connections=5, unproved_connections=4)
    fetcher = make_fetcher(policy=policy, resolver=many_names)

    async with HostileServer() as server:
        good = server.url("/document", host="app.example")
        await fetcher.fetch(good, purpose=JWKS_URI)
        urls = [server.url("/silent", host=host) for host in SILENT]
        crowd = [asyncio.create_task(fetcher.fetch(url, purpose=JWKS_URI)) for url in urls]
        await asyncio.sleep(0.05)
        fetched = await fetcher.fetch(good, purpose=JWKS_URI)
        still_waiting = [not task.done() for task in crowd]
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)

    assert DOCUMENT == fetched.body
    assert [True] * 20 == still_waiting


async def test_hosts_that_kept_us_waiting_wait_for_each_other(make_fetcher, many_names, purpose):
    """A new client's server must not queue behind those known to be silent."""
    policy = counting_policy(connections=5, unproved_connections=4, late_connections=3)
    fetcher = make_fetcher(policy=policy, resolver=many_names)

    async with HostileServer() as server:
        urls = [server.url("/silent", host=host) for host in SILENT[:4]]
        await asyncio.gather(
            *(fetcher.fetch(url, purpose=purpose) for url in urls), return_exceptions=True
        )
        crowd = [asyncio.create_task(fetcher.fetch(url, purpose=JWKS_URI)) for url in urls]
        await asyncio.sleep(0.05)
        fetched = await fetcher.fetch(server.url("/document", host="app.example"), purpose=JWKS_URI)
        still_waiting = [not task.done() for task in crowd]
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)

    assert DOCUMENT == fetched.body
    assert [True] * 4 == still_waiting


# --- What leaves the fetcher --------------------------------------------------------------------


class BrokenResolver:
    """Fails as nobody foresaw."""

    async def resolve(self, host, port):
        raise RuntimeError("a mistake of ours")


async def test_an_unforeseen_failure_is_a_refusal_and_is_reported(make_fetcher, caplog):
    """A mistake of ours must not become a 500 that a stranger can cause at will."""
    fetcher = make_fetcher(resolver=BrokenResolver())

    refused = await refusal_of(fetcher.fetch("https://app.example/", purpose=JWKS_URI))

    assert DOCUMENT_UNUSABLE == str(refused)
    assert ["ERROR"] == [record.levelname for record in caplog.records if record.exc_info]


async def test_a_caller_who_leaves_is_not_answered(make_fetcher):
    """Cancelling is not a refusal: whoever stops the server must be obeyed."""
    async with HostileServer() as server:
        task = asyncio.create_task(make_fetcher().fetch(server.url("/silent"), purpose=JWKS_URI))
        await asyncio.sleep(0.05)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("path", ["/not-found", "/wrong-type", "/close", "/silent", "/#"])
async def test_logs_name_the_host_and_never_the_path(path, make_fetcher, purpose, caplog):
    """Paths and queries hold capabilities; the operator needs the host."""
    caplog.set_level(logging.INFO)

    async with HostileServer() as server:
        refused = await refusal_of(
            make_fetcher().fetch(server.url(f"{path}?key=canary"), purpose=purpose)
        )

    assert "canary" not in caplog.text
    assert "canary" not in refused.detail
