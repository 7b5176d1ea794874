"""Checkpoints are read and written as C2SP says, so that others can witness our log."""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit.checkpoint import (
    ED25519,
    MAX_SIGNATURES,
    MAX_SIZE,
    Checkpoint,
    CheckpointError,
    VerifierKey,
    countersign,
    log_origin,
    open_checkpoint,
    open_note,
    parse_note,
    parse_text,
    parse_verifier_key,
    render,
    sign,
)

ORIGIN = "as.example/audit"
ROOT = bytes(range(32))
TEXT = f"{ORIGIN}\n7\n{b64encode(ROOT).decode()}\n"


class Signer:
    """A key pair made from a seed, as the log's key is."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = VerifierKey(name, ED25519, public)

    def __call__(self, message: bytes) -> bytes:
        return self._private.sign(message)


LOG = Signer(ORIGIN, bytes(32))
WITNESS = Signer("witness.example/w1", bytes([1]) * 32)

SPECIFICATION_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPECIFICATION_NOTE = (
    "This is an example message.\n"
    "\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3"
    "mFXmRKuwHjG1Yu72IneyaQM=\n"
)
"""The example of the signed-note specification."""

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
"""The example of golang.org/x/mod/sumdb/note, where the format comes from."""

CHECKPOINT_EXAMPLE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Z"
    "hcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
"""The example of the tlog-checkpoint specification."""


@pytest.mark.parametrize(
    ("vkey", "note"), [(SPECIFICATION_KEY, SPECIFICATION_NOTE), (GO_KEY, GO_NOTE)]
)
def test_notes_signed_by_others_open(vkey, note):
    """The published examples were signed by code that is not ours."""
    text = open_note(note, [parse_verifier_key(vkey)])

    assert note.partition("\n\n")[0] + "\n" == text
    assert vkey == str(parse_verifier_key(vkey))


def test_our_notes_are_the_ones_others_write():
    """With the published private key we sign the published text to the published note."""
    signer = Signer("PeterNeumann", GO_SEED)

    note = sign(GO_TEXT, signer.key, signer)

    assert GO_NOTE == note
    assert GO_KEY == str(signer.key)


def test_the_checkpoint_of_the_specification_is_read():
    """Its three lines are all that a monitor has to understand."""
    checkpoint = parse_text(parse_note(CHECKPOINT_EXAMPLE).text)

    root = b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert Checkpoint("example.com/behind-the-sofa", 20852163, root) == checkpoint


def test_a_checkpoint_comes_back_as_it_was_signed():
    """What an anchor keeps for years must still say the same."""
    checkpoint = Checkpoint(ORIGIN, 7, ROOT)

    note = sign(render(checkpoint), LOG.key, LOG)

    assert note.startswith(TEXT + "\n\u2014 ")
    assert checkpoint == open_checkpoint(note, [LOG.key], origin=ORIGIN)


@given(st.integers(0, MAX_SIZE), st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_every_size_and_root_comes_back(size, root):
    """No tree is too small or too large to be signed."""
    checkpoint = Checkpoint(ORIGIN, size, root)

    assert checkpoint == parse_text(render(checkpoint))


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        "as.example/audit\n7\n",
        TEXT.replace("as.example/audit", ""),
        TEXT.replace("\n7\n", "\n07\n"),
        TEXT.replace("\n7\n", "\n+7\n"),
        TEXT.replace("\n7\n", "\n-7\n"),
        TEXT.replace("\n7\n", "\n7 \n"),
        TEXT.replace("\n7\n", "\n\u0667\n"),
        TEXT.replace("\n7\n", f"\n{MAX_SIZE + 1}\n"),
        TEXT.replace("=\n", "\n"),
        TEXT.replace("8=\n", "9=\n"),
        TEXT.replace("AAEC", "AA-C"),
        TEXT.replace("AAEC", ""),
        TEXT + "\n",
        TEXT + "\nextension\n",
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("audit", "au\0dit"),
    ],
    ids=ascii,
)
def test_a_malformed_checkpoint_is_refused(text):
    """Two readings of one signed text would be a split view that nobody has to hide."""
    with pytest.raises(CheckpointError):
        parse_text(text)


def test_extension_lines_are_passed_over():
    """Others may add lines; they say nothing about the tree."""
    assert Checkpoint(ORIGIN, 7, ROOT) == parse_text(TEXT + "something else\n")


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 7, ROOT),
        Checkpoint("a\nb", 7, ROOT),
        Checkpoint("a\n9", 7, ROOT),
        Checkpoint("a\r", 7, ROOT),
        Checkpoint(ORIGIN, -1, ROOT),
        Checkpoint(ORIGIN, 7, ROOT[1:]),
    ],
    ids=str,
)
def test_what_would_read_differently_is_not_signed(checkpoint):
    """An origin with a newline could carry a size and root of its own."""
    with pytest.raises(CheckpointError):
        render(checkpoint)


@pytest.mark.parametrize("text", ["no newline", "a\tb\n", "a\rb\n"])
def test_what_is_no_note_text_is_not_signed(text):
    """A note with control characters is refused by every other reader."""
    with pytest.raises(CheckpointError):
        sign(text, LOG.key, LOG)


def test_every_flipped_bit_of_a_note_is_noticed():
    """Nothing in a signed checkpoint is decoration."""
    note = sign(TEXT, LOG.key, LOG).encode()

    unnoticed = [bit for bit in range(8 * len(note)) if opens(flipped(note, bit))]

    assert [] == unnoticed


def opens(octets: bytes) -> bool:
    """Tell whether the note in *octets* is accepted from our log."""
    try:
        open_checkpoint(octets.decode(), [LOG.key], origin=ORIGIN)
    except (CheckpointError, UnicodeDecodeError):
        return False
    return True


def flipped(octets: bytes, bit: int) -> bytes:
    """Return *octets* with one bit changed."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_another_key_of_the_same_name_is_not_ours():
    """Whoever calls his key like our log has still not signed with our key."""
    impostor = Signer(ORIGIN, bytes([9]) * 32)

    with pytest.raises(CheckpointError, match="no known key"):
        open_note(sign(TEXT, impostor.key, impostor), [LOG.key])


