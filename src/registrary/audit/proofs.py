"""Proofs about the log: an event is in it, and a newer log continues an older one.

A proof is made in two steps, so that making it needs no I/O: `tiles_for_…` names the tiles, the
caller fetches them, and the function of the same name returns the hashes (RFC 9162 §2.1.3,
§2.1.4). Verifying needs only the proof.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from registrary.audit.merkle import (
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    TileId,
    Tiles,
    entries,
    join_peaks,
    node_hash,
    perfect_root,
)

Proof: TypeAlias = tuple[bytes, ...]

_Span: TypeAlias = tuple[int, int]
"""Leaves from one index to before another: a subtree."""

MAX_PROOF_HASHES: Final = 63
"""More than any proof in a tree whose size fits in 63 bits."""


def tiles_for_inclusion(index: int, size: int) -> tuple[TileId, ...]:
    """Return the tiles that `inclusion_proof` reads, in no particular order."""
    return _tiles_under(_inclusion_spans(index, size))


def inclusion_proof(index: int, size: int, tiles: Tiles) -> Proof:
    """Prove that leaf *index* is in the tree of *size* leaves (RFC 9162 §2.1.3.1).

    Raises ValueError unless ``0 <= index < size``, `MissingTileError` when *tiles* lacks one.
    """
    return tuple(_span_root(span, tiles) for span in _inclusion_spans(index, size))


def tiles_for_consistency(first: int, second: int) -> tuple[TileId, ...]:
    """Return the tiles that `consistency_proof` reads, in no particular order."""
    return _tiles_under(_consistency_spans(first, second))


def consistency_proof(first: int, second: int, tiles: Tiles) -> Proof:
    """Prove that the tree of *second* leaves continues the one of *first* (RFC 9162 §2.1.4.1).

    Raises ValueError unless ``0 < first <= second``: every tree continues the empty one.
    Raises `MissingTileError` when *tiles* lacks one.
    """
    return tuple(_span_root(span, tiles) for span in _consistency_spans(first, second))


def verify_inclusion(
    leaf_hash: bytes, *, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether *proof* shows *leaf_hash* at *index* under *root* (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf_hash, *proof):
        return False
    node, place, last = leaf_hash, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            place, last = _up_to_right_child(place, last)
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    first: int, first_root: bytes, *, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether *proof* shows that the second tree continues the first (RFC 9162 §2.1.4.2).

    *first* must be positive: nothing has to be shown of an empty tree.
    """
    if not 0 < first <= second or not _are_hashes(first_root, second_root, *proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    if first & (first - 1) == 0:
        proof = (first_root, *proof)
    if not proof:
        return False
    return _climb(first, second, proof) == (first_root, second_root)


def _climb(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return both roots that *path* leads to, None when its length does not fit."""
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _up_to_right_child(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def _up_to_right_child(place: int, last: int) -> tuple[int, int]:
    """Skip the levels at which the right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _are_hashes(*values: bytes) -> bool:
    return len(values) <= MAX_PROOF_HASHES + 2 and all(len(each) == HASH_BYTES for each in values)


def _inclusion_spans(index: int, size: int) -> list[_Span]:
    """Return the subtrees whose roots are the proof, from the leaf up (PATH of the RFC)."""
    if not 0 <= index < size:
        raise ValueError("the index must be inside the tree")
    begin, end = 0, size
    spans = []
    while end - begin > 1:
        middle = begin + _left_size(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def _consistency_spans(first: int, second: int) -> list[_Span]:
    """Return the subtrees whose roots are the proof (SUBPROOF of the RFC)."""
    if not 0 < first <= second:
        raise ValueError("sizes must be positive and in order")
    begin, end = 0, second
    spans = []
    while first != end:
        middle = begin + _left_size(end - begin)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    if begin:  # else the whole first tree is one subtree, whose root the verifier has
        spans.append((begin, end))
    return spans[::-1]


def _left_size(size: int) -> int:
    """Return the greatest power of two below *size*, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _perfect_subtrees(span: _Span) -> Iterator[tuple[int, int]]:
    """Yield height and number of the perfect subtrees that make up *span*, greatest first."""
    begin, end = span
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _tile_under(height: int, number: int) -> tuple[TileId, int, int]:
    """Return where a perfect subtree stands in the tiles: the tile, first entry, entries."""
    level, above = divmod(height, TILE_HEIGHT)
    index, start = divmod(number << above, TILE_WIDTH)
    return (level, index), start, 1 << above


def _tiles_under(spans: Iterable[_Span]) -> tuple[TileId, ...]:
    subtrees = (subtree for span in spans for subtree in _perfect_subtrees(span))
    return tuple({_tile_under(*subtree)[0] for subtree in subtrees})


def _span_root(span: _Span, tiles: Tiles) -> bytes:
    return join_peaks([_subtree_root(tiles, *subtree) for subtree in _perfect_subtrees(span)])


def _subtree_root(tiles: Tiles, height: int, number: int) -> bytes:
    tile_id, start, count = _tile_under(height, number)
    return perfect_root(entries(tiles, tile_id, start + count)[start * HASH_BYTES :])
