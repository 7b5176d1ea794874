"""Verify an export of a Registrary audit log, with nothing but this file and Python 3.11.

    python offline_verifier.py EXPORT.jsonl [--vkey KEY]... [--previous CHECKPOINT]

Exit codes: 0 the export is sound, 1 it is not (the first fault is printed), 2 it could not be
judged (a file or key that cannot be read).

What is shown: every event is the one that was hashed; all events together, or each by its proof,
are what the signed checkpoints cover; each checkpoint continues the one before. With --vkey
the signatures are of a key you trust; without, the key in the export is taken and printed, so that
you can compare it. With --previous the log also continues a checkpoint that you kept from earlier:
nobody can have rewritten what it covers.

This file imports nothing of the program that wrote the export, so that it can be read and trusted
by itself: RFC 6962 and RFC 9162 (tree and proofs), RFC 8032 (Ed25519), RFC 8785 (JSON), C2SP
signed-note and tlog-checkpoint (signatures). The lines of an export are described in FORMAT.
"""

import argparse
import base64
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

FORMAT = """
Every line is one JSON object in canonical form (RFC 8785) and ends with a newline.
header      format, issuer, keys, origin, selection ("complete" or "subset")
event       index, leaf; then event (the text that was hashed), id, salt, time, or erased: true;
            in a subset also size and proof (RFC 9162 2.1.3), for the checkpoint over size leaves
checkpoint  note; in a subset, from the second on, consistency (RFC 9162 2.1.4)
end         checkpoints, events: how many there are
leaf = SHA-256(0x00 || SHA-256(salt || event)), salt of 16 bytes
Complete: all events from index 0, each checkpoint right after the last event it covers.
Subset: first the checkpoints by size, then the events by index.
"""

MEMBERS = {
    "header": ({"format", "issuer", "keys", "origin", "selection"}, set()),
    "event": ({"index", "leaf"}, {"event", "id", "salt", "time", "erased", "size", "proof"}),
    "checkpoint": ({"note"}, {"consistency"}),
    "end": ({"checkpoints", "events"}, set()),
}
"""Per kind of line: the members it must have, and those it may have."""

TYPES = {
    **dict.fromkeys(("index", "size", "events", "checkpoints"), int),
    **dict.fromkeys(("keys", "proof", "consistency"), list),
    "erased": bool,
}
"""The types of members; all others are strings."""

Line = dict[str, Any]
"""The members of a line, whose types were checked."""

SALT_BYTES = 16
HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
LINES_OF_A_TREE_HEAD = 3


class Fault(Exception):
    """The export is not sound; the text says why."""


class Unusable(Exception):
    """Something given beside the export cannot be used."""


# --- Ed25519 (RFC 8032 5.1) ---------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T

NEUTRAL: Point = (0, 1, 1, 0)


