"""A store moves from one database to another with all that is in it, or does not move."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Tag
from registrary.testing.backend_contract import ONE_OF_EACH_KIND
from registrary.testing.server import SQLITE, RunStores
from registrary.wiring.adapters import Vault
from registrary.wiring.carrying.places import open_place
from tests.unit.cli.kit import Done, Office, an_office

pytestmark = pytest.mark.only_on("postgres", because="it is where stores move to")


@pytest.fixture(scope="module")
def first_file(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make a store in a file, with a record of each kind and clients in its log."""
    office = an_office(tmp_path_factory.mktemp("file"))

    async def act(vault: Vault) -> None:
        records = [one for one in ONE_OF_EACH_KIND if one.kind not in ("issuer", "signing_key")]
        await vault.store.commit(Changes(puts=tuple(Put(record) for record in records)))

    office.do(act)
    office.add_client()
    office.sequence()
    office.add_client()  # its event waits
    return office


@pytest.fixture
def file(first_file: Office, tmp_path: Path) -> Office:
    """Return a copy of that store that a test may change."""
    SQLITE.copy(first_file.folder, tmp_path / "file")
    return Office(tmp_path / "file")


@pytest.fixture
def database(tmp_path: Path, stores: RunStores) -> Iterator[Office]:
    """Return an empty store in PostgreSQL."""
    yield Office(tmp_path / "database", stores)
    stores.drop(tmp_path / "database")


@pytest.fixture
def other_database(tmp_path: Path, stores: RunStores) -> Iterator[Office]:
    """Return another empty store in PostgreSQL."""
    yield Office(tmp_path / "other", stores)
    stores.drop(tmp_path / "other")


def moved(source: Office, target: Office, *options: str) -> Done:
    """Move one store into another."""
    return target.run("move", "--from", str(source.settings.store), "--json", *options)


def body_of(office: Office, path: Path) -> list[bytes]:
    """Export all of a store and return the lines that do not say when that was."""
    done = office.run("export", str(path), "--with-keys")
    assert (0, "") == (done.code, done.err)
    return path.read_bytes().splitlines()[1:-1]


def tags_of(office: Office) -> list[str]:
    """Return the kinds of the events in a store."""

    async def act(vault: Vault) -> list[str]:
        events = await vault.store.recent_events(office.issuer_id, limit=100)
        return [json.loads(event.body or b"{}")["tag"] for event in events]

    return office.do(act)


def test_a_moved_store_is_the_one_it_was(file, database, tmp_path):
    """Every record, every event and the keys, to the last byte."""
    before = file.run("audit", "verify", "--json").shown

    done = moved(file, database)

    assert (0, "") == (done.code, done.err)
    assert body_of(file, tmp_path / "before") == body_of(database, tmp_path / "after")
    assert before == database.run("audit", "verify", "--json").shown
    assert [before["root"]] == [log["root"] for log in done.shown["logs"]]


def test_a_store_that_moves_there_and_back_is_the_one_it_was(file, database, tmp_path):
    """Nobody is kept in a database by the way into it."""
    assert 0 == moved(file, database).code
    back = Office(tmp_path / "back")

    done = moved(database, back)

    assert (0, "") == (done.code, done.err)
    assert body_of(file, tmp_path / "before") == body_of(back, tmp_path / "after")
    assert file.key_file.read_bytes() == back.key_file.read_bytes()


def test_the_source_stays_as_it_is(file, database, tmp_path):
    """Whoever changes their mind starts the old server again."""
    before = body_of(file, tmp_path / "before")

    moved(file, database)

    assert before == body_of(file, tmp_path / "after")
    file.add_client()


def test_a_store_that_holds_something_is_not_filled(file, database):
    """Two stores cannot be poured together."""
    assert 0 == moved(file, database).code
    file.add_client()

    done = moved(file, database)

    assert 1 == done.code
    assert "only an empty store is filled" in done.err


