"""Adapters are made as the settings say, and never over what is not whole."""

from datetime import UTC, timedelta
from pathlib import Path

import pytest

from registrary.config import Settings, SettingsError
from registrary.config.settings import KeySettings, OutboundSettings
from registrary.keys.local import KeyFileError
from registrary.outbound.fetcher import GuardedFetcher
from registrary.outbound.tls import client_context
from registrary.ports.fetcher import JWKS_URI, FetchRefused, Refusal
from registrary.testing.hostile import FlippingResolver
from registrary.wiring.adapters import (
    SystemClock,
    SystemEntropy,
    database_path,
    open_vault,
    outbound_policy,
)

pytestmark = pytest.mark.anyio


def stored_at(path: Path, **members) -> Settings:
    """Return settings whose store is the SQLite file *path*."""
    return Settings(store=f"sqlite:///{path}", **members)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(store="sqlite:///here.db"), Path("here.db")),
        (Settings(store="sqlite:////var/lib/there.db"), Path("/var/lib/there.db")),
        (Settings(dev=True), Path("var/registrary.db")),
        (Settings(dev=True, store="sqlite:///other.db"), Path("other.db")),
    ],
    ids=["relative", "absolute", "development", "development-named"],
)
def test_the_store_lies_where_it_was_told_to(settings, expected):
    """Three slashes are relative and four absolute, as everywhere with SQLite."""
    assert expected == database_path(settings)


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (None, "store is required"),
        ("", "store is required"),
        ("sqlite:///", "store must be"),
        ("sqlite://there.db", "store must be"),
        ("mysql://there", "store must be"),
        ("/var/lib/there.db", "store must be"),
    ],
)
def test_a_store_that_cannot_be_found_is_said_to_be_wrong(store, problem):
    """A server that guessed would begin with an empty register."""
    with pytest.raises(SettingsError, match=problem):
        database_path(Settings(store=store))


async def test_a_folder_is_no_store(tmp_path):
    """What SQLite says of it sounds like a broken disk."""
    with pytest.raises(SettingsError, match="is a folder; name a file in it"):
        await open_vault(stored_at(tmp_path), create=True)


async def test_a_new_store_comes_with_its_keys(tmp_path):
    """The first start needs no step before it, wherever the operator points it."""
    path = tmp_path / "below" / "registrary.db"

    vault = await open_vault(stored_at(path), create=True)
    await vault.store.close()

    assert ["registrary.db", "registrary.db.keys"] == sorted(
        one.name for one in path.parent.iterdir() if not one.name.endswith(("-wal", "-shm"))
    )


async def test_keys_lie_elsewhere_when_told_to(tmp_path):
    """A stolen disk with the database alone opens nothing."""
    keys = tmp_path / "elsewhere.keys"

    vault = await open_vault(
        stored_at(tmp_path / "registrary.db", keys=KeySettings(file=str(keys))), create=True
    )
    await vault.store.close()

    assert keys.is_file()
    assert not (tmp_path / "registrary.db.keys").exists()


async def test_a_store_without_its_keys_is_not_given_others(tmp_path):
    """Under new keys every credential would be wrong, and nobody would know why."""
    path = tmp_path / "registrary.db"
    vault = await open_vault(stored_at(path), create=True)
    await vault.store.close()
    path.with_name("registrary.db.keys").unlink()

    with pytest.raises(KeyFileError, match="it is missing"):
        await open_vault(stored_at(path), create=True)

    assert not path.with_name("registrary.db.keys").exists()


async def test_a_command_makes_no_store_where_there_is_none(tmp_path):
    """A mistyped path must not answer with an empty register."""
    with pytest.raises(SettingsError, match="there is no store"):
        await open_vault(stored_at(tmp_path / "registrary.db"), create=False)

    assert [] == list(tmp_path.iterdir())


async def refusals(fetcher: GuardedFetcher, count: int) -> list[Refusal]:
    """Fetch *count* times from one host without an address; return why nothing came."""
    seen = []
    for _ in range(count):
        with pytest.raises(FetchRefused) as caught:
            await fetcher.fetch("https://app.example/jwks", purpose=JWKS_URI)
        seen.append(caught.value.refusal)
    return seen


@pytest.mark.parametrize(
    ("settings", "asked", "answered"),
    [
        (Settings(outbound=OutboundSettings(per_host_per_minute=3)), 5, 3),
        (Settings(outbound=OutboundSettings(per_host_per_minute=1)), 3, 1),
        (Settings(), 70, 60),
        (Settings(dev=True), 500, 500),
    ],
    ids=["three", "one", "default", "development"],
)
async def test_one_host_is_asked_as_often_as_the_operator_lets_it(settings, asked, answered):
    """Strangers must not make us a nuisance to others; who tries things out is not held up."""
    fetcher = GuardedFetcher(
        outbound_policy(settings),
        FlippingResolver({}),
        tls=client_context(),
        monotonic=lambda: 1_000.0,
    )

    seen = await refusals(fetcher, asked)

    expected = [Refusal.UNRESOLVED] * answered + [Refusal.BUDGET] * (asked - answered)
    assert expected == seen


def test_a_generous_budget_for_a_host_is_not_cut_short_by_its_address():
    """Both limits count the same fetches; the smaller would win unseen."""
    policy = outbound_policy(Settings(outbound=OutboundSettings(per_host_per_minute=5_000)))

    assert policy.address_rate.count >= 5_000
    assert outbound_policy(Settings()).address_rate.count == 600


@pytest.mark.parametrize(
    ("ports", "allowed", "refused"),
    [((443,), 443, 8443), ((8443,), 8443, 443), ((443, 8443), 8443, 80)],
    ids=["usual", "other", "both"],
)
def test_documents_are_fetched_from_the_ports_that_were_named(ports, allowed, refused):
    """Who closes a port expects it to be closed."""
    policy = outbound_policy(Settings(outbound=OutboundSettings(ports=ports)))

    assert policy.allows_port(allowed)
    assert not policy.allows_port(refused)


def test_the_clock_says_where_its_times_are_from():
    """A time without a zone would be compared with one that has it, and fail at night."""
    now = SystemClock().now()

    assert UTC == now.tzinfo
    assert timedelta() == now.utcoffset()


def test_randomness_has_the_size_that_was_asked_for_and_no_repeats():
    """Every secret is made of it."""
    entropy = SystemEntropy()

    drawn = [entropy.token_bytes(32) for _ in range(8)]

    assert {32} == {len(one) for one in drawn}
    assert 8 == len(set(drawn))
