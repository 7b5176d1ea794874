"""The key file: made once, kept from others, followed when it changes."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from registrary.core.entropy import Draw
from registrary.core.sealing import SEAL_DRAW_BYTES, Place
from registrary.core.secrets import Secret
from registrary.keys.local import (
    CHECK_INTERVAL_SECONDS,
    FileKeys,
    KeyFileError,
    MemoryKeys,
    create_key_file,
    key_file_of,
    open_key_file,
    utc_now,
)
from registrary.keys.material import ACTIVATION_DELAY, encode_material, new_material

PLACE = Place("client", "secrets", "i", "c")


class Time:
    """A clock that a test moves."""

    def __init__(self):
        self.start = utc_now()
        self.seconds = 0.0

    def now(self):
        """Return the time of day."""
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self):
        """Return the seconds since some moment."""
        return self.seconds


def keys_at(path, time):
    """Return the keys in a file under a clock of ours."""
    return FileKeys(path, now=time.now, monotonic=time.monotonic)


@pytest.fixture
def path(tmp_path):
    """Return where a key file would be."""
    return key_file_of(tmp_path / "registrary.db")


def test_the_key_file_lies_beside_the_database(tmp_path):
    """Who looks for the database finds its keys."""
    assert tmp_path / "a.db.keys" == key_file_of(tmp_path / "a.db")


def test_keys_are_the_same_after_a_restart(path):
    """What was handed out yesterday works today."""
    before = open_key_file(path)
    digest = before.peppers().digest(Secret("a"), purpose="x")
    sealed = before.sealer().seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))

    after = open_key_file(path)

    assert after.peppers().verify(Secret("a"), digest, purpose="x")
    assert b"s" == after.sealer().unseal(sealed, PLACE)


def test_nobody_else_may_read_the_file(path):
    """Accounts on the same machine are not the server."""
    old = os.umask(0)
    try:
        open_key_file(path)
    finally:
        os.umask(old)

    assert 0o600 == path.stat().st_mode & 0o7777
    assert [path.name] == [each.name for each in path.parent.iterdir()]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused_with_the_remedy(path, mode):
    """A copied backup with the wrong mode is noticed at the start."""
    open_key_file(path)
    path.chmod(mode)

    with pytest.raises(KeyFileError, match="chmod 600"):
        open_key_file(path)


def test_a_missing_file_is_an_error_where_a_store_exists(path):
    """Fresh keys would lock every client out without a word."""
    with pytest.raises(KeyFileError, match="missing"):
        FileKeys(path)


@pytest.mark.parametrize("document", [b"", b"{}", b"x" * 1_048_577])
def test_a_file_of_something_else_is_refused_and_kept(path, document):
    """A mistaken path must not cost anybody a file."""
    path.write_bytes(document)
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match=path.name):
        open_key_file(path)

    assert document == path.read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """The operator sees which path is wrong."""
    with pytest.raises(KeyFileError, match="nowhere"):
        open_key_file(tmp_path / "nowhere" / "a.keys")


def test_a_directory_is_no_key_file(path):
    """A mount point in place of the file is told apart from a missing file."""
    path.mkdir(mode=0o700)

    with pytest.raises(KeyFileError):
        open_key_file(path)


def test_of_processes_that_start_at_once_one_makes_the_file(path):
    """All workers of a fresh server agree on the keys."""
    code = (
        "import sys; from pathlib import Path; from registrary.keys.local import *;"
        "p = Path(sys.argv[1]); sys.stdin.read(1);"
        "print(create_key_file(p), FileKeys(p).peppers().newest)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    answers = [process.communicate("\n")[0].split() for process in running]

    assert ["False", "False", "False", "True"] == sorted(made for made, _ in answers)
    assert 1 == len({pepper for _, pepper in answers})


def test_an_existing_file_is_not_made_again(path):
    """A second start changes nothing."""
    assert create_key_file(path)
    before = path.read_bytes()

    assert not create_key_file(path)

    assert before == path.read_bytes()


@pytest.mark.parametrize("rotate", ["rotate_pepper", "rotate_data_key", "rotate_wrapping_key"])
def test_a_rotation_by_another_process_is_followed(path, rotate):
    """A command's effect reaches the running server within seconds, without a restart."""
    create_key_file(path)
    time = Time()
    server, command = keys_at(path, time), keys_at(path, time)
    digest = server.peppers().digest(Secret("a"), purpose="x")
    sealed = server.sealer().seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))

    getattr(command, rotate)()
    time.seconds += CHECK_INTERVAL_SECONDS
    seen_by_server = server.peppers()
    time.seconds += ACTIVATION_DELAY.total_seconds()

    assert server.peppers().newest == command.peppers().newest
    assert ("pepper" in rotate) == (not server.peppers().is_current(digest))
    assert ("pepper" in rotate) == seen_by_server.has(command.peppers().newest) or (
        "pepper" not in rotate
    )
    assert server.peppers().verify(Secret("a"), digest, purpose="x")
    assert b"s" == server.sealer().unseal(sealed, PLACE)
    assert b"t" == server.sealer().unseal(
        command.sealer().seal(b"t", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES))), PLACE
    )
    assert 0o600 == path.stat().st_mode & 0o7777