def test_a_store_in_use_does_not_move(file, database):
    """What a server acknowledged meanwhile would be lost."""

    async def act(vault: Vault) -> Done:
        await vault.store.issuers()
        return await asyncio.to_thread(moved, file, database)

    done = file.do(act)

    assert 1 == done.code
    assert "stop the server first" in done.err


def test_a_store_does_not_move_into_itself(file):
    """A typing error must not cost the store."""
    done = moved(file, file)

    assert 2 == done.code
    assert "one and the same" in done.err


def test_a_store_without_its_keys_does_not_move(file, database):
    """It would arrive as something that opens nothing."""
    file.key_file.unlink()

    done = moved(file, database)

    assert 1 == done.code
    assert "is missing" in done.err


def test_a_changed_source_is_not_poured_over_the_half_of_its_former_self(file, database):
    """Between two tries somebody started the old server, and it took registrations."""

    async def leave_a_half() -> None:
        async with open_place(database.settings, create=True) as place:
            await place.archive.set_mark(7)

    asyncio.run(leave_a_half())

    done = moved(file, database)

    assert 1 == done.code
    assert "its source was changed since" in done.err


def test_an_export_of_a_file_is_imported_into_a_database(file, database, tmp_path):
    """The way for those who cannot reach both at once."""
    assert 0 == file.run("export", str(tmp_path / "export"), "--with-keys").code

    done = database.run("import", str(tmp_path / "export"), "--json")

    assert (0, "") == (done.code, done.err)
    assert body_of(file, tmp_path / "before") == body_of(database, tmp_path / "after")


@pytest.mark.parametrize("options", [(), ("--with-keys",)], ids=["sealed", "plain"])
def test_a_database_comes_back_from_its_backup(file, database, other_database, tmp_path, options):
    """Its keys come with it: sealed, they are no use to who has the backup alone."""
    moved(file, database)
    made = database.run("backup", str(tmp_path / "backup"), "--json", *options)

    done = other_database.run("restore", str(tmp_path / "backup"), "--json")

    assert [(0, ""), (0, "")] == [(one.code, one.err) for one in (made, done)]
    assert bool(options) == made.shown["with_keys"]
    assert "restored" == done.shown["keys"]
    assert [Tag.STORE_RESTORED.value, *tags_of(database)] == tags_of(other_database)
    other_database.sequence()
    assert other_database.run("audit", "verify", "--json").shown["sound"]


def test_a_backup_of_a_database_shows_no_key(file, database, tmp_path):
    """Whoever takes the backup still needs the key that is not in the database."""
    moved(file, database)
    peppers = json.loads(file.key_file.read_bytes())["peppers"]

    done = database.run("backup", str(tmp_path / "backup"))

    assert "keep a copy of keys.encryption_key" in done.out
    assert peppers[0]["key"].encode() not in (tmp_path / "backup").read_bytes()
    assert b'{"keys":{"plain":null,"sealed":"' in (tmp_path / "backup").read_bytes()


def test_a_database_in_use_is_not_restored_over(file, database, tmp_path):
    """A mistyped URL must not end the store of another server."""
    moved(file, database)
    database.run("backup", str(tmp_path / "backup"))

    done = [
        database.run("restore", str(tmp_path / "backup"), *options)
        for options in ((), ("--force",))
    ]

    assert [1, 1] == [one.code for one in done]
    assert "only an empty store" in done[0].err
    assert "restore into a database that is empty" in done[1].err


def test_a_backup_of_a_file_is_not_taken_for_one_of_a_database(file, database, tmp_path):
    """The operator is told, not a parser."""
    file.run("backup", str(tmp_path / "backup"))

    done = database.run("restore", str(tmp_path / "backup"))

    assert 1 == done.code
    assert "no export of a store" in done.err


def test_a_backup_of_a_database_is_not_taken_for_one_of_a_file(file, database, tmp_path):
    """It says which command reads it."""
    moved(file, database)
    database.run("backup", str(tmp_path / "backup"))

    done = Office(tmp_path / "new").run("restore", str(tmp_path / "backup"))

    assert 1 == done.code
    assert "registrary import" in done.err
