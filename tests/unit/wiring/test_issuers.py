"""The issuer a server serves: made from the settings once, and then as it is stored."""

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest

from registrary.config import Settings
from registrary.config.settings import RegistrationSettings
from registrary.core.changes import Changes, Put
from registrary.core.issuer import Issuer, RegistrationMode, RuleSet
from registrary.core.scope import DEVELOPMENT_SCOPES, NORMAL_SCOPES
from registrary.registrar.issuers import issuer_id
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.stores import opened
from registrary.wiring.issuers import (
    DEVELOPMENT_RATE,
    ensure_issuer,
    issuer_of,
    issuer_url,
)
from registrary.wiring.log_reading import export_lines, verify_kept_log
from tests.unit.wiring.kit import development, serving

pytestmark = pytest.mark.anyio


class Start:
    """A store that servers start on, one after another or at once."""

    def __init__(self):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.starts = 0

    async def __call__(self, settings: Settings) -> None:
        """Do what a starting server does about its issuer."""
        self.starts += 1
        await ensure_issuer(self.store, settings, self.clock, entropy=SeededEntropy(self.starts))

    async def issuers(self):
        """Return what is stored."""
        return list(await self.store.issuers())

    async def tags(self, issuer: str):
        """Return the kinds of events in the log of *issuer*."""
        waiting = await self.store.waiting(issuer, limit=100)
        kept = [await self.store.event(issuer, one.event_id) for one in waiting]
        return [json.loads(one.body)["tag"] for one in kept if one and one.body]


DEV = Settings(dev=True, listen="127.0.0.1:8400")
REAL = Settings(issuer="https://id.example", store="sqlite:///x.db")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (DEV, "http://127.0.0.1:8400"),
        (Settings(dev=True, listen="[::1]:8400"), "http://[::1]:8400"),
        (Settings(dev=True, issuer="http://localhost:1/a"), "http://localhost:1/a"),
        (REAL, "https://id.example"),
    ],
    ids=["listener", "listener-v6", "development-named", "named"],
)
def test_the_address_is_the_one_set_or_that_of_the_listener(settings, expected):
    """Who tries it out needs to set nothing; who runs it says what clients call it."""
    assert expected == issuer_url(settings)


def test_what_a_developer_gets_is_not_what_others_get():
    """Open doors, sample scopes and generous rates are for one machine alone."""
    dev, real = issuer_of(DEV, now=MOMENT), issuer_of(REAL, now=MOMENT)

    assert (RegistrationMode.OPEN, RegistrationMode.PROTECTED) == (dev.mode, real.mode)
    assert (DEVELOPMENT_SCOPES, NORMAL_SCOPES) == (dev.scopes, real.scopes)
    for rate in ("registrations_per_minute", "updates_per_minute"):
        rates = [getattr(issuer.limits, rate) for issuer in (dev, real)]
        assert [DEVELOPMENT_RATE, 300] == rates
    assert (True, False) == (dev.dev, real.dev)
    assert () == real.resources


def test_registration_is_as_the_settings_say():
    """Each of these is in the manual."""
    wanted = RegistrationSettings(
        mode="closed",
        rule_set="oidf-dynamic",
        networks=("192.0.2.0/24",),
        per_minute=7,
        anonymous_per_minute=3,
        updates_per_minute=5,
        client_secret_days=30,
    )

    made = issuer_of(msgspec.structs.replace(REAL, registration=wanted), now=MOMENT)

    assert (RegistrationMode.CLOSED, RuleSet.OIDF_DYNAMIC) == (made.mode, made.rule_set)
    assert ("192.0.2.0/24",) == made.limits.networks
    assert (7, 3, 5) == (
        made.limits.registrations_per_minute,
        made.limits.anonymous_registrations_per_minute,
        made.limits.updates_per_minute,
    )
    assert timedelta(days=30) == made.lifetimes.client_secret


async def test_a_first_start_records_the_issuer_and_says_so():
    """The log of an issuer begins with how it came to be."""
    start = Start()

    await start(REAL)

    [made] = await start.issuers()
    assert ("https://id.example", issuer_id("https://id.example")) == (made.url, made.id)
    assert ["issuer:created"] == await start.tags(made.id)


