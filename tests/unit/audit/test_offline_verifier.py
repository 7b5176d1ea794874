"""The offline verifier stands alone: one file, the standard library, three exit codes."""

import ast
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit import offline_verifier
from tests.unit.audit.logs import (
    SIGNER,
    STRANGER,
    a_log,
    complete_export,
    subset_export,
)

SOURCE = Path(offline_verifier.__file__)

ALLOWED_IMPORTS = {"argparse", "base64", "collections.abc", "hashlib", "json", "re", "typing"}

RFC_8032_VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
"""Public key, message and signature of RFC 8032 §7.1, tests 1 to 3."""


def run(*arguments: str | Path, where: Path) -> tuple[int, str]:
    """Run a copy of the verifier with nothing but the standard library in reach."""
    copy = where / "verifier.py"
    shutil.copyfile(SOURCE, copy)
    process = subprocess.run(
        [sys.executable, "-I", "-S", copy, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=where,
    )
    return process.returncode, process.stdout + process.stderr


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return a file with a sound export."""
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(complete_export(a_log(2, 3))))
    return path


def test_a_sound_export_ends_with_0(tmp_path, export):
    """A script that archives exports asks for nothing but the exit code."""
    code, words = run(export, "--vkey", str(SIGNER.key), where=tmp_path)

    assert (0, "The export is sound: 5 events (0 erased) of the log as.example/audit.") == (
        code,
        words.splitlines()[0],
    )
    assert "signed by the key you gave" in words


def test_without_a_key_the_reader_is_told_to_compare_it(tmp_path, export):
    """Sound by its own key is not yet sound; the words must not let that pass unseen."""
    code, words = run(export, where=tmp_path)

    assert (0, str(SIGNER.key)) == (code, words.splitlines()[-1])
    assert "taken from the export itself" in words


def test_a_subset_is_verified_alone(tmp_path):
    """What an auditor is sent is a sample."""
    path = tmp_path / "sample.jsonl"
    path.write_bytes(b"".join(subset_export(a_log(2, 300), [1, 256])))

    code, words = run(path, "--vkey", str(SIGNER.key), where=tmp_path)

    assert 0 == code, words
    assert "covers 302 events" in words


def test_a_fault_ends_with_1_and_says_where(tmp_path, export):
    """The sentence is what goes into the report."""
    export.write_bytes(export.read_bytes().replace(b"192.0.2.1", b"192.0.2.7", 1))

    code, words = run(export, where=tmp_path)

    assert 1 == code
    assert (
        "The export is NOT sound, at line 2, event 0197f5f0-0000-7000-8000-000000000000"
        " with index 0: the event does not hash to its leaf: it was changed.\n"
    ) == words


@pytest.mark.parametrize(
    "line",
    [b'{"kind":"unheard of"}', b'{"kind":""}', b'{"kind":1}', b'{"kind":["event"]}', b"{}"],
    ids=["unknown", "empty", "number", "array", "none"],
)
def test_a_line_of_no_known_kind_is_a_fault_and_no_crash(tmp_path, export, line):
    """A cut that fell into a member's name ended the verifier with a traceback."""
    header, _, rest = export.read_bytes().partition(b"\n")
    export.write_bytes(header + b"\n" + line + b"\n" + rest)

    code, words = run(export, where=tmp_path)

    assert (1, True) == (code, "at line 2: the line is of no known kind" in words)


def test_a_checkpoint_kept_from_earlier_is_compared(tmp_path, export):
    """Whoever keeps a few lines of text from last year catches a log that was rewritten since."""
    honest, other = tmp_path / "honest", tmp_path / "other"
    honest.write_text(a_log(4).notes[4], encoding="utf-8")
    other.write_text(a_log(9).notes[9], encoding="utf-8")

    assert 0 == run(export, "--previous", honest, where=tmp_path)[0]
    code, words = run(export, "--previous", other, where=tmp_path)

    assert 1 == code
    assert "does not lead from your checkpoint over 9 events to its own over 5" in words


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "usage"),
        (["missing.jsonl"], "missing.jsonl cannot be read"),
        (["."], "cannot be read"),
        (["export.jsonl", "--vkey", "nonsense"], "--vkey cannot be used"),
        (["export.jsonl", "--vkey", str(SIGNER.key)[:-1]], "--vkey cannot be used"),
        (["export.jsonl", "--previous", "missing"], "missing cannot be read"),
        (["export.jsonl", "--previous", "export.jsonl"], "not a signed checkpoint"),
        (["export.jsonl", "--unknown"], "usage"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else None,
)
def test_what_cannot_be_judged_ends_with_2(tmp_path, arguments, words):
    """A slip in the command must not look like a forged log, nor like a sound one."""
    code, said = run(*arguments, where=tmp_path)

    assert 2 == code
    assert words in said


