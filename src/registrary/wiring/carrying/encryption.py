"""Backups and exports for those alone who may read them, in the format of age.

For recipients the file is one that every program for age opens. Under a passphrase it is two of
them, one after the other: a key in letters, encrypted under the passphrase (`age` reads such a
key file), and the content, encrypted for that key. So the content is never in memory as a whole,
which a passphrase by itself would want.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from threading import Thread
from typing import BinaryIO, Final, TypeVar

import pyrage
from pyrage import passphrase as by_passphrase
from pyrage import x25519

from registrary.wiring.carrying.backup_file import BackupError

_MAGIC: Final = b"age-encryption.org/v1\n"
_ARMOR_BEGINS: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_ARMOR_ENDS: Final = b"-----END AGE ENCRYPTED FILE-----"
_ARMOR_LINES: Final = 64  # one key needs a dozen
_LINE_BYTES: Final = 256
_SECRET_FILE_BYTES: Final = 65_536
_SECRET_KEY: Final = "AGE-SECRET-KEY-"
_Stream = TypeVar("_Stream", bound=BinaryIO)


class EncryptionError(BackupError):
    """A file cannot be encrypted or opened; the text is for operators and shows no secret."""


@dataclass(frozen=True, slots=True)
class Lock:
    """For whom a file is encrypted: recipients by their public keys, or who has the passphrase."""

    recipients: tuple[str, ...] = ()
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opener:
    """What may open a file: private keys, and a passphrase."""

    identities: tuple[str, ...] = field(default=(), repr=False)
    passphrase: str | None = field(default=None, repr=False)


OPEN: Final = Opener()
"""What opens only what is not encrypted."""


def lock_of(recipients: list[str], passphrase_file: Path | None) -> Lock | None:
    """Return how to encrypt, None for not at all. Raises `EncryptionError` for what is no key."""
    if recipients and passphrase_file is not None:
        raise EncryptionError("encrypt to recipients or under a passphrase, not both")
    for recipient in recipients:
        _recipient(recipient)
    if passphrase_file is not None:
        return Lock(passphrase=read_passphrase(passphrase_file))
    return Lock(recipients=tuple(recipients)) if recipients else None


def opener_of(identity_file: Path | None, passphrase_file: Path | None) -> Opener:
    """Return what opens a file. Raises `EncryptionError` for a file without what it is for."""
    identities: tuple[str, ...] = ()
    if identity_file is not None:
        lines = _secret_text(identity_file).splitlines()
        identities = tuple(one.strip() for one in lines if one.strip().startswith(_SECRET_KEY))
        if not identities:
            raise EncryptionError(f"{identity_file} holds no {_SECRET_KEY}1… key")
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    return Opener(identities, passphrase)


def read_passphrase(path: Path) -> str:
    """Return the first line of the file *path*."""
    lines = _secret_text(path).splitlines()
    if not lines or not lines[0]:
        raise EncryptionError(f"{path} holds no passphrase in its first line")
    return lines[0]


@contextmanager
def encrypting(file: BinaryIO, lock: Lock | None) -> Iterator[BinaryIO]:
    """Yield a stream; what is written to it gets into *file*, encrypted if there is a *lock*.

    *file* is whole when this ends without an error.
    """
    if lock is None:
        yield file
        return
    if lock.passphrase is None:
        recipients = [_recipient(recipient) for recipient in lock.recipients]
    else:
        key = x25519.Identity.generate()
        sealed = by_passphrase.encrypt(str(key).encode(), lock.passphrase, armored=True)
        file.write(sealed.rstrip(b"\n") + b"\n")
        recipients = [key.to_public()]
    incoming, outgoing = os.pipe()
    work = _Work(
        lambda source: pyrage.encrypt_io(source, _Told(file, work), recipients),
        os.fdopen(incoming, "rb"),
    )
    with work.going_on(os.fdopen(outgoing, "wb")) as stream:
        yield stream


@contextmanager
def decrypting(path: Path, opener: Opener) -> Iterator[BufferedReader]:
    """Yield what is in the file *path*, decrypted if it is encrypted.

    Raises `EncryptionError`, at the latest at the end, when it cannot be opened or is not as it
    was written; what was read until then is no good.
    """
    with path.open("rb") as file:
        beginning = file.peek(len(_ARMOR_BEGINS))
        if beginning.startswith(_ARMOR_BEGINS):
            identities = [_key_under_passphrase(path, file, opener)]
        elif beginning.startswith(_MAGIC):
            identities = _identities(path, opener)
        else:
            yield file
            return
        incoming, outgoing = os.pipe()
        work = _Work(
            lambda target: pyrage.decrypt_io(file, target, identities),
            os.fdopen(outgoing, "wb"),
            failure=f"{path}: it was encrypted for another key, or is damaged or cut off",
        )
        with work.going_on(os.fdopen(incoming, "rb")) as stream:
            yield stream


class _Work:
    """A thread at one end of a pipe, and why it failed."""

    def __init__(
        self, act: Callable[[BinaryIO], object], end: BinaryIO, *, failure: str = ""
    ) -> None:
        self._act = act
        self._end = end
        self._failure = failure
        self._error: Exception | None = None
        self.cause: OSError | None = None  # what the library hides in an error of its own

    @contextmanager
    def going_on(self, stream: _Stream) -> Iterator[_Stream]:
        """Run it beside the body, which has *stream*, the other end.

        Raises what it failed with in place of what the body did: that is why.
        """
        thread = Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield stream
        finally:
            with suppress(BrokenPipeError):
                stream.close()
            thread.join()
            self._raise()

    def _run(self) -> None:
        try:
            with self._end:
                self._act(self._end)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error

    def _raise(self) -> None:
        if self.cause is not None:
            raise self.cause
        if isinstance(self._error, BrokenPipeError):
            return  # nobody wanted the rest
        if self._error is not None:
            raise EncryptionError(self._failure or str(self._error)) from self._error


class _Told:
    """A file that keeps the error of a write."""

    def __init__(self, file: BinaryIO, work: _Work) -> None:
        self._file = file
        self._work = work

    def write(self, piece: bytes) -> int:
        try:
            return self._file.write(piece)
        except OSError as error:
            self._work.cause = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _recipient(text: str) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise EncryptionError(f"{text} is no recipient of age, such as age1…") from error


def _identities(path: Path, opener: Opener) -> list[x25519.Identity]:
    if not opener.identities:
        raise EncryptionError(f"{path} is encrypted; --identity names the file with its key")
    try:
        return [x25519.Identity.from_str(text) for text in opener.identities]
    except pyrage.IdentityError:
        # Not chained: the library's text might quote the key.
        raise EncryptionError("a key of --identity is mistyped or cut off") from None


def _key_under_passphrase(path: Path, file: BinaryIO, opener: Opener) -> x25519.Identity:
    if opener.passphrase is None:
        raise EncryptionError(f"{path} is encrypted; --passphrase-file names what opens it")
    sealed = b""
    for _ in range(_ARMOR_LINES):
        line = file.readline(_LINE_BYTES)
        sealed += line
        if line.rstrip() == _ARMOR_ENDS:
            break
    try:
        key = by_passphrase.decrypt(sealed, opener.passphrase).decode()
        return x25519.Identity.from_str(key)
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError):
        raise EncryptionError(f"{path}: the passphrase is another, or it is damaged") from None


def _secret_text(path: Path) -> str:
    with path.open("rb") as file:
        octets = file.read(_SECRET_FILE_BYTES)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise EncryptionError(f"{path} is no text") from None
