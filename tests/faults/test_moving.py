"""Whatever happens to a move or an export: there is all of a store, or none that counts."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from registrary.core.changes import NO_LIMIT, Changes, Consume, Put
from registrary.core.client import Client
from registrary.registrar.issuers import issuer_id
from registrary.testing.factories import a_client, an_event, full_metadata
from registrary.testing.server import RunStores, environment, free_port, running_server
from registrary.testing.stores import opened
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import ISSUER_URL, Office, an_office

MOVER = Path(__file__).with_name("mover.py")
CLIENTS = 2500  # some pages of a thousand rows
COUNTER = "registered"
SMALL_BYTES = 200_000  # a disk on which an export does not fit

on_postgres = pytest.mark.only_on("postgres", because="it is where stores move to")


def registered(issuer: str, count: int) -> Changes:
    """Return the writing of so many clients, each with its event, all of them counted."""
    clients = [a_client(issuer=issuer, metadata=full_metadata()) for _ in range(count)]
    return Changes(
        puts=tuple(Put(client) for client in clients),
        events=tuple(an_event(issuer=issuer, client_id=client.client_id) for client in clients),
        consumptions=(Consume(issuer, COUNTER, NO_LIMIT, count),),
    )


def grow(office: Office, count: int) -> None:
    """Let so many clients register."""

    async def act(vault: Vault) -> None:
        await vault.store.commit(registered(office.issuer_id, count))

    office.do(act)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make a store in a file that does not move in the twinkling of an eye."""
    office = an_office(tmp_path_factory.mktemp("source"))
    grow(office, CLIENTS)
    office.sequence()
    return office


@pytest.fixture
def target(tmp_path: Path, stores: RunStores) -> Iterator[Office]:
    """Return an empty store in PostgreSQL."""
    yield Office(tmp_path / "target", stores)
    stores.drop(tmp_path / "target")


def body_of(office: Office, path: Path) -> list[bytes]:
    """Export all of a store and return the lines that do not say when that was."""
    done = office.run("export", str(path), "--with-keys")
    assert (0, "") == (done.code, done.err)
    return path.read_bytes().splitlines()[1:-1]


def killed(source: Office, target: Office, *place: str) -> int:
    """Move a store and die at that place; return how the process ended."""
    urls = (str(source.settings.store), str(target.settings.store))
    command = [sys.executable, str(MOVER), *urls, *place]
    return subprocess.run(command, env=environment(), check=False).returncode


@on_postgres
@pytest.mark.parametrize(
    "place",
    [("copying", "1"), ("copying", "2000"), ("copying", "5000"), ("comparing", "3000")],
    ids=["first-rows", "clients", "events", "comparing"],
)
def test_a_move_that_was_killed_goes_on(source, target, tmp_path, place):
    """The machine goes down at night; nobody serves the half of a store in the morning."""
    end = killed(source, target, *place)

    half = target.run("client", "list", "--json")
    done = target.run("move", "--from", str(source.settings.store), "--json")

    assert -signal.SIGKILL == end
    assert 1 == half.code
    assert "was not finished" in half.err
    assert (0, "") == (done.code, done.err)
    assert body_of(source, tmp_path / "before") == body_of(target, tmp_path / "after")
    verdicts = [one.run("audit", "verify", "--json").shown for one in (source, target)]
    assert verdicts[0] == verdicts[1]


@on_postgres
def test_a_source_that_was_served_between_two_tries_is_refused(tmp_path, target):
    """Two moments of one store must not be mixed."""
    source = an_office(tmp_path / "source")
    grow(source, 10)
    source.sequence()
    assert -signal.SIGKILL == killed(source, target, "copying", "1")
    grow(source, 1)

    done = target.run("move", "--from", str(source.settings.store))

    assert 1 == done.code
    assert "its source was changed since" in done.err
    assert "was not finished" in target.run("client", "list").err


