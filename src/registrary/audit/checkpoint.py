"""Checkpoints: the size and root of the log, signed, as one small text.

The formats are those of C2SP: tlog-checkpoint for the text, signed-note for the signatures and for
the key that verifies them. Any witness or monitor of that family reads ours, and we theirs.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from registrary.audit.merkle import HASH_BYTES

ED25519: Final = 0x01
"""Ed25519 over the text as it stands (signed-note, signature types)."""

MAX_SIGNATURES: Final = 64  # the specification demands at least 16
MAX_NOTE_CHARACTERS: Final = 512 * 1024  # 64 post-quantum signatures fit
MAX_SIZE: Final = 2**63 - 1

_KEY_ID_BYTES: Final = 4
_DASH: Final = "\u2014 "
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID_DIGITS: Final = re.compile(r"[0-9a-f]{8}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")

Sign: TypeAlias = Callable[[bytes], bytes]
"""Returns the signature over a message."""

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Tells whether, under a public key, a signature is over a message (in this order)."""


class CheckpointError(ValueError):
    """A note, checkpoint or key that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under; its text form is what anchors are told.

    *algorithm* is the signature type byte of signed-note.
    """

    name: str
    algorithm: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that stand for this key in a signature line."""
        tail = bytes([self.algorithm]) + self.public_key
        return sha256(self.name.encode() + b"\n" + tail).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        material = b64encode(bytes([self.algorithm]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note, not yet verified."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, not yet verified. *text* ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: who it is, how many leaves it has, their root."""

    origin: str
    size: int
    root: bytes


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether *signature* is over *message* (RFC 8032 §5.1.7)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


ALGORITHMS: Final[Mapping[int, Verify]] = MappingProxyType({ED25519: verify_ed25519})
"""How each signature type is verified. Pass more to open notes that others signed too."""


def log_origin(issuer_url: str) -> str:
    """Return the origin of the audit log of an issuer: its address without the scheme.

    A key name may hold neither spaces nor plus signs (signed-note, format).
    """
    address = issuer_url.partition("://")[2].rstrip("/")
    return f"{address.replace('+', '%2B')}/audit"


def parse_verifier_key(text: str) -> VerifierKey:
    """Return the key that *text* (a vkey) stands for.

    Its id must be the recommended digest of the rest, so that a mistyped key is noticed.
    """
    name, _, rest = text.partition("+")
    digits, _, material = rest.partition("+")  # base64 may hold further plus signs
    octets = _from_base64(material)
    if not _is_name(name) or not _KEY_ID_DIGITS.fullmatch(digits) or len(octets) < 2:  # noqa: PLR2004 - a type byte and a key
        raise CheckpointError("the key is not of the form name+id+base64")
    key = VerifierKey(name, octets[0], octets[1:])
    if key.key_id.hex() != digits:
        raise CheckpointError("the key does not match its id")
    return key


def render(checkpoint: Checkpoint) -> str:
    """Return the text of *checkpoint* that is signed (tlog-checkpoint, note text).

    Raises CheckpointError for what could not be read back as it is.
    """
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"
    if parse_text(text) != checkpoint:
        raise CheckpointError("the checkpoint does not fit its own format")
    return text


def parse_text(text: str) -> Checkpoint:
    """Return the checkpoint whose text this is. Extension lines are allowed and not read."""
    if not text.endswith("\n"):
        raise CheckpointError("the text does not end with a newline")
    origin, *lines = text[:-1].split("\n")
    if len(lines) < 2 or not all([origin, *lines]) or _FORBIDDEN.search(text):  # noqa: PLR2004 - size and root
        raise CheckpointError("the text has not three full lines")
    root = _from_base64(lines[1])
    if not _NUMBER.fullmatch(lines[0]) or int(lines[0]) > MAX_SIZE or len(root) != HASH_BYTES:
        raise CheckpointError("size or root is malformed")
    return Checkpoint(origin, int(lines[0]), root)


def sign(text: str, key: VerifierKey, signing: Sign) -> str:
    """Return the note with *text* and one signature, made by *signing* with *key*'s private half.

    Whoever signs a checkpoint must have seen that it continues every one signed before.
    """
    if not text.endswith("\n") or _FORBIDDEN.search(text):
        raise CheckpointError("the text must end with a newline and hold no control characters")
    return f"{text}\n{_signature_line(text, key, signing)}"


def countersign(note: str, key: VerifierKey, signing: Sign) -> str:
    """Return *note* with one more signature, so that an old and a new key overlap."""
    return note + _signature_line(parse_note(note).text, key, signing)


def parse_note(note: str) -> Note:
    """Return the parts of a signed note. Nothing is verified."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or len(note) > MAX_NOTE_CHARACTERS:
        raise CheckpointError("the note has no signatures")
    if _FORBIDDEN.search(note):
        raise CheckpointError("the note holds control characters or half characters")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise CheckpointError(f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(text + "\n", signatures)


def open_note(
    note: str, keys: Iterable[VerifierKey], *, algorithms: Mapping[int, Verify] = ALGORITHMS
) -> str:
    """Return the text of *note*, signed by at least one of *keys*.

    Signatures of unknown keys are passed over; a bad one of a known key spoils the note
    (signed-note, signatures). Raises CheckpointError.
    """
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed = False
    for line in parsed.signatures:
        key = known.get((line.name, line.key_id))
        if key is None or key.algorithm not in algorithms:
            continue
        if not algorithms[key.algorithm](key.public_key, line.signature, parsed.text.encode()):
            raise CheckpointError(f"the signature of {key.name} is not over this text")
        signed = True
    if not signed:
        raise CheckpointError("no known key signed the note")
    return parsed.text


def open_checkpoint(
    note: str,
    keys: Iterable[VerifierKey],
    *,
    origin: str,
    algorithms: Mapping[int, Verify] = ALGORITHMS,
) -> Checkpoint:
    """Return the checkpoint in *note*, signed by at least one of *keys* for the log *origin*."""
    checkpoint = parse_text(open_note(note, keys, algorithms=algorithms))
    if checkpoint.origin != origin:
        raise CheckpointError("the checkpoint is of another log")
    return checkpoint


def _signature_line(text: str, key: VerifierKey, signing: Sign) -> str:
    if not _is_name(key.name):
        raise CheckpointError("a key name must not hold spaces or plus signs")
    return f"{_DASH}{key.name} {b64encode(key.key_id + signing(text.encode())).decode()}\n"


def _parse_line(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    octets = _from_base64(encoded)
    if not line.startswith(_DASH) or not _is_name(name) or len(octets) <= _KEY_ID_BYTES:
        raise CheckpointError("a signature line is malformed")
    return Signature(name, octets[:_KEY_ID_BYTES], octets[_KEY_ID_BYTES:])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def _from_base64(text: str) -> bytes:
    """Return the octets of *text*, or nothing when it is not their one spelling (RFC 4648 §4)."""
    try:
        octets = b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return b""
    return octets if b64encode(octets).decode() == text else b""
