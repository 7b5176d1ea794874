"""Gives durable events their index in the log, and signs a checkpoint over each new size.

Any number of processes may run this at once: the store takes a sequencing only over the size
it was computed for, and the loser starts again from what is there by then.
"""

from typing import Final

from registrary.audit.checkpoint import (
    Checkpoint,
    VerifierKey,
    log_origin,
    open_checkpoint,
    render,
    sign,
)
from registrary.audit.merkle import EMPTY, Frontier, edge_tiles, extend, frontier_of
from registrary.core.issuer import Issuer
from registrary.core.signing_key import KeyUse
from registrary.ports.audit_log import AuditLog, Sequencing, Tile
from registrary.ports.keys import Signer
from registrary.ports.store import Conflict
from registrary.registrar.log_keys import verifier_key, verifier_keys

BATCH: Final = 2000  # events in one sequencing
ATTEMPTS: Final = 20  # in a row; the job comes by again in half a second
SIGNATURE_ALGORITHM: Final = "EdDSA"


class LogDamaged(Exception):
    """The stored tree does not give the root its last checkpoint signed; nothing is appended.

    Somebody changed the store, or the disk did. ``registrary audit verify`` says where.
    """


class Sequencer:
    """Sequences the log of one issuer after another."""

    def __init__(self, log: AuditLog, signer: Signer) -> None:
        self._log = log
        self._signer = signer

    async def run(self, issuer: Issuer) -> int:
        """Sequence what waits and return how many events that were.

        Raises `LogDamaged` rather than sign a tree that does not continue the last one, and
        `Conflict` when the store takes nothing although nobody else is faster.
        """
        sequenced, lost = 0, 0
        while True:
            try:
                count = await self._batch(issuer)
            except Conflict:
                lost += 1  # another process was faster, as a rule; it has made progress
                if lost == ATTEMPTS:
                    raise
                continue
            sequenced, lost = sequenced + count, 0
            if count < BATCH:
                return sequenced

    async def _batch(self, issuer: Issuer) -> int:
        waiting = await self._log.waiting(issuer.id, limit=BATCH)
        if not waiting:
            return 0
        frontier = await self._frontier(issuer)
        extension = extend(frontier, [event.leaf_hash for event in waiting])
        grown = extension.frontier
        await self._log.sequence(
            Sequencing(
                issuer=issuer.id,
                size=frontier.size,
                event_ids=tuple(event.event_id for event in waiting),
                tiles=tuple(Tile(tile.level, tile.index, tile.hashes) for tile in extension.tiles),
                checkpoint=await self._checkpoint(issuer, grown),
            )
        )
        return len(waiting)

    async def _frontier(self, issuer: Issuer) -> Frontier:
        """Read the right edge of the tree and hold it against what was signed last."""
        size = await self._log.log_size(issuer.id)
        if size == 0:
            return EMPTY
        tiles = {}
        for level, index in edge_tiles(size):
            tile = await self._log.tile(issuer.id, level, index)
            if tile is not None:
                tiles[level, index] = tile.hashes
        frontier = frontier_of(size, tiles)
        note = await self._log.checkpoint(issuer.id, size=size)
        if note is not None:
            keys = await self.verifier_keys(issuer)
            signed = open_checkpoint(note, keys, origin=log_origin(issuer.log_address))
            if (signed.size, signed.root) != (size, frontier.root):
                raise LogDamaged(f"the tree of {size} leaves has another root than was signed")
        return frontier

    async def _checkpoint(self, issuer: Issuer, frontier: Frontier) -> str:
        text = render(Checkpoint(log_origin(issuer.log_address), frontier.size, frontier.root))
        made = await self._signer.sign(
            issuer.id, text.encode(), use=KeyUse.AUDIT, alg=SIGNATURE_ALGORITHM
        )
        jwks = await self._signer.public_jwks(issuer.id, use=KeyUse.AUDIT)
        key = next(jwk for jwk in jwks["keys"] if jwk["kid"] == made.kid)
        return sign(text, verifier_key(issuer, key), lambda _: made.octets)

    async def verifier_keys(self, issuer: Issuer) -> list[VerifierKey]:
        """Return the keys that checkpoints of *issuer* may be signed with."""
        return await verifier_keys(self._signer, issuer)
