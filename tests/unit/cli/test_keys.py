"""``registrary keys``: what the keys in PostgreSQL are sealed under."""

import os

from registrary.keys.encryption import EncryptionKey
from tests.unit.cli.kit import run


def test_a_new_key_can_be_put_where_it_belongs():
    """Its output is what the setting takes, and nothing else."""
    done = run("keys", "new")

    assert 0 == done.code
    assert EncryptionKey.parse(done.out).id


def test_no_two_keys_are_alike():
    """Two deployments that shared one could read each other's secrets."""
    assert run("keys", "new").out != run("keys", "new").out


def test_a_key_in_a_file_is_for_its_owner_alone(tmp_path):
    """Accounts on the same machine are not the server."""
    file = tmp_path / "encryption.key"
    old = os.umask(0)
    try:
        done = run("keys", "new", str(file))
    finally:
        os.umask(old)

    key = EncryptionKey.parse(file.read_text())
    assert 0o600 == file.stat().st_mode & 0o7777
    assert f"key {key.id} in {file}\n" == done.out
    assert file.read_text().strip() not in done.out


def test_a_file_that_is_there_is_not_replaced(tmp_path):
    """It may be the only copy of the key of a store."""
    file = tmp_path / "encryption.key"
    file.write_text("the old one")

    done = run("keys", "new", str(file))

    assert (1, "the old one") == (done.code, file.read_text())
    assert f"{file} exists" in done.err


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """The operator sees which path is wrong."""
    done = run("keys", "new", str(tmp_path / "nowhere" / "encryption.key"))

    assert 1 == done.code
    assert "nowhere" in done.err


def test_a_machine_is_told_which_key_it_is():
    """A deployment notes the id, which is no secret, beside the place of the key."""
    made = run("keys", "new", "--json").shown

    assert EncryptionKey.parse(made["encryption_key"]).id == made["id"]
