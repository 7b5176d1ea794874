"""A store goes into a file and comes out of it whole and verified, or it does not count."""

import json
from pathlib import Path
from typing import Any

import apsw
import pytest
from pyrage import x25519

from registrary.core.changes import Changes, Put
from registrary.testing.backend_contract import ONE_OF_EACH_KIND
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Office, an_office

pytestmark = pytest.mark.only_on("sqlite", because="its keys lie in a file")

MAKING = {"revoked_token", "session", "authorization_grant", "person", "message"}
"""Kinds that the store below must have for these tests to mean anything."""


@pytest.fixture
def full(office: Office) -> Office:
    """Return a store with a record of each kind, and clients whose events are in the log."""

    async def act(vault: Vault) -> None:
        records = [one for one in ONE_OF_EACH_KIND if one.kind not in ("issuer", "signing_key")]
        await vault.store.commit(Changes(puts=tuple(Put(record) for record in records)))

    office.add_client()
    office.add_client()
    office.do(act)
    office.sequence()
    office.add_client()  # its event waits
    return office


@pytest.fixture
def export(full: Office, tmp_path: Path) -> Path:
    """Export that store, keys included."""
    done = full.run("export", str(tmp_path / "export"), "--with-keys")
    assert (0, "") == (done.code, done.err)
    return tmp_path / "export"


def lines_of(path: Path) -> list[tuple[str, Any]]:
    """Return the name and the value of each line of an export."""
    return [next(iter(json.loads(line).items())) for line in path.read_bytes().splitlines()]


def body_of(path: Path) -> list[bytes]:
    """Return all but the first line, which says when it was written."""
    return path.read_bytes().splitlines()[1:-1]


def imported(folder: Path, export: Path, *options: str) -> tuple[Office, Any]:
    """Import *export* into a new store in *folder*; return the store and what was shown."""
    there = Office(folder)
    done = there.run("import", str(export), "--json", *options)
    assert (0, "") == (done.code, done.err)
    return there, done.shown


def test_what_comes_out_is_what_went_in(full, export, tmp_path):
    """Every record, counter, event and checkpoint, to the last byte."""
    there, shown = imported(tmp_path / "new", export)

    assert 0 == there.run("export", str(tmp_path / "again"), "--with-keys").code
    assert {name for name, _ in lines_of(export)} >= MAKING | {"counter", "event", "tile"}
    assert body_of(export) == body_of(tmp_path / "again")
    assert full.key_file.read_bytes() == there.key_file.read_bytes()
    assert len(body_of(export)) - 1 == sum(shown["rows"].values())


def test_the_imported_log_is_the_one_that_was_signed(full, export, tmp_path):
    """Whoever kept a checkpoint of the old store finds it in the new one."""
    before = full.run("audit", "verify", "--json").shown

    there, shown = imported(tmp_path / "new", export)

    after = there.run("audit", "verify", "--json").shown
    assert before["sound"]
    assert before == after
    assert [before["root"]] == [log["root"] for log in shown["logs"]]


def test_the_header_says_what_is_in_it(export):
    """A program can make room before it reads the rest."""
    name, header = lines_of(export)[0]

    assert "header" == name
    assert ("registrary-export/1", "plain", True) == (
        header["format"],
        header["keys"],
        header["credentials"],
    )
    assert ["https://id.example"] == header["issuers"]
    names = [name for name, _ in lines_of(export)]
    assert {kind: names.count(kind) for kind in header["counts"]} == header["counts"]
    assert 4 == header["counts"]["client"]


def test_keys_are_only_in_it_when_they_were_asked_for(full, tmp_path):
    """Store and keys in one place are one theft."""
    done = full.run("export", str(tmp_path / "export"))

    assert "The key file is not in it" in done.out
    assert "keys" not in {name for name, _ in lines_of(tmp_path / "export")}


def test_keys_can_come_from_another_place(full, tmp_path):
    """They were kept apart, as they should be."""
    full.run("export", str(tmp_path / "export"))

    there, _ = imported(tmp_path / "new", tmp_path / "export", "--keys", str(full.key_file))

    assert full.key_file.read_bytes() == there.key_file.read_bytes()