def test_the_file_is_looked_at_once_a_second(path):
    """A request does not pay for a system call it does not need."""
    create_key_file(path)
    time = Time()
    server, command = keys_at(path, time), keys_at(path, time)
    command.rotate_pepper()
    before = server.peppers()

    time.seconds += CHECK_INTERVAL_SECONDS / 2

    assert before is server.peppers()


@pytest.mark.parametrize("damage", ["mode", "missing", "content", "foreign"])
def test_a_file_damaged_while_running_is_reported_and_survived(path, damage):
    """The server goes on with the keys it has, and says that it could not start again."""
    create_key_file(path)
    time = Time()
    server = keys_at(path, time)
    before, document = server.peppers().newest, path.read_bytes()

    if damage == "missing":
        path.unlink()
    elif damage == "content":
        path.write_bytes(b"{}")
    elif damage == "foreign":
        path.write_bytes(encode_material(new_material(os.urandom, now=utc_now())))
    else:
        path.write_bytes(document)
        path.chmod(0o644)
    time.seconds += 2 * CHECK_INTERVAL_SECONDS
    during = server.peppers().newest
    reported = server.problem
    path.write_bytes(document)
    path.chmod(0o600)
    time.seconds += 2 * CHECK_INTERVAL_SECONDS
    after = server.peppers().newest

    assert [before] * 2 == [during, after]
    assert path.name in str(reported)
    assert None is server.problem


def test_the_keys_of_another_store_are_not_taken_for_a_rotation(path):
    """Under them every client would be told that its secret is wrong, and register again."""
    time = Time()
    create_key_file(path)
    server = keys_at(path, time)
    digest = server.peppers().digest(Secret("a"), purpose="x")

    path.write_bytes(encode_material(new_material(os.urandom, now=utc_now())))
    time.seconds += 2 * CHECK_INTERVAL_SECONDS
    verified = server.peppers().verify(Secret("a"), digest, purpose="x")

    assert verified
    assert "none of the keys in use" in str(server.problem)


@pytest.mark.parametrize("rotate", ["rotate_pepper", "rotate_data_key", "rotate_wrapping_key"])
def test_every_rotation_by_a_command_is_followed(path, rotate):
    """Each leaves some keys as they were, by which the file is known for the same."""
    time = Time()
    create_key_file(path)
    server, command = keys_at(path, time), keys_at(path, time)

    getattr(command, rotate)()
    time.seconds += 2 * CHECK_INTERVAL_SECONDS
    server.peppers()

    assert None is server.problem


def test_rotations_at_once_lose_nothing(path):
    """Two commands each add their pepper."""
    create_key_file(path)
    code = (
        "import sys; from pathlib import Path; from registrary.keys.local import *;"
        "FileKeys(Path(sys.argv[1])).rotate_pepper()"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]

    for process in running:
        process.wait()

    assert "PepperRing(5 peppers" in repr(FileKeys(path).peppers())


def test_keys_in_memory_work_like_those_in_a_file():
    """A store without a file has no key file to lose."""
    keys = MemoryKeys()

    sealed = keys.sealer().seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))
    digest = keys.peppers().digest(Secret("a"), purpose="x")

    assert b"s" == keys.sealer().unseal(sealed, PLACE)
    assert keys.peppers().verify(Secret("a"), digest, purpose="x")
