"""The key that an account keeps for PostgreSQL is made once, whole, and for its owner alone."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registrary.keys.encryption import EncryptionKey
from registrary.keys.encryption_file import (
    encryption_key_file,
    make_encryption_key,
    read_encryption_key,
)
from registrary.ports.kept_store import KeysUnusable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the key of an account without any goes."""
    return encryption_key_file({"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": "/nowhere"})


def test_the_key_lies_with_the_state_of_the_account(tmp_path, path):
    """Who looks for it finds it where programs keep such things."""
    at_home = encryption_key_file({"HOME": str(tmp_path)})

    assert tmp_path / "state" / "registrary" / "postgresql.key" == path
    assert tmp_path / ".local" / "state" / "registrary" / "postgresql.key" == at_home


def test_a_key_that_was_made_is_read_back(path):
    """The second start must open what the first one sealed."""
    assert read_encryption_key(path) is None

    made = make_encryption_key(path)

    assert made == read_encryption_key(path)
    assert EncryptionKey.parse(made).id
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_many_at_once_make_one_key(path):
    """Workers and nodes on one machine start together."""
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: make_encryption_key(path), range(16)))

    assert 1 == len(made)
    assert [path.name] == [file.name for file in path.parent.iterdir()]


def test_a_key_that_others_may_read_is_refused(path):
    """Whoever has it and a copy of the database has every secret."""
    make_encryption_key(path)
    path.chmod(0o640)

    with pytest.raises(KeysUnusable, match="chmod 600"):
        read_encryption_key(path)


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    """A service without a home must be told of the setting."""
    (tmp_path / "state").write_text("a file", encoding="ascii")
    path = encryption_key_file({"XDG_STATE_HOME": os.fspath(tmp_path / "state")})

    with pytest.raises(KeysUnusable, match=r"keys\.encryption_key"):
        make_encryption_key(path)
