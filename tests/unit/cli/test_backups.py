"""A store comes back from its backup whole and verified, or what is there stays as it is."""

import asyncio
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import apsw
import pytest
from pyrage import x25519

from registrary.core.client import Client
from registrary.core.events import Tag
from registrary.wiring.adapters import Vault
from registrary.wiring.carrying.backup_file import DATABASE, KEYS, MANIFEST
from registrary.wiring.carrying.places import open_place
from tests.unit.cli.kit import Office, an_office, run

pytestmark = pytest.mark.only_on("sqlite", because="a backup of it holds its file")


def clients_of(office: Office) -> list[str]:
    """Return the ids of the clients in a store."""

    async def act(vault: Vault) -> list[str]:
        page = await vault.store.page(Client, office.issuer_id)
        return [client.client_id for client in page.records]

    return office.do(act)


def events_of(office: Office) -> list[str]:
    """Return the kinds of the events in a store."""

    async def act(vault: Vault) -> list[str]:
        events = await vault.store.recent_events(office.issuer_id, limit=100)
        return [json.loads(event.body or b"{}")["tag"] for event in events]

    return office.do(act)


def members_of(backup: Path) -> dict[str, bytes]:
    """Unpack a backup as any program can."""
    with tarfile.open(backup) as archive:
        return {
            member.name: (archive.extractfile(member) or io.BytesIO()).read()
            for member in archive.getmembers()
        }


def repacked(backup: Path, members: dict[str, bytes]) -> None:
    """Write *members* in place of what was in a backup."""
    with tarfile.open(backup, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def honest(members: dict[str, bytes]) -> dict[str, bytes]:
    """Make the manifest of *members* speak of them as they are now."""
    manifest = json.loads(members[MANIFEST])
    manifest["files"] = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
        if name != MANIFEST
    }
    return members | {MANIFEST: json.dumps(manifest).encode()}


@pytest.fixture
def backup(office: Office, tmp_path: Path) -> Path:
    """Make a backup with keys of a store with two clients."""
    office.add_client()
    office.add_client()
    office.sequence()
    assert 0 == office.run("backup", str(tmp_path / "backup"), "--with-keys").code
    return tmp_path / "backup"


def restored(folder: Path, backup: Path, *options: str) -> tuple[Office, Any]:
    """Restore *backup* in *folder* and return the store, and what the command showed."""
    office = Office(folder)
    done = office.run("restore", str(backup), "--json", *options)
    assert (0, "") == (done.code, done.err)
    return office, done.shown


def test_a_restored_store_is_the_one_that_was_backed_up(office, backup, tmp_path):
    """A machine burns, and every client still gets its tokens."""
    there, shown = restored(tmp_path / "new", backup)

    assert clients_of(office) == clients_of(there)
    assert office.key_file.read_bytes() == there.key_file.read_bytes()
    assert ("restored", [], ["https://id.example"]) == (
        shown["keys"],
        shown["kept"],
        shown["issuers"],
    )


def test_a_restoring_is_written_into_the_log(backup, tmp_path):
    """An auditor sees that what came after the backup is missing, and from which backup it is."""
    there, _ = restored(tmp_path / "new", backup)

    there.sequence()

    assert Tag.STORE_RESTORED.value in events_of(there)
    assert there.run("audit", "verify", "--json").shown["sound"]


def test_files_of_backup_and_store_are_for_their_owner_alone(backup, tmp_path):
    """A backup holds every secret that the store holds."""
    there, _ = restored(tmp_path / "new", backup)

    modes = [path.stat().st_mode & 0o777 for path in (backup, there.path, there.key_file)]

    assert [0o600] * 3 == modes


def test_nothing_is_left_lying_about(backup, tmp_path):
    """What is half made or half unpacked holds secrets too."""
    restored(tmp_path / "new", backup)

    there = sorted(path.name for path in tmp_path.iterdir())
    new = sorted(path.name for path in (tmp_path / "new").iterdir())

    assert ["backup", "new", "office"] == there
    assert {"registrary.db", "registrary.db.keys"} <= set(new)
    assert [] == [name for name in new if name.startswith(".")]


def test_any_tar_program_unpacks_a_backup(backup):
    """A backup that only one program reads is lost with that program."""
    members = members_of(backup)

    manifest = json.loads(members[MANIFEST])

    assert [MANIFEST, DATABASE, KEYS] == list(members)
    assert b"SQLite format 3\0" == members[DATABASE][:16]
    assert "registrary-backup/1" == manifest["format"]
    assert hashlib.sha256(members[DATABASE]).hexdigest() == manifest["files"][DATABASE]["sha256"]


