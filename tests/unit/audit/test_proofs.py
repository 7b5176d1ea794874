"""Proofs are those of RFC 9162 §2.1.3 and §2.1.4, hash for hash."""

from hashlib import sha256

import pytest

from registrary.audit.merkle import EMPTY, MissingTileError, Tiles, extend
from registrary.audit.proofs import (
    consistency_proof,
    inclusion_proof,
    tiles_for_consistency,
    tiles_for_inclusion,
    verify_consistency,
    verify_inclusion,
)

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
ENTRIES += ["606162636465666768696a6b6c6d6e6f"]

LEAVES = [sha256(b"\0" + bytes.fromhex(entry)).digest() for entry in ENTRIES]

ROOTS = [extend(EMPTY, LEAVES[:size]).frontier.root for size in range(len(LEAVES) + 1)]

# Published hashes of the reference tree: of leaf n, of the pair from n, of the four from n.
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LEAF_6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
PAIR_0 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
PAIR_2 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
PAIR_4 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
PAIR_6 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
FOUR_0 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
FOUR_4 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"


def tiles_of(size: int) -> Tiles:
    """Return the tiles of the reference tree with *size* leaves."""
    return {(tile.level, tile.index): tile.hashes for tile in extend(EMPTY, LEAVES[:size]).tiles}


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [
        (0, 1, []),
        (0, 8, [LEAF_1, PAIR_2, FOUR_4]),
        (5, 8, [LEAF_4, PAIR_6, FOUR_0]),
        (2, 3, [PAIR_0]),
        (1, 5, [LEAF_0, PAIR_2, LEAF_4]),
    ],
)
def test_inclusion_proofs_are_the_published_ones(index, size, expected):
    """Any verifier of Certificate Transparency proofs must be able to check ours."""
    proof = inclusion_proof(index, size, tiles_of(8))

    assert expected == [each.hex() for each in proof]
    assert verify_inclusion(LEAVES[index], index=index, size=size, root=ROOTS[size], proof=proof)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1, 1, []),
        (1, 8, [LEAF_1, PAIR_2, FOUR_4]),
        (6, 8, [PAIR_4, PAIR_6, FOUR_0]),
        (2, 5, [PAIR_2, LEAF_4]),
        (6, 7, [PAIR_4, LEAF_6, FOUR_0]),
    ],
)
def test_consistency_proofs_are_the_published_ones(first, second, expected):
    """A witness written by others accepts our next checkpoint only with this very proof."""
    proof = consistency_proof(first, second, tiles_of(8))

    assert expected == [each.hex() for each in proof]
    assert verify_consistency(
        first, ROOTS[first], second=second, second_root=ROOTS[second], proof=proof
    )


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4), (9, 4)])
def test_no_inclusion_proof_outside_the_tree(index, size):
    """What is not in the log cannot be shown to be."""
    with pytest.raises(ValueError, match="inside the tree"):
        tiles_for_inclusion(index, size)
    assert not verify_inclusion(LEAVES[0], index=index, size=size, root=ROOTS[1], proof=[])


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 8), (-1, 8), (8, 7)])
def test_no_consistency_proof_from_nothing_or_backwards(first, second):
    """A log that shrank continues nothing; that a log continues the empty one says nothing."""
    with pytest.raises(ValueError, match="sizes"):
        tiles_for_consistency(first, second)
    assert not verify_consistency(first, ROOTS[0], second=second, second_root=ROOTS[8], proof=[])


def test_equal_trees_need_no_proof_and_take_none():
    """An anchor of the same size must simply have the same root."""
    root, other = ROOTS[8], ROOTS[7]

    assert verify_consistency(8, root, second=8, second_root=root, proof=[])
    assert not verify_consistency(8, other, second=8, second_root=root, proof=[])
    assert not verify_consistency(8, root, second=8, second_root=root, proof=[root])


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5, 6, 7])
def test_different_sizes_need_a_proof(first):
    """The empty proof must not pass for a power of two, whose root is its own first step."""
    assert not verify_consistency(first, ROOTS[first], second=8, second_root=ROOTS[8], proof=[])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_what_is_no_hash_proves_nothing(length):
    """Hashes of other lengths would let bytes move from one side of a node to the other."""
    odd = bytes(length)

    assert not verify_inclusion(odd, index=0, size=1, root=odd, proof=[])
    assert not verify_inclusion(LEAVES[0], index=0, size=2, root=ROOTS[2], proof=[odd])
    assert not verify_consistency(1, odd, second=1, second_root=odd, proof=[])


def test_an_endless_proof_is_refused_before_it_is_hashed():
    """A verifier fed by a stranger must not be kept busy."""
    proof = [LEAVES[0]] * 10_000

    assert not verify_inclusion(LEAVES[0], index=0, size=2**64, root=ROOTS[1], proof=proof)


@pytest.mark.parametrize(("index", "size"), [(0, 2), (299, 300)])
def test_a_lost_tile_is_named(index, size):
    """Whoever repairs the log has to know which tile to rebuild."""
    missing = tiles_for_inclusion(index, size)[0]

    with pytest.raises(MissingTileError) as refusal:
        inclusion_proof(index, size, {})

    assert missing in {refusal.value.tile_id, *tiles_for_inclusion(index, size)}
