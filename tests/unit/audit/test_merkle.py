"""The tree is the one of RFC 6962, and its tiles are those of C2SP tlog-tiles."""

from hashlib import sha256

import pytest

from registrary.audit.merkle import (
    EMPTY,
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_WIDTH,
    MissingTileError,
    edge_tiles,
    extend,
    frontier_of,
)

REFERENCE_ENTRIES = [
    bytes.fromhex(digits)
    for digits in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The entries that implementations of Certificate Transparency test their trees with."""

REFERENCE_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The published root of the tree over the first *n* of them."""


def leaves(count: int) -> list[bytes]:
    """Return *count* leaf hashes, all different."""
    return [sha256(b"\0" + place.to_bytes(4, "big")).digest() for place in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size):
    """A root that only we can compute proves nothing to anybody else."""
    hashes = [sha256(b"\0" + entry).digest() for entry in REFERENCE_ENTRIES[:size]]

    root = extend(EMPTY, hashes).frontier.root

    assert REFERENCE_ROOTS[size] == root.hex()


def test_the_empty_tree_has_the_root_of_the_rfc():
    """A log is signed before its first event: its first checkpoint is over no leaves."""
    assert sha256(b"").digest() == EMPTY_ROOT == EMPTY.root == frontier_of(0, {}).root


def test_tiles_are_laid_out_as_in_the_example_of_the_specification():
    """C2SP tlog-tiles says what a tree of 70 000 leaves consists of."""
    tiles = extend(EMPTY, leaves(70_000)).tiles

    widths = [(tile.level, tile.index, len(tile.hashes) // HASH_BYTES) for tile in tiles]
    expected = [(0, index, TILE_WIDTH) for index in range(273)]
    expected += [(0, 273, 112), (1, 0, TILE_WIDTH), (1, 1, 17), (2, 0, 1)]
    assert sorted(expected) == sorted(widths)
    assert [(0, 273), (1, 1), (2, 0)] == list(edge_tiles(70_000))


def test_a_full_tile_leaves_an_entry_above_and_nothing_beside():
    """At 256 leaves the edge of the lowest level is empty; an empty tile is never stored."""
    extension = extend(EMPTY, leaves(TILE_WIDTH))

    assert [(0, 0), (1, 0)] == [(tile.level, tile.index) for tile in extension.tiles]
    assert extension.frontier.root == extension.tiles[1].hashes
    assert ((1, 0),) == edge_tiles(TILE_WIDTH)


def test_nothing_appended_stores_nothing():
    """A sequencer that finds no event writes nothing."""
    frontier = extend(EMPTY, leaves(300)).frontier

    extension = extend(frontier, [])

    assert (frontier, ()) == (extension.frontier, extension.tiles)


def test_only_tiles_that_changed_are_stored():
    """One more event rewrites one tile, however long the log is."""
    frontier = extend(EMPTY, leaves(70_000)).frontier

    extension = extend(frontier, leaves(1))

    assert [(0, 273)] == [(tile.level, tile.index) for tile in extension.tiles]


@pytest.mark.parametrize("length", [0, HASH_BYTES - 1, HASH_BYTES + 1])
def test_what_is_no_hash_is_refused(length):
    """A short leaf would shift every later hash in its tile."""
    with pytest.raises(ValueError, match="leaf hash"):
        extend(EMPTY, [bytes(length)])


@pytest.mark.parametrize("hashes", [None, b"", bytes(31)], ids=["absent", "empty", "cut"])
def test_a_damaged_edge_is_noticed(hashes):
    """A log whose last tile is lost must stop, not start again from a wrong root."""
    tiles = {} if hashes is None else {(0, 0): hashes}

    with pytest.raises(MissingTileError) as refusal:
        frontier_of(1, tiles)

    assert (0, 0) == refusal.value.tile_id