def test_a_move_into_a_file_that_was_killed_goes_on_too(source, tmp_path):
    """What was written is not written again, and nothing is left out."""
    there = Office(tmp_path / "there")
    assert -signal.SIGKILL == killed(source, there, "copying", "2000")

    half = there.run("client", "list")
    done = there.run("move", "--from", str(source.settings.store))

    assert "was not finished" in half.err
    assert (0, "") == (done.code, done.err)
    assert body_of(source, tmp_path / "before") == body_of(there, tmp_path / "after")


@on_postgres
def test_secrets_and_tokens_are_good_after_the_move(tmp_path, stores):
    """No client notices anything."""
    port, folder = free_port(), tmp_path / "there"
    document = {
        "redirect_uris": ["https://client.example/cb"],
        "grant_types": ["client_credentials"],
    }
    with running_server(tmp_path / "here", port=port) as before:
        client = httpx2.post(f"{before.url}/register", json=document).json()
        token = httpx2.post(f"{before.url}/token", **asking(client)).json()["access_token"]
    office = Office(folder, stores)

    done = office.run("move", "--from", before.store_url)

    assert (0, "") == (done.code, done.err)
    bearer = {"Authorization": f"Bearer {client['registration_access_token']}"}
    with running_server(folder, port=port, stores=stores) as after:
        read = httpx2.get(client["registration_client_uri"], headers=bearer)
        asked = httpx2.post(f"{after.url}/token", **asking(client))
        inspected = httpx2.post(f"{after.url}/introspect", **asking(client, token=token))
    assert [200, 200, True] == [read.status_code, asked.status_code, inspected.json()["active"]]


def asking(client, **members):
    """Return a request of a client at an endpoint that asks for its secret."""
    form = members or {"grant_type": "client_credentials"}
    return {"data": form, "auth": (client["client_id"], client["client_secret"])}


def test_a_full_disk_leaves_no_file_that_looks_whole(office, tmp_path):
    """Tonight's export failed, and does not pretend to be there."""
    grow(office, 300)
    limited = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({SMALL_BYTES},) * 2);"
        "from registrary.cli.main import main; main()"
    )
    for command in ("export", "backup"):
        target = tmp_path / f"{command}.file"
        arguments = [command, str(target), "--store", str(office.settings.store)]

        done = subprocess.run(
            [sys.executable, "-c", limited, *arguments],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

        assert 1 == done.returncode
        assert done.stderr.startswith("registrary: ")
    assert [] == [path.name for path in tmp_path.iterdir() if ".file" in path.name]


def test_an_export_is_of_one_moment(office, tmp_path):
    """A client is in it with its event and counted, or not at all, whatever goes on meanwhile."""
    with writing(office):
        for number in range(3):
            path = tmp_path / str(number)
            body_of(office, path)

            names = [next(iter(json.loads(line))) for line in path.read_bytes().splitlines()]
            counters = [
                value["counter"]
                for line in path.read_bytes().splitlines()
                if "counter" in (value := json.loads(line))
            ]
            (count,) = [one["used"] for one in counters if one["name"] == COUNTER]
            assert count == names.count("client")


@contextmanager
def writing(office: Office) -> Iterator[None]:
    """Let clients register all the time, in another thread."""
    stop, started = threading.Event(), threading.Event()

    async def write() -> None:
        async with opened(str(office.settings.store)) as store:
            while not stop.is_set():
                await store.commit(registered(issuer_id(ISSUER_URL), 3))
                started.set()

    thread = threading.Thread(target=lambda: asyncio.run(write()))
    thread.start()
    started.wait(30)
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert clients_in(office) > 0


def clients_in(office: Office) -> int:
    """Return how many clients a store has, up to a page."""

    async def act(vault: Vault) -> int:
        page = await vault.store.page(Client, office.issuer_id)
        return len(page.records)

    return office.do(act)


@pytest.fixture
def office(tmp_path: Path, stores: RunStores) -> Iterator[Office]:
    """Return a store with an issuer and nobody registered."""
    yield an_office(tmp_path / "office", stores)
    stores.drop(tmp_path / "office")
