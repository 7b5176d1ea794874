from collections import Counter
from pathlib import Path

import uvloop

from bench.documents import Registered
from bench.filling import shared_out
from bench.population import families
from bench.settings import file_settings
from bench.stock import Stock, fill
from bench.templates import NUMBER, Template
from bench.workshop import Workshop, workshop
from registrary.core.client import Client
from registrary.core.lifecycle import ClientState
from registrary.core.secrets import Digest, Prefix, Secret
from registrary.ports.store import every
from registrary.wiring.log_reading import verify_kept_log

CLIENTS = 300


async def _filled(folder: Path) -> tuple[Stock, list[Client]]:
    stock = await fill(file_settings(folder), CLIENTS)
    async with workshop(file_settings(folder)) as shop:
        clients = [client async for client in every(shop.store, Client, shop.context.id)]
    return stock, clients[:CLIENTS]


def test_a_store_that_was_filled_has_a_log_that_verifies(tmp_path):
    """Figures of a store that the product itself would refuse are figures of nothing."""

    async def fill_and_verify() -> tuple[bool, int, int]:
        stock = await fill(file_settings(tmp_path), CLIENTS)
        async with workshop(file_settings(tmp_path)) as shop:
            verdict = await verify_kept_log(shop.store, shop.context.issuer)
        return verdict.is_sound, verdict.events, stock.events

    is_sound, verified, made = uvloop.run(fill_and_verify())

    assert is_sound
    assert verified > made > CLIENTS


def test_clients_of_all_states_are_there_in_the_order_of_their_time(tmp_path):
    """A list that has only active clients in it would be searched quickly, and tell nothing."""
    _, clients = uvloop.run(_filled(tmp_path))

    states = Counter(client.state for client in clients)
    organizations = {client.door.organization for client in clients}

    assert sorted(clients, key=lambda client: client.issued_at) == clients
    assert set(states) == {
        ClientState.ACTIVE,
        ClientState.SUSPENDED,
        ClientState.REVOKED,
        ClientState.PURGED,
    }
    assert len(organizations) > 10
    assert NUMBER not in str(clients)


def test_credentials_that_the_bench_knows_are_those_that_are_kept(tmp_path):
    """Reads and tokens all over a store need clients that somebody can speak for."""

    async def fill_and_find() -> list[bool]:
        stock = await fill(file_settings(tmp_path), CLIENTS)
        async with workshop(file_settings(tmp_path)) as shop:
            return [await _is_kept(shop, known) for known in stock.known]

    found = uvloop.run(fill_and_find())

    assert [True] * (CLIENTS // 5) == found


async def _is_kept(shop: Workshop, known: Registered) -> bool:
    client = await shop.store.get(Client, shop.context.id, known.client_id)
    assert client is not None
    kept = Digest(client.secrets[0].pepper_id, client.secrets[0].mac)
    peppers = shop.services.secret_keys.peppers()
    return peppers.verify(Secret(known.client_secret), kept, purpose=Prefix.CLIENT_SECRET)


def test_no_family_comes_in_a_row():
    """A page of a list looks like any other, wherever it is opened."""
    common = Template("common", 75, None, counts=True, revision=1, record=b"", events=())
    rare = Template("rare", 25, None, counts=True, revision=1, record=b"", events=())

    order = [template.family for template in shared_out([common, rare])]

    assert {"common": 900, "rare": 300} == Counter(order)
    assert all("rare" in order[start : start + 5] for start in range(len(order) - 5))


def test_the_shares_of_all_families_are_a_hundred():
    """A share is a percentage: what the tables call a realistic mix can be read off it."""
    assert 100 == sum(family.share for family in families("1"))