def test_another_key_than_the_trusted_one_is_a_fault(tmp_path, export):
    """The point of giving a key."""
    code, words = run(export, "--vkey", str(STRANGER.key), where=tmp_path)

    assert 1 == code
    assert "no known key signed the checkpoint" in words


def test_several_keys_may_be_given(tmp_path, export):
    """A log that changed its key is signed by two."""
    keys = ["--vkey", str(STRANGER.key), "--vkey", str(SIGNER.key)]

    assert 0 == run(export, *keys, where=tmp_path)[0]


def test_it_imports_the_standard_library_alone():
    """An auditor must not have to install, or trust, what is being audited."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))

    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")

    assert ALLOWED_IMPORTS == imported


def test_only_its_end_touches_files():
    """All but reading and printing is as pure as its neighbours."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))

    touching = {
        top.name
        for top in tree.body
        if isinstance(top, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(top)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "print"}
    }

    assert {"main", "read_file"} == touching


def test_it_travels_with_the_package():
    """The command that hands it out copies it from the installed package."""
    resource = files("registrary.audit") / "offline_verifier.py"

    assert resource.read_bytes() == SOURCE.read_bytes()


@pytest.mark.parametrize(("public_key", "message", "signature"), RFC_8032_VECTORS)
def test_published_signatures_are_verified(public_key, message, signature):
    """Curve arithmetic of our own must agree with the standard before it is believed."""
    parts = [bytes.fromhex(part) for part in (public_key, signature, message)]

    assert offline_verifier.verify_ed25519(*parts)
    assert not offline_verifier.verify_ed25519(parts[0], parts[1], parts[2] + b"!")


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
@settings(deadline=None, max_examples=25)
def test_signatures_made_by_others_are_verified(seed, message):
    """The log is signed by another library than the one that checks it."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(message)

    assert offline_verifier.verify_ed25519(public, signature, message)
    assert not offline_verifier.verify_ed25519(public, signature, message + b"x")


def test_a_signature_has_one_spelling():
    """Adding the order of the group to its second half must not give another valid signature."""
    key, message, signature = (bytes.fromhex(RFC_8032_VECTORS[1][place]) for place in (0, 1, 2))
    s = int.from_bytes(signature[32:], "little") + offline_verifier.ORDER
    stretched = signature[:32] + s.to_bytes(32, "little")

    assert offline_verifier.verify_ed25519(key, signature, message)
    assert not offline_verifier.verify_ed25519(key, stretched, message)


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (b"", bytes(64)),
        (bytes(31), bytes(64)),
        (b"\xff" * 32, bytes(64)),
        ((2).to_bytes(32, "little"), bytes(64)),
        ((1 | 1 << 255).to_bytes(32, "little"), bytes(64)),
        (bytes.fromhex(RFC_8032_VECTORS[0][0]), b""),
        (bytes.fromhex(RFC_8032_VECTORS[0][0]), bytes(65)),
    ],
    ids=["none", "short", "too-great", "off-curve", "minus-zero", "no-signature", "long"],
)
def test_what_is_no_key_or_signature_verifies_nothing(key, signature):
    """Hostile lengths and points end in a refusal, not in an error."""
    assert not offline_verifier.verify_ed25519(key, signature, b"message")


@pytest.mark.parametrize(
    "number",
    [2, offline_verifier.P, offline_verifier.P + 1, 2**255 - 1, 1 | 1 << 255],
    ids=["off-curve", "zero-again", "one-again", "greatest", "minus-zero"],
)
def test_a_point_has_one_spelling(number):
    """A key that could be written in two ways would have two ids (RFC 8032 §5.1.3)."""
    assert offline_verifier.decompressed(number.to_bytes(32, "little")) is None


NOTE = a_log(3).notes[3]


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n3\n", "\n03\n"),
        NOTE.replace("\n3\n", "\n\u0663\n"),
        NOTE.replace("\n3\n", f"\n{2**63}\n"),
        NOTE.replace("\n3\n", "\n\n3\n"),
        NOTE.replace("\n3\n", "\n"),
        NOTE.replace("=\n\n", "\n\n"),
        NOTE.replace("=\n\n", "A\n\n"),
        "as.example/audit\n3\nAAAA" + NOTE[NOTE.index("\n\n") :],
        NOTE.replace("as.example", "as\texample"),
    ],
    ids=ascii,
)
def test_what_is_no_checkpoint_is_refused(note):
    """It reads notes as strictly as the program it checks."""
    with pytest.raises(offline_verifier.Fault):
        offline_verifier.Checkpoint(note)