def test_keys_are_only_in_the_backup_when_they_were_asked_for(office, tmp_path):
    """Store and keys in one place are one theft."""
    done = office.run("backup", str(tmp_path / "backup"))

    assert [MANIFEST, DATABASE] == list(members_of(tmp_path / "backup"))
    assert "The key file is not in it" in done.out
    assert b"SQLite" not in office.key_file.read_bytes()
    peppers = json.loads(office.key_file.read_bytes())["peppers"]
    assert peppers[0]["key"].encode() not in (tmp_path / "backup").read_bytes()


def test_a_restore_without_keys_says_where_they_belong(office, tmp_path):
    """The store is worth nothing until its key file is back."""
    office.run("backup", str(tmp_path / "backup"))
    there = Office(tmp_path / "new")

    done = there.run("restore", str(tmp_path / "backup"))

    assert 0 == done.code
    assert f"Put the key file of the store at {there.key_file}" in done.out


def test_keys_that_were_put_there_before_are_used(office, tmp_path):
    """They come from another place than the backup, and stay as they are."""
    office.run("backup", str(tmp_path / "backup"))
    (tmp_path / "new").mkdir()
    there = Office(tmp_path / "new")
    there.key_file.touch(mode=0o600)
    there.key_file.write_bytes(office.key_file.read_bytes())

    _, shown = restored(there.folder, tmp_path / "backup")

    assert "present" == shown["keys"]


def test_keys_of_another_store_are_noticed(office, tmp_path):
    """With them no secret of the restored store could be checked, and nothing would say why."""
    office.run("backup", str(tmp_path / "backup"))
    other = an_office(tmp_path / "other")
    other.path.unlink()

    done = other.run("restore", str(tmp_path / "backup"), "--force")

    assert 1 == done.code
    assert "lacks keys" in done.err
    assert not other.path.exists()


def test_a_backup_replaces_no_file(office, tmp_path):
    """Yesterday's backup outlives today's mistake."""
    (tmp_path / "backup").write_text("yesterday")

    done = office.run("backup", str(tmp_path / "backup"))

    assert (1, "yesterday") == (done.code, (tmp_path / "backup").read_text())
    assert "exists" in done.err


def test_a_store_is_only_replaced_by_force(office, backup):
    """A mistyped path must not end the store of another server."""
    later = office.add_client()

    done = office.run("restore", str(backup))

    assert 1 == done.code
    assert "--force" in done.err
    assert later.client_id in clients_of(office)


def test_a_replaced_store_is_kept_beside(office, backup):
    """Whoever restored the wrong backup can go back."""
    later = office.add_client()

    _, shown = restored(office.folder, backup, "--force")

    (kept,) = shown["kept"]
    assert later.client_id not in clients_of(office)
    Path(kept).replace(office.path)
    assert later.client_id in clients_of(office)


def test_what_a_killed_server_left_does_not_flow_into_the_restored_store(office, backup):
    """SQLite reads a write-ahead log into whatever file stands beside it."""
    with_log = apsw.Connection(str(office.path))
    with_log.execute("PRAGMA journal_mode = wal; CREATE TABLE intruder (x)")
    wal = (office.path.with_name("registrary.db-wal")).read_bytes()
    with_log.close()
    office.path.unlink()
    office.path.with_name("registrary.db-wal").write_bytes(wal)

    restored(office.folder, backup)

    check = apsw.Connection(str(office.path))
    assert [] == check.execute("SELECT 1 FROM sqlite_schema WHERE name = 'intruder'").fetchall()
    check.close()


def test_a_store_in_use_is_not_replaced(office, backup):
    """A running server would go on writing to a file that has no name any more."""
    user = apsw.Connection(str(office.path))
    user.execute("PRAGMA journal_mode = wal; SELECT count(*) FROM client").fetchall()

    done = office.run("restore", str(backup), "--force")

    user.close()
    assert 1 == done.code
    assert "stop the server first" in done.err


def test_a_damaged_store_can_be_replaced(office, backup):
    """This is what backups are for."""
    office.path.write_bytes(b"\0" * 8192 + os.urandom(8192))

    assert 1 == office.run("restore", str(backup)).code
    restored(office.folder, backup, "--force")

    assert 2 == len(clients_of(office))


def test_an_empty_store_is_replaced_without_force(backup, tmp_path):
    """Whoever ran `migrate` first has nothing to lose."""
    there = Office(tmp_path / "new")
    assert 0 == there.run("migrate").code
    fresh_keys = there.key_file.read_bytes()

    _, shown = restored(there.folder, backup)

    assert 2 == len(clients_of(there))
    assert [fresh_keys] == [Path(kept).read_bytes() for kept in shown["kept"]]


