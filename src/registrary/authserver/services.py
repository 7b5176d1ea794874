"""What the authorization server's use cases need from outside, in one value."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.core.addresses import source_key
from registrary.core.entropy import Draw
from registrary.ports.clock import Clock, Entropy
from registrary.ports.counter import Counter
from registrary.ports.exchanger import NOBODY, Exchanger
from registrary.ports.fetcher import Fetcher
from registrary.ports.keys import Decrypter, SecretKeys, Signer
from registrary.ports.limiter import Limiter, Rate
from registrary.ports.remote_keys import RemoteKeys
from registrary.ports.store import Store

ATTEMPTS: Final = 5  # decisions before a lost race is told to the caller
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ServerServices:
    """The adapters behind the authorization server.

    *issues* counts tokens, *refusals* what strangers were refused. *limiter* is None when rate
    limits are switched off. *exchanger* speaks with the identity providers of the organisation.
    *decrypter* opens what clients encrypted to us; without one nothing is opened.
    """

    store: Store
    signer: Signer
    secret_keys: SecretKeys
    remote_keys: RemoteKeys
    fetcher: Fetcher
    clock: Clock
    entropy: Entropy
    issues: Counter
    refusals: Counter
    limiter: Limiter | None = None
    exchanger: Exchanger = NOBODY
    decrypter: Decrypter | None = None

    def draw(self, count: int) -> Draw:
        """Return *count* fresh random bytes to spend in one decision."""
        return Draw(self.entropy.token_bytes(count))

    def wait_for(self, key: str, per_minute: int) -> timedelta | None:
        """Count one act of *key*; return how long to wait when it came too often."""
        if self.limiter is None:
            return None
        return self.limiter.take(key, Rate(per_minute, _MINUTE), now=self.clock.now())

    def wait_within(self, key: str, rate: Rate) -> timedelta | None:
        """Count one act of *key*, as `wait_for` does, in a period of its own."""
        if self.limiter is None:
            return None
        return self.limiter.take(key, rate, now=self.clock.now())

    def count_refusal(self, issuer: str, peer: str, code: str) -> None:
        """Count what a stranger was refused; strangers leave counts, not events."""
        self.refusals.note(issuer, source_key(peer) if peer else "unknown", code)
