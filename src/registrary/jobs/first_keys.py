"""Keys of issuers that are new here: the quick ones before they are shown, the slow one after."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from registrary.core.issuer import Issuer
from registrary.core.signing_key import KeyUse
from registrary.jobs.key_rotation import WANTED, KeyRotation
from registrary.ports.clock import Entropy
from registrary.ports.keys import NoSigningKey, Signature, Signer

# An RSA key is searched for: a tenth of a second as a rule, a whole one at times.
QUICK: Final = tuple((use, alg) for use, alg in WANTED if alg != "RS256")


class FirstKeys:
    """Makes the first keys of issuers and signs with all of them; implements `Signer`.

    A server answers before its RSA key is there. Whoever needs that key, or all of them, waits
    for it: what is published is whole, since others keep it for minutes.
    """

    def __init__(self, signer: Signer, rotation: KeyRotation, entropy: Entropy) -> None:
        self._signer = signer
        self._rotation = rotation
        self._entropy = entropy
        self._making: dict[str, tuple[Issuer, asyncio.Task[None]]] = {}

    async def begin(self, issuer: Issuer) -> None:
        """Make the quick keys of *issuer*, and begin with the others."""
        await self._rotation.run(issuer, self._entropy, wanted=QUICK)
        self._go_on(issuer)

    async def finish(self) -> None:
        """Wait until nothing is being made."""
        tasks = [task for _, task in self._making.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def sign_jwt(
        self, issuer: str, claims: Mapping[str, object], *, alg: str, typ: str
    ) -> str:
        """Return the JWT of *claims*, as soon as there is a key for it."""
        try:
            return await self._signer.sign_jwt(issuer, claims, alg=alg, typ=typ)
        except NoSigningKey:
            if issuer not in self._making:
                raise
        await self._wait(issuer)
        return await self._signer.sign_jwt(issuer, claims, alg=alg, typ=typ)

    async def sign(self, issuer: str, message: bytes, *, use: KeyUse, alg: str) -> Signature:
        """Return the signature of *message*; the log's key is a quick one."""
        return await self._signer.sign(issuer, message, use=use, alg=alg)

    # Any: members of a JWK (RFC 7517 §4)
    async def public_jwks(self, issuer: str, *, use: KeyUse = KeyUse.TOKEN) -> dict[str, Any]:
        """Return the JWK Set others verify with; for tokens once it is whole."""
        if use is KeyUse.TOKEN:
            await self._wait(issuer)
        return await self._signer.public_jwks(issuer, use=use)

    def forget(self, issuer: str) -> None:
        """Read the issuer's keys anew at the next call."""
        self._signer.forget(issuer)

    def _go_on(self, issuer: Issuer) -> asyncio.Task[None]:
        task = asyncio.create_task(self._rotation.run(issuer, self._entropy))
        self._making[issuer.id] = (issuer, task)
        task.add_done_callback(lambda done: self._note(issuer, done))
        return task

    def _note(self, issuer: Issuer, done: asyncio.Task[None]) -> None:
        # One that failed stays: the next who waits tries again, and is told of an outage.
        if not done.cancelled() and done.exception() is None:
            self._making.pop(issuer.id, None)

    async def _wait(self, issuer: str) -> None:
        """Wait for the keys of *issuer* if they are being made; raises what kept them back."""
        making = self._making.get(issuer)
        if making is None:
            return
        known, task = making
        if task.done() and task.exception() is not None:
            task = self._go_on(known)
        # Shielded: the one who asks may hang up, the others still wait.
        await asyncio.shield(task)
