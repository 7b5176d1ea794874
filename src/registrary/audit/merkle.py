"""The Merkle tree over the log (RFC 6962 §2.1), grown leaf by leaf and kept in tiles.

A tile holds up to 256 hashes of every eighth level (C2SP tlog-tiles). Full tiles never change;
of each level only the last tile grows, and together the growing ones say all that is needed to
go on: how many leaves there are, the root, and what the next leaf will be hashed with.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962 §2.1)."""


TileId: TypeAlias = tuple[int, int]
"""The place of a tile: its level (0 holds leaf hashes) and its index in the level."""

Tiles: TypeAlias = Mapping[TileId, bytes]
"""Tiles that were fetched: the hashes of each, one after the other. Longer ones do no harm."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile to be stored; it replaces a shorter one at its place.

    Entry *i* of *hashes* covers ``256**level`` leaves from ``(index * 256 + i) * 256**level`` on.
    """

    level: int
    index: int
    hashes: bytes


class MissingTileError(LookupError):
    """A tile that the tree must have is not there, or is too short: the log is damaged."""

    def __init__(self, tile_id: TileId) -> None:
        level, index = tile_id
        super().__init__(f"tile {index} of level {level} is missing or too short")
        self.tile_id = tile_id


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree, from which it grows.

    *peaks* are the roots of its perfect subtrees, greatest first: one for each binary digit
    of *size*. *edges* are, level by level, the hashes in the tile that is not full yet.
    """

    size: int
    peaks: tuple[bytes, ...]
    edges: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves."""
        return join_peaks(self.peaks)


EMPTY: Final = Frontier(0, (), ())
"""The frontier of the tree without leaves."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What appending leaves made of a tree: its new frontier, and the tiles to be stored."""

    frontier: Frontier
    tiles: tuple[Tile, ...]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 6962 §2.1)."""
    return sha256(b"\1" + left + right).digest()


def extend(frontier: Frontier, leaf_hashes: Iterable[bytes]) -> Extension:
    """Append *leaf_hashes* to the tree and tell which tiles to store, full ones first.

    Store tiles, size and the events' indexes in one transaction: each means nothing without
    the others. Raises ValueError for a hash that has not `HASH_BYTES`.
    """
    growth = _Growth(frontier)
    for leaf_hash in leaf_hashes:
        growth.append(leaf_hash)
    return growth.result()


def edge_tiles(size: int) -> tuple[TileId, ...]:
    """Return the tiles from which the frontier of a tree of *size* leaves is read."""
    return tuple(
        (level, size >> TILE_HEIGHT * (level + 1))
        for level in range(_levels(size))
        if _width(size, level)
    )


def frontier_of(size: int, tiles: Tiles) -> Frontier:
    """Return the frontier of the tree of *size* leaves, read from its `edge_tiles`.

    The tree may have grown beyond *size* since. Nothing is trusted but the tiles: compare the
    root with the last checkpoint before signing another. Raises `MissingTileError`.
    """
    edges = tuple(
        entries(tiles, (level, size >> TILE_HEIGHT * (level + 1)), _width(size, level))
        for level in range(_levels(size))
    )
    peaks = [peak for edge in reversed(edges) for peak in _peaks_of(edge)]
    return Frontier(size, tuple(peaks), edges)


def entries(tiles: Tiles, tile_id: TileId, count: int) -> bytes:
    """Return the first *count* hashes of a tile, or raise `MissingTileError`."""
    hashes = tiles.get(tile_id, b"")[: count * HASH_BYTES]
    if len(hashes) < count * HASH_BYTES:
        raise MissingTileError(tile_id)
    return hashes


def join_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees, greatest first (RFC 6962 §2.1)."""
    if not peaks:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks))


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over *hashes*, as many as a power of two."""
    row = split(hashes)
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def split(hashes: bytes) -> list[bytes]:
    """Return the single hashes of a tile."""
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]


class _Growth:
    """A tree while leaves are appended; lives inside one call of `extend`."""

    def __init__(self, frontier: Frontier) -> None:
        self._before = frontier
        self._size = frontier.size
        self._peaks = list(frontier.peaks)
        self._edges = [bytearray(edge) for edge in frontier.edges]
        self._full: list[Tile] = []

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf: merge it with every peak that it makes perfect."""
        if len(leaf_hash) != HASH_BYTES:
            raise ValueError(f"a leaf hash must have {HASH_BYTES} bytes")
        node, height, rest = leaf_hash, 0, self._size
        self._enter(0, node)
        while rest & 1:
            node = sha256(b"\1" + self._peaks.pop() + node).digest()  # `node_hash`, for speed here
            rest >>= 1
            height += 1
            if not height % TILE_HEIGHT:
                self._enter(height // TILE_HEIGHT, node)
        self._peaks.append(node)
        self._size += 1

    def _enter(self, level: int, node: bytes) -> None:
        if level == len(self._edges):
            self._edges.append(bytearray())
        edge = self._edges[level]
        edge += node
        if len(edge) == TILE_BYTES:
            index = self._size >> TILE_HEIGHT * (level + 1)
            self._full.append(Tile(level, index, bytes(edge)))
            edge.clear()

    def result(self) -> Extension:
        """Return the frontier, the tiles that were filled and those that grew."""
        edges = tuple(bytes(edge) for edge in self._edges)
        old = self._before.edges + (b"",) * (len(edges) - len(self._before.edges))
        grown = [
            Tile(level, self._size >> TILE_HEIGHT * (level + 1), edge)
            for level, edge in enumerate(edges)
            if edge and edge != old[level]
        ]
        return Extension(Frontier(self._size, tuple(self._peaks), edges), (*self._full, *grown))


def _levels(size: int) -> int:
    """Return how many levels of tiles a tree of *size* leaves has."""
    return (size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT


def _width(size: int, level: int) -> int:
    """Return how many hashes the last tile of *level* holds, 0 when all are full."""
    return (size >> TILE_HEIGHT * level) % TILE_WIDTH


def _peaks_of(edge: bytes) -> list[bytes]:
    """Return the perfect roots over the hashes of an edge, greatest first."""
    peaks = []
    while edge:
        count = 1 << (len(edge) // HASH_BYTES).bit_length() - 1
        peaks.append(perfect_root(edge[: count * HASH_BYTES]))
        edge = edge[count * HASH_BYTES :]
    return peaks