def add(one: Point, other: Point) -> Point:
    """Add two points of the curve (5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def decompressed(octets: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, None if they stand for none (5.1.3)."""
    number = int.from_bytes(octets, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(octets) != HASH_BYTES or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def compressed(point: Point) -> bytes:
    """Return the 32 bytes that stand for *point* (5.1.2)."""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decompressed((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or NEUTRAL


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether *signature* over *message* was made with *public_key* (5.1.7)."""
    key = decompressed(public_key)
    s = int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 2 * HASH_BYTES or s >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    k = int.from_bytes(digest, "little") % ORDER
    minus_key = (P - key[0], key[1], key[2], P - key[3])
    steps = (NEUTRAL, BASE, minus_key, add(BASE, minus_key))
    result = NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):  # s * BASE - k * key at once
        result = add(result, result)
        result = add(result, steps[(s >> bit & 1) | (k >> bit & 1) << 1])
    return compressed(result) == signature[:32]


# --- Merkle tree and proofs (RFC 6962 2.1, RFC 9162 2.1) ----------------------------------------


def sha256(octets: bytes) -> bytes:
    """Return the SHA-256 of *octets*."""
    return hashlib.sha256(octets).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right)


class Tree:
    """A tree that grows by one leaf at a time; only the roots of its perfect parts are kept."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add *leaf* at the right."""
        rest = self.size
        while rest & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            rest >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves."""
        if not self.peaks:
            return sha256(b"")
        result = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            result = node_hash(peak, result)
        return result


def is_included(leaf: bytes, index: int, size: int, *, root: bytes, proof: list[bytes]) -> bool:
    """Tell whether *proof* leads from *leaf* at *index* to *root* (RFC 9162 2.1.3.2)."""
    if index >= size:
        return False
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place % 2 == 1 or place == last:
            node = node_hash(sibling, node)
            while place % 2 == 0 and place != 0:
                place, last = place // 2, last // 2
        else:
            node = node_hash(node, sibling)
        place, last = place // 2, last // 2
    return last == 0 and node == root


def is_continued(
    first: int, first_root: bytes, second: int, *, root: bytes, proof: list[bytes]
) -> bool:
    """Tell whether the tree of *second* leaves continues that of *first* (RFC 9162 2.1.4.2)."""
    if not 0 < first < second:
        return False
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    place, last = first - 1, second - 1
    while place % 2 == 1:
        place, last = place // 2, last // 2
    if not path:
        return False
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place % 2 == 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place % 2 == 0 and place != 0:
                place, last = place // 2, last // 2
        else:
            new = node_hash(new, sibling)
        place, last = place // 2, last // 2
    return last == 0 and (old, new) == (first_root, root)


# --- Keys and checkpoints (C2SP signed-note, tlog-checkpoint) -----------------------------------


def unbase64(text: str) -> bytes:
    """Return the bytes of base64 *text*, which must be spelt in the one right way."""
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise Fault("something that should be base64 is not") from error
    if base64.b64encode(octets).decode() != text:
        raise Fault("something that should be base64 is not")
    return octets


class Key:
    """A public key as written in a vkey: name+id+base64(type and key)."""

    def __init__(self, vkey: str) -> None:
        self.name, _, rest = vkey.partition("+")
        digits, _, material = rest.partition("+")
        octets = unbase64(material)
        self.key_id = sha256(self.name.encode() + b"\n" + octets)[:4]
        self.public_key = octets[1:]
        if self.key_id.hex() != digits or not self.name:
            raise Fault("a key does not match its id")
        if octets[:1] != b"\x01":
            raise Fault("a key is not an Ed25519 key")


class Checkpoint:
    """A signed note over a tree head; read at once, verified by `check_signature`."""

    def __init__(self, note: str) -> None:
        text, blank, signatures = note.rpartition("\n\n")
        lines = text.split("\n")
        has_tree_head = len(lines) >= LINES_OF_A_TREE_HEAD and all(lines)
        if not blank or not signatures.endswith("\n") or not has_tree_head:
            raise Fault("the checkpoint is not a signed note over a tree head")
        if re.search(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]", note):
            raise Fault("the checkpoint holds control characters")
        if not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) > MAX_SIZE:
            raise Fault("the size in the checkpoint is malformed")
        self.origin, self.size, self.root = lines[0], int(lines[1]), unbase64(lines[2])
        if len(self.root) != HASH_BYTES:
            raise Fault("the root in the checkpoint is malformed")
        self.text = text + "\n"
        self.signatures = signatures[:-1].split("\n")

    def check_signature(self, keys: list[Key]) -> None:
        """Demand a signature of one of *keys*, and none of theirs that is bad."""
        signed = False
        for line in self.signatures:
            match = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
            if not match:
                raise Fault("a signature line of the checkpoint is malformed")
            octets = unbase64(match[2])
            for key in keys:
                if (key.name, key.key_id) == (match[1], octets[:4]):
                    if not verify_ed25519(key.public_key, octets[4:], self.text.encode()):
                        raise Fault(f"the signature of {key.name} is not over this checkpoint")
                    signed = True
        if not signed:
            raise Fault("no known key signed the checkpoint")


# --- The export -----------------------------------------------------------------------------------


def parse_line(octets: bytes) -> Line:
    """Return the members of a line, whose spelling must be the canonical one."""
    try:
        line = json.loads(octets.decode())
        spelling = json.dumps(line, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        is_canonical = spelling.encode() + b"\n" == octets
    except (ValueError, RecursionError) as error:
        raise Fault("the line is not JSON") from error
    if not is_canonical or not isinstance(line, dict):
        raise Fault("the line is not one JSON object in canonical form")
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in MEMBERS:
        raise Fault("the line is of no known kind")
    required, optional = MEMBERS[kind]
    names = set(line) - {"kind"}
    if not required <= names or not names <= required | optional:
        raise Fault("the line does not have the members of its kind")
    for name, value in line.items():
        check_type(name, value)
    return line


def check_type(name: str, value: object) -> None:
    """Demand that the member *name* has the type the format gives it."""
    if type(value) is not TYPES.get(name, str):
        raise Fault(f"the member {name} is not of its type")
    if isinstance(value, int) and not 0 <= value <= MAX_SIZE:
        raise Fault(f"the member {name} is out of range")
    if isinstance(value, list) and not all(isinstance(each, str) for each in value):
        raise Fault(f"the member {name} is not of its type")


class Export:
    """The state of a reading from front to back; what was read so far is sound."""

    def __init__(self, keys: list[Key], previous: Checkpoint | None) -> None:
        self.keys = keys
        self.previous = previous
        self.line_number = 0
        self.place = ""
        self.header: Line | None = None
        self.newest: Checkpoint | None = None
        self.roots: dict[int, bytes] = {}
        self.tree = Tree()
        self.next_index = 0
        self.events = 0
        self.erased = 0
        self.has_ended = False

    def read(self, octets: bytes) -> None:
        """Check one line."""
        self.line_number += 1
        self.place = f"line {self.line_number}"
        line = parse_line(octets)
        if self.has_ended:
            raise Fault("a line follows the end")
        if (self.header is None) != (line["kind"] == "header"):
            raise Fault("the first line, and no other, must be the header")
        steps = {
            "header": self.read_header,
            "event": self.read_event,
            "checkpoint": self.read_checkpoint,
            "end": self.read_end,
        }
        steps[line["kind"]](line)

    def finish(self) -> None:
        """Demand that the last line was read."""
        if not self.has_ended:
            self.place = "the end of the file"
            raise Fault("the export was cut off")

    def is_subset(self) -> bool:
        """Tell whether events carry proofs."""
        return self.header is not None and self.header["selection"] == "subset"

    def read_header(self, line: Line) -> None:
        """Check the first line."""
        if line["format"] != "registrary-audit-export/1":
            raise Fault("this is not an export of the version that this file knows")
        if line["selection"] not in {"complete", "subset"}:
            raise Fault("the selection is neither complete nor subset")
        self.header = line
        own_keys = [Key(vkey) for vkey in line["keys"]]
        self.keys = self.keys or own_keys
        if self.previous:
            self.check_origin(self.previous)
            self.previous.check_signature(self.keys)
            self.compare_with_previous(0, sha256(b""))

    def read_event(self, line: Line) -> None:
        """Check an event: by itself, then its place in the log."""
        self.place += f", event {line.get('id', 'erased')} with index {line['index']}"
        leaf = unbase64(line["leaf"])
        said = {"event", "id", "salt", "time"} & set(line)
        if len(leaf) != HASH_BYTES or len(said) != (0 if "erased" in line else 4):
            raise Fault("the event is neither whole nor erased")
        if line.get("erased", True) is not True:
            raise Fault("the event is neither whole nor erased")
        self.events += 1
        self.erased += "erased" in line
        if said:
            self.check_event(line, leaf)
        if self.is_subset():
            self.check_proof(line, leaf)
        else:
            self.count(line, leaf)

    def check_event(self, line: Line, leaf: bytes) -> None:
        """Demand that an event is the one that was hashed, and the one the line speaks of."""
        salt, text = unbase64(line["salt"]), line["event"].encode()
        if len(salt) != SALT_BYTES or sha256(b"\x00" + sha256(salt + text)) != leaf:
            raise Fault("the event does not hash to its leaf: it was changed")
        try:
            event = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Fault("the event is not JSON") from error
        issuer = self.header["issuer"] if self.header else None
        expected = {"id": line["id"], "time": line["time"], "issuer": issuer}
        if not isinstance(event, dict) or expected != {name: event.get(name) for name in expected}:
            raise Fault("id, time or issuer are not those of the event")

    def count(self, line: Line, leaf: bytes) -> None:
        """Add an event of a complete export to the tree."""
        if "proof" in line or "size" in line:
            raise Fault("a complete export holds no inclusion proofs")
        if line["index"] != self.next_index:
            raise Fault(f"the event with index {self.next_index} should stand here")
        self.next_index += 1
        self.tree.append(leaf)
        if self.previous and self.previous.size == self.tree.size:
            self.compare_with_previous(self.tree.size, self.tree.root())

    def check_proof(self, line: Line, leaf: bytes) -> None:
        """Demand that the proof of an event of a subset holds."""
        if "proof" not in line or "size" not in line:
            raise Fault("the event has no inclusion proof")
        if line["index"] < self.next_index:
            raise Fault("events are not in the order of their indexes")
        self.next_index = line["index"] + 1
        if line["size"] not in self.roots:
            raise Fault(f"no checkpoint over {line['size']} leaves stands before the event")
        root, proof = self.roots[line["size"]], [unbase64(each) for each in line["proof"]]
        if not is_included(leaf, line["index"], line["size"], root=root, proof=proof):
            raise Fault("the inclusion proof does not hold")

    def read_checkpoint(self, line: Line) -> None:
        """Check a checkpoint: its place, what it covers, and who signed it."""
        checkpoint = Checkpoint(line["note"])
        self.check_origin(checkpoint)
        if self.newest and checkpoint.size <= self.newest.size:
            raise Fault("checkpoints are not in the order of their sizes")
        if self.is_subset():
            self.check_link(line, checkpoint)
        else:
            self.check_root(line, checkpoint)
        checkpoint.check_signature(self.keys)
        self.compare_with_previous(checkpoint.size, checkpoint.root)
        self.newest = checkpoint
        self.roots[checkpoint.size] = checkpoint.root

    def check_origin(self, checkpoint: Checkpoint) -> None:
        """Demand that a checkpoint is of the log this export is of."""
        if self.header is None or checkpoint.origin != self.header["origin"]:
            raise Fault("a checkpoint is of another log")

    def check_root(self, line: Line, checkpoint: Checkpoint) -> None:
        """Demand that a checkpoint covers exactly the events before it."""
        if "consistency" in line:
            raise Fault("a complete export holds no consistency proofs")
        if checkpoint.size != self.tree.size:
            covered, before = checkpoint.size, self.tree.size
            raise Fault(f"the checkpoint covers {covered} events, not the {before} before it")
        if checkpoint.root != self.tree.root():
            start = self.newest.size if self.newest else 0
            raise Fault(
                f"the events with indexes {start} to {checkpoint.size - 1}"
                " are not those the checkpoint was signed over"
            )

    def check_link(self, line: Line, checkpoint: Checkpoint) -> None:
        """Demand that a checkpoint of a subset continues the one before it."""
        if self.events:
            raise Fault("in a subset checkpoints stand before events")
        if self.newest is None or self.newest.size == 0:
            if "consistency" in line:
                raise Fault("there is nothing to be consistent with")
            return
        proof = [unbase64(each) for each in line.get("consistency", [])]
        size, root = self.newest.size, self.newest.root
        if not is_continued(size, root, checkpoint.size, root=checkpoint.root, proof=proof):
            raise Fault("the consistency proof does not hold")

    def compare_with_previous(self, size: int, root: bytes) -> None:
        """Demand that the log had *root* when the earlier checkpoint was taken at *size*."""
        if self.previous and self.previous.size == size:
            if self.previous.root != root:
                raise Fault(f"the log of {size} events is not the one you have a checkpoint of")
            self.previous = None

    def read_end(self, line: Line) -> None:
        """Check that nothing is missing."""
        if (line["events"], line["checkpoints"]) != (self.events, len(self.roots)):
            raise Fault("the export does not hold as much as its end says")
        if self.newest is None:
            raise Fault("the export holds no checkpoint: nothing in it is signed")
        if not self.is_subset() and self.newest.size != self.tree.size:
            raise Fault(f"events from index {self.newest.size} on are covered by no checkpoint")
        if self.previous:
            raise Fault(
                f"the export does not lead from your checkpoint over {self.previous.size} events"
                f" to its own over {self.newest.size}"
            )
        self.has_ended = True


def report(export: Export, *, is_trusted: bool) -> str:
    """Return what was found out about a sound export, in plain sentences."""
    header, newest = export.header, export.newest
    if header is None or newest is None:
        raise Fault("the export is empty")
    counts = f"{export.events} events ({export.erased} erased) of the log {header['origin']}"
    root = base64.b64encode(newest.root).decode()
    sentences = [
        f"The export is sound: {counts}.",
        f"The newest checkpoint covers {newest.size} events under the root {root}.",
    ]
    if is_trusted:
        sentences.append("It is signed by the key you gave.")
    else:
        sentences.append("The key was taken from the export itself; compare it with yours:")
        sentences += header["keys"]
    return "\n".join(sentences)


def read_keys(vkeys: list[str]) -> list[Key]:
    """Return the keys given on the command line."""
    try:
        return [Key(vkey) for vkey in vkeys]
    except Fault as fault:
        raise Unusable(f"The key given with --vkey cannot be used: {fault}.") from fault


def read_previous(octets: bytes) -> Checkpoint:
    """Return the checkpoint given on the command line; its signature is checked later."""
    try:
        return Checkpoint(octets.decode())
    except (Fault, UnicodeDecodeError) as error:
        raise Unusable("The file given with --previous is not a signed checkpoint.") from error


def verify(lines: Iterable[bytes], vkeys: list[str], previous: bytes | None) -> tuple[int, str]:
    """Verify the *lines* of an export and return the exit code and what to say."""
    try:
        keys = read_keys(vkeys)
        export = Export(keys, None if previous is None else read_previous(previous))
    except Unusable as error:
        return 2, str(error)
    try:
        for octets in lines:
            export.read(octets)
        export.finish()
        return 0, report(export, is_trusted=bool(keys))
    except Fault as fault:
        return 1, f"The export is NOT sound, at {export.place}: {fault}."


def main() -> int:
    """Read the arguments and files, print the judgement, return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an export of a Registrary audit log.")
    parser.add_argument("export", help="the file to verify")
    parser.add_argument("--vkey", action="append", default=[], help="a key you trust (repeatable)")
    parser.add_argument("--previous", help="a file with a signed checkpoint you kept from earlier")
    arguments = parser.parse_args()
    try:
        previous = read_file(arguments.previous) if arguments.previous else None
        with open(arguments.export, "rb") as lines:  # noqa: PTH123 - spares an import
            code, sentences = verify(lines, arguments.vkey, previous)
    except OSError as error:
        code, sentences = 2, f"{error.filename} cannot be read: {error.strerror}."
    print(sentences)  # noqa: T201 - what it is for
    return code


def read_file(name: str) -> bytes:
    """Return what is in the file called *name*."""
    with open(name, "rb") as file:  # noqa: PTH123 - spares an import
        return file.read()


if __name__ == "__main__":
    raise SystemExit(main())
