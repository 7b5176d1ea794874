"""A single bit that flips in the kept log is found, wherever it is, and by one command."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from registrary.audit.faults import FaultKind, Verdict
from registrary.core.changes import Changes, Put
from registrary.keys.local import key_file_of
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite
from registrary.testing.factories import an_event, an_issuer
from registrary.testing.server import command, environment, running_server
from registrary.wiring.log_reading import verify_kept_log
from tests.faults.outage import ADMIN, DOCUMENT, SERVICE, verdict_on
from tests.faults.pages import bytes_of

pytestmark = pytest.mark.anyio

# More are asked for by name where there is time.
FLIPS = int(os.environ.get("BIT_FLIPS", "12"))  # of each column, and of each tree of pages
LIVES = 90  # clients, each of which leaves several events
COLUMNS = {
    "event": [
        "sequence",
        "issuer",
        "event_id",
        "time",
        "client_id",
        "body",
        "salt",
        "leaf_hash",
    ],
    "event_log": ["issuer", "number", "size"],
    "tile": ["issuer", "level", "number", "hashes"],
    "checkpoint": ["issuer", "size", "note"],
}
INDEXES = [
    "event_by_id",
    "event_by_client",
    "sqlite_autoindex_event_log_1",
    "sqlite_autoindex_event_log_2",
    "sqlite_autoindex_tile_1",
    "sqlite_autoindex_checkpoint_1",
]


def live(http: httpx2.Client) -> None:
    """Let one client do, and suffer, what leaves events of every kind."""
    client = http.post("/register", json=DOCUMENT | SERVICE).json()
    path = f"/register/{client['client_id']}"
    own = {"authorization": f"Bearer {client['registration_access_token']}"}
    document = DOCUMENT | SERVICE | {"client_id": client["client_id"], "client_name": "Ein Ø"}
    basic = (client["client_id"], client["client_secret"])
    http.put(f"{path}?rotate=client_secret", json=document, headers=own)
    http.put(path, json={"client_id": "another"}, headers=own)
    token = http.post("/token", data={"grant_type": "client_credentials"}, auth=basic).json()
    http.post("/revoke", data={"token": token["access_token"]}, auth=basic)
    http.post(f"/api/v1/clients/{client['client_id']}/holds", json={"reason": "x"}, headers=ADMIN)
    http.delete(path, headers=own)
    http.delete(f"/api/v1/clients/{client['client_id']}", headers=ADMIN)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of two server processes after load, of which nobody uses it any more."""
    with running_server(tmp_path_factory.mktemp("kept"), "--workers", "2") as server:
        with (
            httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as http,
            ThreadPoolExecutor(8) as pool,
        ):
            list(pool.map(live, [http] * LIVES))
        during = verdict_on(server)
    after = verdict_on(server)

    assert [] == during["faults"]
    assert [] == after["faults"]
    assert after["events"] == after["signed_size"] > 256
    with closing(apsw.Connection(str(server.store))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return server.store


async def verdict(store: Path) -> Verdict | StoreUnavailable:
    """Return what a verification of *store* says."""
    log = SqliteStore(store)
    try:
        (issuer,) = await log.issuers()
        return await verify_kept_log(log, issuer)
    except StoreUnavailable as error:
        return error
    finally:
        await log.close()


def is_found(said: Verdict | StoreUnavailable) -> bool:
    """Tell whether a verification said that something is wrong."""
    return isinstance(said, StoreUnavailable) or not said.is_sound


def flipped(octets: bytes, bit: int) -> bytes:
    """Return *octets* with one bit the other way."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@contextmanager
def without_rules(store: Path) -> Iterator[apsw.Connection]:
    """Open *store* as who owns it can; the rules that keep rows final are back on leaving."""
    with closing(apsw.Connection(str(store))) as connection:
        rules: Any = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in rules:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in rules:
            connection.execute(sql)


def flip_in_row(store: Path, place: tuple[str, str], chance: random.Random) -> bool:
    """Flip a bit of some row; False where even without rules no row can be so."""
    table, column = place
    wanted = f"rowid, typeof({column}), {column}, CAST({column} AS BLOB)"
    with without_rules(store) as connection:
        rows: Any = connection.execute(
            f"SELECT {wanted} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608 - names of ours
        ).fetchall()
        row, kind, value, octets = chance.choice(rows)
        if kind == "integer":
            new, bound = value ^ (1 << chance.randrange(63)), "?"
        else:
            new = flipped(octets, chance.randrange(len(octets) * 8))
            bound = "CAST(? AS TEXT)" if kind == "text" else "?"
        change = f"UPDATE {table} SET {column} = {bound} WHERE rowid = ?"  # noqa: S608 - as above
        try:
            connection.execute(change, (new, row))
        except apsw.ConstraintError:
            return False
    return True


@pytest.mark.parametrize(
    "place",
    [(table, column) for table, columns in COLUMNS.items() for column in columns],
    ids=".".join,
)
async def test_a_flipped_bit_in_a_column_is_found(
    kept: Path, tmp_path: Path, place: tuple[str, str]
) -> None:
    """Whoever can write to the database cannot change one bit of what happened unseen."""
    chance = random.Random(".".join(place))
    store = tmp_path / "flipped.db"

    unseen = 0
    for _ in range(FLIPS):
        shutil.copy(kept, store)
        if flip_in_row(store, place, chance) and not is_found(await verdict(store)):
            unseen += 1

    assert 0 == unseen


def test_every_column_of_the_log_is_tried(kept: Path) -> None:
    """A column that is added comes with the proof that it is watched."""
    with closing(apsw.Connection(str(kept))) as connection:
        found = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]
            for table in COLUMNS
        }
        indexes: Any = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN (?, ?, ?, ?)",
            tuple(COLUMNS),
        ).fetchall()

    assert COLUMNS == found
    assert {(name,) for name in INDEXES} == set(indexes)


def octets_of(store: Path) -> bytes:
    """Return the file *store*."""
    return store.read_bytes()


def write_octets(store: Path, octets: bytes) -> None:
    """Make *octets* the file *store*, which has no log beside it."""
    for ending in ("-wal", "-shm"):
        store.with_name(store.name + ending).unlink(missing_ok=True)
    store.write_bytes(octets)


def content(store: Path) -> list[Any]:
    """Return every row of the log, read by its table and by each of its indexes."""
    with closing(apsw.Connection(str(store))) as connection:
        return [
            connection.execute(sql).fetchall()
            for sql in (
                "SELECT * FROM event NOT INDEXED",
                "SELECT * FROM event INDEXED BY event_by_id ORDER BY issuer, event_id",
                "SELECT * FROM event INDEXED BY event_by_client WHERE client_id IS NOT NULL",
                "SELECT * FROM event_log NOT INDEXED",
                "SELECT * FROM tile NOT INDEXED",
                "SELECT * FROM tile ORDER BY issuer, level, number",
                "SELECT * FROM checkpoint NOT INDEXED",
                "SELECT * FROM checkpoint ORDER BY issuer, size",
            )
        ]


@pytest.mark.parametrize("tree", [*COLUMNS, *INDEXES])
async def test_a_flipped_bit_of_the_disk_is_found_or_was_of_nothing(
    kept: Path, tmp_path: Path, tree: str
) -> None:
    """A disk flips bits without asking SQLite: in rows, and in what finds them.

    Every bit of a page that belongs to something is found; one between things changes no answer.
    """
    chance = random.Random(tree)
    places, octets, before = bytes_of(kept, tree), octets_of(kept), content(kept)
    store = tmp_path / "flipped.db"

    async def is_unseen(offset: int) -> bool:
        write_octets(store, flipped(octets, offset * 8 + chance.randrange(8)))
        return not is_found(await verdict(store))

    used = [place.offset for place in places if place.is_used]
    unused = [place.offset for place in places if not place.is_used]
    unseen = [each for each in chance.choices(used, k=FLIPS) if await is_unseen(each)]
    changing = [
        each
        for each in chance.choices(unused, k=FLIPS // 4)
        if await is_unseen(each) and content(store) != before
    ]

    assert [] == unseen
    assert [] == changing


@pytest.mark.parametrize("column", ["issuer", "event_id", "time", "client_id", "body", "salt"])
async def test_a_flipped_bit_in_an_event_that_waits_is_found(tmp_path: Path, column: str) -> None:
    """Between its commit and its index an event is proved by its hash alone."""
    path, chance = tmp_path / "store.db", random.Random(column)
    store = open_sqlite(path)
    events = tuple(an_event(client_id="c", time=datetime.now(UTC)) for _ in range(3))
    await store.commit(Changes(puts=(Put(an_issuer()),), events=events))
    await store.close()
    assert not is_found(await verdict(path))

    assert flip_in_row(path, ("event", column), chance)

    assert is_found(await verdict(path))


RULES = ["event_stays", "event_is_only_erased", "checkpoint_is_final", "event_log_grows"]


@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_that_was_taken_away_is_told(kept: Path, tmp_path: Path, rule: str) -> None:
    """What keeps rows final must be there before anything happens to them."""
    store = tmp_path / "ruleless.db"
    shutil.copy(kept, store)
    with closing(apsw.Connection(str(store))) as connection:
        connection.execute(f"DROP TRIGGER {rule}")

    said = await verdict(store)

    assert isinstance(said, Verdict)
    assert [(FaultKind.STORE, f"{rule} is not as this version made it")] == [
        (fault.kind, fault.sentence) for fault in said.faults
    ]


STRAYS = {
    "event": "UPDATE event SET issuer = 'x' WHERE rowid = (SELECT min(rowid) FROM event)",
    "checkpoint": "UPDATE checkpoint SET issuer = 'x' WHERE rowid = 1",
    "size": "UPDATE checkpoint SET size = size + 1000000 WHERE rowid = 1",
    "tile-beyond": "INSERT INTO tile SELECT issuer, 0, 900, hashes FROM tile WHERE level = 1",
    "tile-of-nobody": "INSERT INTO tile SELECT 'x', 0, 0, hashes FROM tile WHERE level = 1",
}


@pytest.mark.parametrize("sql", STRAYS.values(), ids=STRAYS.keys())
async def test_a_row_that_stands_where_nobody_looks_is_told(
    kept: Path, tmp_path: Path, sql: str
) -> None:
    """Hidden from the lists that people read, an event would be proved all the same."""
    store = tmp_path / "stray.db"
    shutil.copy(kept, store)
    with without_rules(store) as connection:
        connection.execute(sql)

    said = await verdict(store)

    assert isinstance(said, Verdict)
    assert FaultKind.STORE in {fault.kind for fault in said.faults}


def test_the_command_says_so(kept: Path, tmp_path: Path) -> None:
    """An operator's nightly job looks at the exit code, and a person at one line."""
    store = tmp_path / "flipped.db"
    shutil.copy(kept, store)
    shutil.copy(key_file_of(kept), key_file_of(store))
    flip_in_row(store, ("event", "salt"), random.Random(1))

    line = command("audit", "verify", "--json", "--store", f"sqlite:///{store}")
    done = subprocess.run(line, capture_output=True, check=False, env=environment(), timeout=60)

    assert 1 == done.returncode
    (fault,) = json.loads(done.stdout)["faults"]
    assert "does not hash to its leaf" in fault