def flipped(content: bytes, place: int) -> bytes:
    """Return *content* with one bit changed."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: flipped(whole, len(whole) // 2),
        lambda whole: flipped(whole, 520),
        lambda _: b"",
        lambda _: b"Dear Sir or Madam",
    ],
    ids=["cut-off", "one-bit", "manifest", "empty", "letter"],
)
def test_a_damaged_backup_replaces_nothing(office, backup, spoil):
    """A disk that forgot a bit must not cost the store that still works."""
    backup.write_bytes(spoil(backup.read_bytes()))
    before = clients_of(office)

    done = office.run("restore", str(backup), "--force")

    assert 1 == done.code
    assert done.err.startswith("registrary: ")
    assert before == clients_of(office)


def test_a_log_that_was_rewritten_is_not_restored(backup, tmp_path):
    """Who changes a backup can mend its digests, but not sign the log anew."""
    members = members_of(backup)
    (tmp_path / "spoilt.db").write_bytes(members[DATABASE])
    spoilt = apsw.Connection(str(tmp_path / "spoilt.db"))
    spoilt.execute(
        "DROP TRIGGER event_is_only_erased;"
        "UPDATE event SET body = replace(body, '192.0.2.1', '192.0.2.9')"
    )
    spoilt.close()
    repacked(backup, honest(members | {DATABASE: (tmp_path / "spoilt.db").read_bytes()}))
    there = Office(tmp_path / "new")

    done = there.run("restore", str(backup))

    assert 1 == done.code
    assert "the audit log of https://id.example in the backup is damaged" in done.err
    assert not there.path.exists()


@pytest.mark.parametrize(
    "names",
    [(DATABASE, MANIFEST), (MANIFEST, "../../etc/passwd"), (MANIFEST, KEYS, DATABASE)],
    ids=["no-manifest-first", "a-path", "wrong-order"],
)
def test_an_archive_of_another_form_is_refused(backup, tmp_path, names):
    """Names in an archive never become paths."""
    members = members_of(backup)
    repacked(backup, {name: members.get(name, b"x") for name in names})

    done = Office(tmp_path / "new").run("restore", str(backup))

    assert 1 == done.code
    assert "is not where a backup has it" in done.err


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_command_without_a_store_is_wrong_usage(command, tmp_path):
    """A script tells a typing error from a failure."""
    (tmp_path / "file").touch()

    assert 2 == run(command, str(tmp_path / "other")).code


def test_a_store_that_is_not_there_cannot_be_backed_up(tmp_path):
    """A nightly job with a wrong path must not report success."""
    done = Office(tmp_path / "nowhere").run("backup", str(tmp_path / "backup"))

    assert 1 == done.code
    assert "there is no store" in done.err


def test_an_encrypted_backup_is_restored_by_who_has_the_key(office, tmp_path):
    """It lies on somebody else's machine, keys and all, and says nothing there."""
    key = x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{key}\n")
    office.add_client()
    done = office.run(
        "backup", str(tmp_path / "locked"), "--with-keys", "--encrypt-to", str(key.to_public())
    )

    closed = Office(tmp_path / "new").run("restore", str(tmp_path / "locked"))
    there, _ = restored(tmp_path / "new", tmp_path / "locked", "--identity", str(tmp_path / "key"))

    assert 0 == done.code
    assert b"SQLite" not in (tmp_path / "locked").read_bytes()
    assert (1, True) == (closed.code, "--identity names" in closed.err)
    assert clients_of(office) == clients_of(there)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_encrypted_backup_replaces_nothing(office, tmp_path, place):
    """Who cannot read it cannot change it unseen either."""
    key = x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{key}\n")
    locked = tmp_path / "locked"
    office.run("backup", str(locked), "--with-keys", "--encrypt-to", str(key.to_public()))
    whole = locked.read_bytes()
    locked.write_bytes(flipped(whole, int(len(whole) * place)))

    done = Office(tmp_path / "new").run("restore", str(locked), "--identity", str(tmp_path / "key"))

    assert 1 == done.code
    assert "damaged" in done.err
    assert not (tmp_path / "new" / "registrary.db").exists()


@pytest.mark.parametrize("command", ["backup", "export"])
def test_the_half_of_an_import_is_not_backed_up(office, tmp_path, command):
    """A backup of it would be restored one day, and nobody would know what is missing."""

    async def mark() -> None:
        async with open_place(office.settings, create=False) as place:
            await place.archive.set_mark(7)

    asyncio.run(mark())

    done = office.run(command, str(tmp_path / "file"))

    assert 1 == done.code
    assert "half of an unfinished import" in done.err
    assert not (tmp_path / "file").exists()
