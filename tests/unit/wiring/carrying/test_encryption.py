"""What is encrypted is read again by those it is for, by nobody else, and never by halves."""

from pathlib import Path

import pyrage
import pytest
from pyrage import x25519

from registrary.wiring.carrying.encryption import (
    OPEN,
    EncryptionError,
    Lock,
    Opener,
    decrypting,
    encrypting,
    lock_of,
    opener_of,
)

CONTENT = bytes(range(256)) * 2000  # several of the pieces that age encrypts one by one


@pytest.fixture(scope="session")
def key() -> x25519.Identity:
    """Make the key of somebody who may read."""
    return x25519.Identity.generate()


@pytest.fixture
def locked(key, tmp_path) -> Path:
    """Encrypt the content to that key."""
    path: Path = tmp_path / "locked"
    with path.open("wb") as file, encrypting(file, Lock((str(key.to_public()),))) as stream:
        stream.write(CONTENT)
    return path


def content_of(path: Path, opener: Opener) -> bytes:
    """Return what *opener* reads in *path*."""
    with decrypting(path, opener) as stream:
        return stream.read()


def test_a_recipient_reads_it(key, locked):
    """The private key is on another machine than the store."""
    assert CONTENT == content_of(locked, Opener((str(key),)))
    assert CONTENT[:64] not in locked.read_bytes()


def test_any_program_for_age_reads_it(key, locked):
    """A backup that only one program opens is lost with that program."""
    assert CONTENT == pyrage.decrypt(locked.read_bytes(), [key])


def test_each_of_several_recipients_reads_it(key, tmp_path):
    """The one who restores may not be the one who made the key."""
    other = x25519.Identity.generate()
    lock = lock_of([str(key.to_public()), str(other.to_public())], None)
    with (tmp_path / "locked").open("wb") as file, encrypting(file, lock) as stream:
        stream.write(CONTENT)

    read = [content_of(tmp_path / "locked", Opener((str(one),))) for one in (key, other)]

    assert [CONTENT] * 2 == read


def test_who_has_the_passphrase_reads_it_and_nobody_else(tmp_path):
    """A passphrase is what is left when every key file is gone."""
    (tmp_path / "words").write_text("correct horse battery staple\nnot this line\n")
    path = tmp_path / "locked"
    lock = lock_of([], tmp_path / "words")
    with path.open("wb") as file, encrypting(file, lock) as stream:
        stream.write(CONTENT)

    read = content_of(path, opener_of(None, tmp_path / "words"))

    with pytest.raises(EncryptionError, match="the passphrase is another"):
        content_of(path, Opener(passphrase="incorrect"))
    assert CONTENT == read
    # Both parts are files of age: any program for it opens the second with the key in the first.
    _, end, rest = path.read_bytes().partition(b"-----END AGE ENCRYPTED FILE-----\n")
    assert end
    assert rest.startswith(b"age-encryption.org/v1\n")


@pytest.mark.parametrize(
    ("opener", "reason"),
    [
        (OPEN, "--identity names"),
        (Opener((str(x25519.Identity.generate()),)), "another key"),
        (Opener(("AGE-SECRET-KEY-1NONSENSE",)), "mistyped"),
    ],
    ids=["none", "another", "mistyped"],
)
def test_others_are_told_why_they_cannot_read(locked, opener, reason):
    """An operator at night has to know which key to look for."""
    with pytest.raises(EncryptionError, match=reason):
        content_of(locked, opener)


@pytest.mark.parametrize("place", [300, 70_000, -1], ids=["header", "middle", "end"])
def test_a_changed_byte_is_noticed(key, locked, place):
    """Who cannot read a backup must not be able to change it either."""
    spoilt = bytearray(locked.read_bytes())
    spoilt[place] ^= 1
    locked.write_bytes(spoilt)

    with pytest.raises(EncryptionError, match="damaged"):
        content_of(locked, Opener((str(key),)))


@pytest.mark.parametrize("left", [150, 70_000, 200_000])
def test_a_file_that_was_cut_off_is_noticed(key, locked, left):
    """Half a backup must not look like a small one."""
    locked.write_bytes(locked.read_bytes()[:left])

    with pytest.raises(EncryptionError, match="cut off"):
        content_of(locked, Opener((str(key),)))


def test_what_is_not_encrypted_is_read_as_it_is(tmp_path):
    """Nobody has to say whether a file is encrypted."""
    (tmp_path / "open").write_bytes(CONTENT)

    assert CONTENT == content_of(tmp_path / "open", OPEN)


def test_a_full_disk_is_told_as_such(key):
    """The operator makes room instead of looking for a key."""
    lock = Lock((str(key.to_public()),))

    with (
        Path("/dev/full").open("wb", buffering=0) as disk,
        pytest.raises(OSError, match="No space left"),
        encrypting(disk, lock) as stream,
    ):
        stream.write(CONTENT)


def test_a_reader_may_leave_early(key, locked):
    """Whoever found out enough must not wait for ever for the rest."""
    with decrypting(locked, Opener((str(key),))) as stream:
        beginning = stream.read(10)

    assert CONTENT[:10] == beginning


def test_a_writer_that_fails_is_told_of_its_own_failure(key, tmp_path):
    """What went wrong in the store is not covered by what went wrong after it."""
    lock = Lock((str(key.to_public()),))

    def write() -> None:
        with (tmp_path / "locked").open("wb") as file, encrypting(file, lock) as stream:
            stream.write(CONTENT)
            raise RuntimeError("the store is gone")

    with pytest.raises(RuntimeError, match="the store"):
        write()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("age1nonsense", "no recipient"), ("", "no recipient"), ("AGE-SECRET-KEY-1X", "no recipient")],
)
def test_a_recipient_that_is_none_is_refused_before_anything_is_written(text, reason):
    """A typing error must not cost an hour of exporting."""
    with pytest.raises(EncryptionError, match=reason):
        lock_of([text], None)


def test_files_without_what_they_are_for_are_refused(tmp_path):
    """An empty passphrase protects nothing, and a public key opens nothing."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "octets").write_bytes(b"\xff\xfe")

    for act in (
        lambda: lock_of([], tmp_path / "empty"),
        lambda: opener_of(tmp_path / "empty", None),
        lambda: opener_of(None, tmp_path / "octets"),
        lambda: lock_of(["age1x"], tmp_path / "empty"),
    ):
        with pytest.raises(EncryptionError):
            act()


def test_nothing_secret_is_shown(key):
    """Tracebacks end up in tickets."""
    shown = repr((Opener((str(key),), "open sesame"), Lock(passphrase="open sesame")))

    assert "SECRET" not in shown
    assert "sesame" not in shown
