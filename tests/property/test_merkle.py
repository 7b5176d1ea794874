"""Whatever the size of the log and the batches it grew in: one tree, and proofs that hold."""

from hashlib import sha256
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit.merkle import (
    EMPTY,
    Extension,
    TileId,
    edge_tiles,
    extend,
    frontier_of,
    node_hash,
)
from registrary.audit.proofs import (
    Proof,
    consistency_proof,
    inclusion_proof,
    tiles_for_consistency,
    tiles_for_inclusion,
    verify_consistency,
    verify_inclusion,
)

COUNT = 66_100  # beyond 256 * 256, so that there are three levels of tiles

LEAVES = [sha256(b"\0" + place.to_bytes(4, "big")).digest() for place in range(COUNT)]


def stored(extension: Extension) -> dict[TileId, bytes]:
    """Return the tiles of *extension* as a store keeps them."""
    return {(tile.level, tile.index): tile.hashes for tile in extension.tiles}


TILES = stored(extend(EMPTY, LEAVES))

BOUNDARIES = [1 << power for power in range(17)] + [65_536 + 256, 768, COUNT]
SIZES = st.integers(1, COUNT) | st.builds(
    lambda boundary, step: min(max(boundary + step, 1), COUNT),
    st.sampled_from(BOUNDARIES),
    st.integers(-2, 2),
)
MODEST_SIZES = st.integers(1, 700)


def root_by_definition(hashes: list[bytes]) -> bytes:
    """Return the Merkle tree hash as RFC 6962 §2.1 defines it."""
    if len(hashes) == 1:
        return hashes[0]
    middle = 1
    while middle * 2 < len(hashes):
        middle *= 2
    return node_hash(root_by_definition(hashes[:middle]), root_by_definition(hashes[middle:]))


@given(MODEST_SIZES)
@settings(deadline=None)
def test_the_root_is_the_one_of_the_definition(size):
    """Fast ways to the root are only worth having if they arrive at the same place."""
    assert root_by_definition(LEAVES[:size]) == extend(EMPTY, LEAVES[:size]).frontier.root


@given(st.lists(SIZES, max_size=6))
@settings(deadline=None, max_examples=30)
def test_batches_do_not_show(cuts):
    """The log must not depend on how busy the server was, or on where it was restarted."""
    places = [0, *sorted(cuts), COUNT]
    tiles: dict[TileId, bytes] = {}

    for start, end in pairwise(places):
        frontier = frontier_of(start, tiles)  # as after a restart
        tiles |= stored(extend(frontier, LEAVES[start:end]))

    assert TILES == tiles


@given(SIZES)
@settings(deadline=None)
def test_older_trees_are_still_in_the_tiles(size):
    """A checkpoint of last year is compared with the log of today."""
    tiles = {tile_id: TILES[tile_id] for tile_id in edge_tiles(size)}

    frontier = frontier_of(size, tiles)

    assert extend(EMPTY, LEAVES[:size]).frontier == frontier


@given(SIZES, st.data())
@settings(deadline=None)
def test_inclusion_proofs_hold(size, data):
    """Every event can be proved against every checkpoint after it, from the tiles it names."""
    index = data.draw(st.integers(0, size - 1))
    tiles = {tile_id: TILES[tile_id] for tile_id in tiles_for_inclusion(index, size)}

    proof = inclusion_proof(index, size, tiles)

    root = frontier_of(size, TILES).root
    assert verify_inclusion(LEAVES[index], index=index, size=size, root=root, proof=proof)


@given(SIZES, SIZES)
@settings(deadline=None)
def test_consistency_proofs_hold(one, other):
    """Every checkpoint can be proved to continue every one before it."""
    first, second = sorted((one, other))
    tiles = {tile_id: TILES[tile_id] for tile_id in tiles_for_consistency(first, second)}

    proof = consistency_proof(first, second, tiles)

    roots = [frontier_of(size, TILES).root for size in (first, second)]
    assert verify_consistency(first, roots[0], second=second, second_root=roots[1], proof=proof)


@given(MODEST_SIZES.filter(lambda size: size > 1), st.data())
@settings(deadline=None, max_examples=200)
def test_spoilt_inclusion_proofs_do_not_hold(size, data):
    """A proof is worth nothing if a changed one passes too."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TILES)
    root = frontier_of(size, TILES).root
    other_index = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
    spoilt = spoil(proof, data)

    claims = [
        (LEAVES[index], index, spoilt, root),
        (LEAVES[other_index], index, proof, root),
        (LEAVES[index], other_index, proof, root),
        (LEAVES[index], index, proof, flip(root, data)),
        (flip(LEAVES[index], data), index, proof, root),
    ]

    believed = [
        place
        for place, (leaf, at, path, top) in enumerate(claims)
        if verify_inclusion(leaf, index=at, size=size, root=top, proof=path)
    ]
    assert [] == believed


@given(MODEST_SIZES, MODEST_SIZES, st.data())
@settings(deadline=None, max_examples=200)
def test_spoilt_consistency_proofs_do_not_hold(one, other, data):
    """A log that was rewritten must not find a proof that it was not."""
    first, second = min(one, other), max(one, other) + 1
    proof = consistency_proof(first, second, TILES)
    old, new = (frontier_of(size, TILES).root for size in (first, second))

    claims = [
        (old, spoil(proof, data), new),
        (flip(old, data), proof, new),
        (old, proof, flip(new, data)),
        (new, proof, old),
    ]

    believed = [
        place
        for place, (before, path, after) in enumerate(claims)
        if verify_consistency(first, before, second=second, second_root=after, proof=path)
    ]
    assert [] == believed


def flip(octets: bytes, data: st.DataObject) -> bytes:
    """Return *octets* with one bit changed."""
    place = data.draw(st.integers(0, 8 * len(octets) - 1))
    changed = int.from_bytes(octets, "big") ^ (1 << place)
    return changed.to_bytes(len(octets), "big")


def spoil(proof: Proof, data: st.DataObject) -> Proof:
    """Return *proof* with one hash changed, left out, added, or two exchanged."""
    place = data.draw(st.integers(0, len(proof) - 1))
    ways: list[Proof] = [
        (*proof[:place], flip(proof[place], data), *proof[place + 1 :]),
        proof[:place] + proof[place + 1 :],
        (*proof[:place], LEAVES[0], *proof[place:]),
        (*proof, proof[-1]),
    ]
    if len(proof) > 1:
        ways.append((*proof[1:], proof[0]))
    return data.draw(st.sampled_from(ways))