def test_a_bad_signature_of_a_known_key_spoils_the_note():
    """One good signature must not make up for a forged one (signed-note, signatures)."""
    forged = countersign(sign(TEXT, LOG.key, LOG), WITNESS.key, lambda _: bytes(64))

    with pytest.raises(CheckpointError, match=r"witness\.example/w1"):
        open_note(forged, [LOG.key, WITNESS.key])
    assert TEXT == open_note(forged, [LOG.key])


def test_old_and_new_key_sign_side_by_side():
    """A log changes its key without breaking those who only know the old one."""
    note = countersign(sign(TEXT, LOG.key, LOG), WITNESS.key, WITNESS)

    assert [TEXT, TEXT] == [open_note(note, [key]) for key in (LOG.key, WITNESS.key)]


def test_a_checkpoint_of_another_log_is_refused():
    """One key may sign for several issuers; their checkpoints must not be exchanged."""
    note = sign(TEXT, LOG.key, LOG)

    with pytest.raises(CheckpointError, match="another log"):
        open_checkpoint(note, [LOG.key], origin="other.example/audit")


def test_other_algorithms_are_plugged_in():
    """Witnesses move to post-quantum signatures; the format names the algorithm by a byte."""
    key = VerifierKey("witness.example/pq", 0x06, b"public")
    note = sign(TEXT, key, lambda message: b"signed:" + message)

    algorithms = {0x06: lambda public, made, text: (public, made) == (b"public", b"signed:" + text)}

    assert TEXT == open_note(note, [parse_verifier_key(str(key))], algorithms=algorithms)
    with pytest.raises(CheckpointError, match="no known key"):
        open_note(note, [key])


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        TEXT + "\n\u2014 as.example/audit AAAAAA==\n",
        TEXT + "\n\u2014 as.example/audit\n",
        TEXT + "\n- as.example/audit AAAAAAAA\n",
        TEXT + "\n\u2014 as+example AAAAAAAA\n",
        TEXT + "\n\u2014  AAAAAAAA\n",
        TEXT + "\n\u2014 a AAAAAAAA\nb\n",
        TEXT + "\n\u2014 a AAAAAAAA",
        TEXT + "\n\u2014 a AAAAAAAA\r\n",
        TEXT + "\n\u2014 \ud800 AAAAAAAA\n",
        TEXT + "\n" + "\u2014 a AAAAAAAA\n" * (MAX_SIGNATURES + 1),
    ],
    ids=lambda note: ascii(note[len(TEXT) :])[:40],
)
def test_what_is_no_note_is_refused(note):
    """A lenient reader is where two views of one note begin."""
    with pytest.raises(CheckpointError):
        parse_note(note)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY.replace("PeterNeumann", "PeterNewmann"),
        GO_KEY[:-1],
        GO_KEY + "\n",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "a+00000000+AQ==",
    ],
)
def test_a_mistyped_key_is_refused(vkey):
    """The key is copied by people; a slip must not look like a log that lies."""
    with pytest.raises(CheckpointError):
        parse_verifier_key(vkey)


@pytest.mark.parametrize(
    ("issuer", "origin"),
    [
        ("https://as.example", "as.example/audit"),
        ("https://as.example/", "as.example/audit"),
        ("https://as.example:8443/one/tenant", "as.example:8443/one/tenant/audit"),
        ("https://as.example/a+b", "as.example/a%2Bb/audit"),
    ],
)
def test_a_log_is_named_after_its_issuer(issuer, origin):
    """The origin is also the name of the key, where neither scheme nor plus may stand."""
    assert origin == log_origin(issuer)