def test_an_import_without_its_keys_is_refused(full, tmp_path):
    """With fresh keys every secret would look wrong, and nothing would say why."""
    full.run("export", str(tmp_path / "export"))
    other = an_office(tmp_path / "other")

    done = Office(tmp_path / "new").run("import", str(tmp_path / "export"))
    wrong = Office(tmp_path / "new").run(
        "import", str(tmp_path / "export"), "--keys", str(other.key_file)
    )

    assert [1, 1] == [done.code, wrong.code]
    assert "the keys are not here" in done.err
    assert "the keys are not here" in wrong.err


def test_a_store_with_something_in_it_is_not_filled(export, tmp_path):
    """Two stores cannot be poured together."""
    other = an_office(tmp_path / "other")

    done = other.run("import", str(export))

    assert 1 == done.code
    assert "only an empty store is filled" in done.err
    assert 0 == other.run("client", "list").code


def test_an_empty_store_gets_the_keys_of_the_import(full, export, tmp_path):
    """Whoever ran `migrate` first has nothing to lose; even so nothing is thrown away."""
    there = Office(tmp_path / "new")
    assert 0 == there.run("migrate").code
    fresh = there.key_file.read_bytes()

    _, shown = imported(there.folder, export)

    assert fresh == Path(shown["kept_keys"]).read_bytes()
    assert full.key_file.read_bytes() == there.key_file.read_bytes()


def test_a_second_import_is_refused(export, tmp_path):
    """What happened since the first one must not be mixed with what was before."""
    there, _ = imported(tmp_path / "new", export)

    assert 1 == there.run("import", str(export)).code


