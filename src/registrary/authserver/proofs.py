"""Proofs of possession (RFC 9449): judged, spent, and asked for with a nonce where in doubt."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.jose.dpop import (
    MAX_CLOCK_DIFFERENCE,
    DpopProof,
    InvalidDpopProof,
    ProvenRequest,
    UseDpopNonce,
    read_dpop_proof,
)
from registrary.core.jose.nonces import Nonces
from registrary.core.records import SpentAssertion
from registrary.core.secrets import Secret
from registrary.ports.store import Conflict

# Further away, the caller's clock is wrong or the proof was made ahead: a nonce says which (§8).
TRUSTED_CLOCK_DIFFERENCE: Final = timedelta(seconds=60)
ALGORITHMS: Final = "dpop_signing_alg_values_supported"
NO_PROOF: Final = Refusal("invalid_dpop_proof", "DPoP: a proof is needed")
NOT_PROVED: Final = Refusal("invalid_dpop_proof", "DPoP: the proof does not hold for this request")
NONCE_NEEDED: Final = Refusal("use_dpop_nonce", "DPoP: the proof needs the nonce of this answer")


@dataclass(frozen=True, slots=True)
class ProofJudge:
    """Judges proofs for the endpoints of every issuer. A proof is good once, at all nodes."""

    services: ServerServices

    def nonce(self, context: ServerContext) -> str:
        """Return the nonce that every answer to a proof hands out (§8.2)."""
        return self._nonces(context).current(self.services.clock.now())

    async def judge(
        self, context: ServerContext, text: str, request: ProvenRequest
    ) -> DpopProof | Refusal:
        """Return the proof *text* if it holds for *request*, which it does once (§11.1)."""
        now = self.services.clock.now()
        algorithms = context.offer.accepted.get(ALGORITHMS, ())
        try:
            proof = read_dpop_proof(text, request, algorithms=algorithms, now=now)
            if proof.nonce is not None or _is_off(proof, now):
                # A nonce that it has must be one of ours (§4.3, check 10), whatever its time.
                proof = read_dpop_proof(
                    text,
                    request,
                    algorithms=algorithms,
                    nonces=self._nonces(context),
                    now=now,
                )
        except InvalidDpopProof:
            return NOT_PROVED
        except UseDpopNonce:
            return NONCE_NEEDED
        return proof if await self._spend(context, proof) else NOT_PROVED

    async def _spend(self, context: ServerContext, proof: DpopProof) -> bool:
        spent = SpentAssertion(
            issuer=context.id, digest=f"dpop:{proof.digest}", expires_at=proof.expires_at
        )
        try:
            await self.services.store.commit(Changes(puts=(Put(spent),)))
        except Conflict:
            return False
        return True

    def _nonces(self, context: ServerContext) -> Nonces:
        peppers = self.services.secret_keys.peppers()
        return Nonces(peppers.digest(Secret(context.id), purpose="dpop_nonce").mac)


def _is_off(proof: DpopProof, now: datetime) -> bool:
    issued_at = proof.expires_at - MAX_CLOCK_DIFFERENCE
    return abs(now - issued_at) > TRUSTED_CLOCK_DIFFERENCE
