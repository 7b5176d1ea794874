"""What the registrar's use cases need from outside, in one value."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.core.addresses import source_key
from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.events import Event
from registrary.core.issuer import Issuer
from registrary.policy.credentials import CredentialKeys
from registrary.ports.access_tokens import AccessTokens
from registrary.ports.clock import Clock, Entropy
from registrary.ports.fetcher import Fetcher
from registrary.ports.keys import SecretKeys
from registrary.ports.limiter import Limiter, Rate
from registrary.ports.store import Store
from registrary.registrar.counting import Counting

ATTEMPTS: Final = 5  # decisions before a lost race is told to the caller
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Services:
    """The adapters behind the registrar.

    *limiter* is None when rate limits are switched off, *access_tokens* where no access token
    is taken for registration.
    """

    store: Store
    clock: Clock
    entropy: Entropy
    fetcher: Fetcher
    secret_keys: SecretKeys
    refusals: Counting
    limiter: Limiter | None = None
    access_tokens: AccessTokens | None = None

    def draw(self, count: int) -> Draw:
        """Return *count* fresh random bytes to spend in one decision."""
        return Draw(self.entropy.token_bytes(count))

    def credential_keys(self) -> CredentialKeys:
        """Return the keys for one decision."""
        return CredentialKeys(self.secret_keys.peppers(), self.secret_keys.sealer())

    def wait_for(self, key: str, per_minute: int) -> timedelta | None:
        """Count one act of *key*; return how long to wait when it came too often."""
        if self.limiter is None:
            return None
        return self.limiter.take(key, Rate(per_minute, _MINUTE), now=self.clock.now())

    def wait_for_stranger(
        self, issuer: Issuer, peer: str, *, at: str = "address"
    ) -> timedelta | None:
        """Count one act of a stranger from *peer* at the door *at*; return as `wait_for` does."""
        key = f"{issuer.id}:{at}:{source_key(peer) if peer else ''}"
        return self.wait_for(key, issuer.limits.anonymous_registrations_per_minute)

    def count_refusal(self, issuer: str, peer: str, code: str) -> None:
        """Count what a stranger was refused; strangers leave counts, not events."""
        self.refusals.note(issuer, source_key(peer) if peer else "unknown", code)

    def is_counted(self, issuer: str, client_id: str, what: str) -> bool:
        """Tell whether a refusal of a known client needs no event: the minute has one.

        It is counted then, so that no client fills the log with what it was refused.
        """
        return self.refusals.repeats(issuer, client_id, what)

    async def record(self, *events: Event) -> None:
        """Write *events* that come without a change, such as a refusal of a known caller."""
        await self.store.commit(Changes(events=events))