def test_every_part_of_an_export_is_guarded(export, tmp_path):
    """A disk that forgot a bit is told of before anything is written."""
    whole = export.read_bytes()
    starts = [0, *(place + 1 for place, octet in enumerate(whole[:-1]) if octet == 10)]
    ends = [*(start - 1 for start in starts[1:]), len(whole) - 1]
    places = {
        place
        for start, end in zip(starts, ends, strict=True)
        for place in (start, start + 3, (start + end) // 2, end - 1, end)
    }
    there, unnoticed = Office(tmp_path / "new"), []

    for place in sorted(places):
        export.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if there.run("import", str(export)).code != 1:
            unnoticed.append(place)

    assert [] == unnoticed
    assert not there.path.exists()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_an_export_that_was_cut_off_is_refused(export, tmp_path, share):
    """Half of the clients are worse than none: nobody notices."""
    whole = export.read_bytes()
    export.write_bytes(whole[: int(len(whole) * share)])

    done = Office(tmp_path / "new").run("import", str(export))

    assert 1 == done.code
    assert "the export cannot be used, line" in done.err
    assert not (tmp_path / "new" / "registrary.db").exists()


def test_whole_lines_that_are_missing_are_noticed(export, tmp_path):
    """Cutting at a line's end leaves JSON that looks well."""
    lines = export.read_bytes().splitlines(keepends=True)
    for kept in (lines[:-1], lines[:5] + lines[6:], [*lines, lines[-1]], lines[1:]):
        export.write_bytes(b"".join(kept))

        assert 1 == Office(tmp_path / "new").run("import", str(export)).code


@pytest.mark.parametrize(
    "text", [b"", b"Dear Sir or Madam\n", b"{}\n", b"[1]\n", b'{"header":1}\n']
)
def test_another_file_is_refused(tmp_path, text):
    """A typing error is told in words."""
    (tmp_path / "file").write_bytes(text)

    done = Office(tmp_path / "new").run("import", str(tmp_path / "file"))

    assert 1 == done.code
    assert "line 1" in done.err


def test_a_log_that_was_rewritten_is_not_used(full, tmp_path):
    """Who changes an export can mend its digests, but not sign the log anew."""
    spoilt = apsw.Connection(str(full.path))
    spoilt.execute(
        "DROP TRIGGER event_is_only_erased;"
        "UPDATE event SET body = replace(body, '192.0.2.1', '192.0.2.9')"
    )
    spoilt.close()
    assert 0 == full.run("export", str(tmp_path / "export"), "--with-keys").code
    there = Office(tmp_path / "new")

    done = there.run("import", str(tmp_path / "export"))

    assert 1 == done.code
    assert "the audit log of https://id.example is damaged" in done.err
    assert "was not finished" in there.run("client", "list").err


def test_a_damaged_record_is_not_exported(full, tmp_path):
    """An export that cannot be imported is found out when there still is a store."""
    spoilt = apsw.Connection(str(full.path))
    spoilt.execute("UPDATE client SET revision = 7 WHERE revision = 1")
    spoilt.close()

    done = full.run("export", str(tmp_path / "export"))

    assert 1 == done.code
    assert "a record of client in the store is damaged" in done.err
    assert [] == list(tmp_path.glob("export*"))


def test_an_export_is_for_its_owner_alone_and_replaces_nothing(full, export):
    """It holds every secret that the store holds."""
    done = full.run("export", str(export))

    assert 0o600 == export.stat().st_mode & 0o777
    assert 1 == done.code
    assert "exists" in done.err


def test_an_encrypted_export_is_imported_by_who_has_the_key(full, tmp_path):
    """It lies on somebody else's machine until it is needed."""
    key = x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# made today\n{key}\n")
    recipient = str(key.to_public())
    done = full.run("export", str(tmp_path / "export"), "--with-keys", "--encrypt-to", recipient)

    closed = Office(tmp_path / "new").run("import", str(tmp_path / "export"))
    there, _ = imported(tmp_path / "new", tmp_path / "export", "--identity", str(tmp_path / "key"))

    assert 0 == done.code
    assert b"https://id.example" not in (tmp_path / "export").read_bytes()
    assert "--identity names" in closed.err
    assert 0 == there.run("audit", "verify").code


def secrets_in(value: Any) -> list[str]:  # Any: JSON
    """Return the names of members that are digests, sealed secrets or keys, at any depth."""
    if isinstance(value, list):
        return [name for one in value for name in secrets_in(one)]
    if not isinstance(value, dict):
        return []
    secret = {"mac", "password", "one_time_codes", "passkeys", "subject_key"}
    named = [
        name
        for name, content in value.items()
        if content and (name in secret or name.startswith("sealed"))
    ]
    return named + [name for one in value.values() for name in secrets_in(one)]


def test_a_copy_for_tests_opens_nothing(full, tmp_path):
    """Whoever steals the copy can neither sign nor answer as anybody."""
    full.run("export", str(tmp_path / "whole"))

    done = full.run("export", str(tmp_path / "export"), "--without-credentials")

    assert 0 == done.code
    assert [] != [name for _, value in lines_of(tmp_path / "whole") for name in secrets_in(value)]
    assert [] == [name for _, value in lines_of(tmp_path / "export") for name in secrets_in(value)]


def test_a_copy_for_tests_is_a_store(full, tmp_path):
    """It gets keys of its own, and its log is the one that was signed."""
    full.run("export", str(tmp_path / "export"), "--without-credentials")

    there, _ = imported(tmp_path / "new", tmp_path / "export")

    assert full.key_file.read_bytes() != there.key_file.read_bytes()
    assert 3 == len(there.run("client", "list", "--json").shown)
    assert there.run("audit", "verify", "--json").shown["sound"]


def test_keys_and_a_copy_without_credentials_exclude_each_other(full, tmp_path):
    """Nobody guesses which of the two was meant."""
    done = full.run("export", str(tmp_path / "x"), "--with-keys", "--without-credentials")

    assert 2 == done.code


def test_a_store_that_is_not_there_cannot_be_exported(tmp_path):
    """A nightly job with a wrong path must not report success."""
    done = Office(tmp_path / "nowhere").run("export", str(tmp_path / "export"))

    assert 2 == done.code
    assert "there is no store" in done.err
