"""The ``DPoP`` header of requests and the nonce of answers (RFC 9449 §4.1, §8)."""

from dataclasses import dataclass

from registrary.authserver.certificates import certificate_binding
from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal
from registrary.authserver.proofs import NO_PROOF, NOT_PROVED, ProofJudge
from registrary.core.client import Client
from registrary.core.grants import Confirmation
from registrary.core.jose.dpop import ProvenRequest
from registrary.core.secrets import Secret
from registrary.protocol.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class ProofReader:
    """Reads what callers of one issuer prove to hold: a key, or a certificate."""

    context: ServerContext
    judge: ProofJudge

    async def key(self, request: HttpRequest, *, access_token: str | None = None) -> str | Refusal:
        """Return the thumbprint of the key that *request* proves, empty when it proves none.

        *access_token* is the one it comes with, which the proof has to name.
        """
        headers = request.header_values(b"dpop")
        if not headers:
            return ""
        if len(headers) > 1:
            return NOT_PROVED
        proven = ProvenRequest(
            method=request.method,
            uri=self.context.issuer.url + request.path,
            access_token=None if access_token is None else Secret(access_token),
        )
        proof = await self.judge.judge(self.context, headers[0], proven)
        return proof if isinstance(proof, Refusal) else proof.thumbprint

    async def confirmation(self, request: HttpRequest, client: Client) -> Confirmation | Refusal:
        """Return what the tokens of *client* are bound to; refused where it has to prove more."""
        bound = certificate_binding(client, request.client_certificate)
        if isinstance(bound, Refusal):
            return bound
        key = await self.key(request)
        if isinstance(key, Refusal):
            return key
        if not key and client.metadata.get("dpop_bound_access_tokens"):
            return NO_PROOF  # §5.2
        return Confirmation(jkt=key or None, x5t_s256=None if bound is None else bound.x5t_s256)

    def with_nonce(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """Return *answer* with the nonce for the next proof, where *request* has one."""
        if request.header(b"dpop") is None:
            return answer
        nonce = self.judge.nonce(self.context)
        return answer.with_headers((b"dpop-nonce", nonce.encode()))