async def test_a_stored_issuer_is_left_as_it_is():
    """What an administrator changed by the API is not undone by a restart."""
    start = Start()
    await start(REAL)
    [made] = await start.issuers()
    closed = msgspec.structs.replace(made, mode=RegistrationMode.CLOSED, revision=2)
    await start.store.commit(Changes(puts=(Put(closed, expected=1),)))

    await start(REAL)

    assert [closed] == await start.issuers()
    assert ["issuer:created"] == await start.tags(made.id)


async def test_workers_that_start_together_make_one_issuer():
    """Each of them reads an empty store before any of them has written."""
    start = Start()

    await asyncio.gather(*(start(REAL) for _ in range(8)))

    [made] = await start.issuers()
    assert ["issuer:created"] == await start.tags(made.id)


async def test_another_address_is_another_issuer():
    """Clients were told an issuer identifier, and hold tokens to it (RFC 8414 §3.3)."""
    start = Start()
    await start(REAL)

    await start(msgspec.structs.replace(REAL, issuer="https://other.example"))

    assert ["https://id.example", "https://other.example"] == sorted(
        issuer.url for issuer in await start.issuers()
    )


async def test_in_development_the_issuer_follows_the_listener():
    """Clients under development survive a port that was taken."""
    start = Start()
    await start(DEV)
    [before] = await start.issuers()

    await start(msgspec.structs.replace(DEV, listen="127.0.0.1:8401"))

    [moved] = await start.issuers()
    assert (before.id, "http://127.0.0.1:8401") == (moved.id, moved.url)
    assert ["issuer:created", "issuer:updated"] == await start.tags(before.id)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(dev=True, issuer="http://localhost:1"),
        msgspec.structs.replace(REAL, issuer="https://127.0.0.1:8401"),
    ],
    ids=["named", "not-development"],
)
async def test_nothing_else_moves_an_issuer(settings):
    """An address somebody chose is not the listener's."""
    start = Start()
    await start(DEV)

    await start(settings)

    assert {"http://127.0.0.1:8400", issuer_url(settings)} == {
        issuer.url for issuer in await start.issuers()
    }


async def test_a_real_issuer_is_not_moved_by_a_developer():
    """Starting with --dev on a copy of a real store leaves what is in it."""
    start = Start()
    await start(REAL)

    await start(DEV)

    assert {"https://id.example", "http://127.0.0.1:8400"} == {
        issuer.url for issuer in await start.issuers()
    }


async def test_a_log_is_named_after_where_its_issuer_first_was():
    """Its checkpoints are signed under that name; another name is another log."""
    start, seen = Start(), []

    for port in (1, 2, 3, 1):
        await start(msgspec.structs.replace(DEV, listen=f"127.0.0.1:{port}"))
        [issuer] = await start.issuers()
        seen.append((issuer.url, issuer.log_address))

    first = "http://127.0.0.1:1"
    assert [(f"http://127.0.0.1:{port}", first) for port in (1, 2, 3, 1)] == seen


async def run_at(place, port: int) -> Issuer:
    """Serve on *port* for one registration; return the issuer as it is stored afterwards."""
    async with serving(development(place, listen=f"127.0.0.1:{port}")) as http:
        document = {"redirect_uris": ["https://app.example/cb"]}
        assert 201 == (await http.post("/register", json=document)).status_code
    async with opened(place) as store:
        [issuer] = await store.issuers()
    return issuer


async def test_a_log_goes_on_when_a_developer_takes_another_port(place):
    """It went on under another name, and `audit verify` called every older checkpoint forged."""
    issuers = [await run_at(place, port) for port in (8400, 8401, 8400)]

    async with opened(place) as store:
        verdict = await verify_kept_log(store, issuers[-1])
        exported = [json.loads(line) async for line in export_lines(store, issuers[-1])]

    assert [] == list(verdict.faults)
    assert verdict.size == verdict.events == events_in(exported)
    assert "127.0.0.1:8400/audit" == exported[0]["origin"]
    assert 1 == len({issuer.id for issuer in issuers})


def events_in(exported) -> int:
    """Return how many events an export says it has."""
    return sum("leaf" in line for line in exported)
