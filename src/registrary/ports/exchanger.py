"""Speaking with the identity providers of an organisation, as a client of theirs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from registrary.ports.fetcher import KIB, FetchPurpose, FetchRefused, Refusal

_DEADLINE: Final = timedelta(seconds=10)  # somebody waits in front of a blank page


def _purpose(name: str) -> FetchPurpose:
    return FetchPurpose(name, ("application/json",), limit_bytes=64 * KIB, deadline=_DEADLINE)


PROVIDER_METADATA: Final = _purpose("openid_configuration")
TOKEN_ENDPOINT: Final = _purpose("token_endpoint")
USERINFO_ENDPOINT: Final = _purpose("userinfo_endpoint")
REGISTRATION_ENDPOINT: Final = _purpose("registration_endpoint")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a provider; without a body it is a GET."""

    authorization: str | None = None
    media_type: str = "application/x-www-form-urlencoded"
    body: bytes | None = None

    def __repr__(self) -> str:
        """Keep credentials out of logs and tracebacks."""
        return f"Question({'GET' if self.body is None else 'POST'})"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered with one of the types of its purpose, whatever the status."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        """Keep tokens out of logs and tracebacks."""
        return f"Reply({self.status})"


class Exchanger(Protocol):
    """Asks providers, under the same guard as everything that leaves the machine."""

    async def ask(self, url: str, question: Question, *, purpose: FetchPurpose) -> Reply:
        """Ask *question* at *url*; raise FetchRefused when there is no answer to be read."""
        ...


class NoExchanger:
    """Asks nobody: commands do not connect to anyone."""

    async def ask(self, url: str, question: Question, *, purpose: FetchPurpose) -> Reply:
        """Refuse."""
        del url, question, purpose
        raise FetchRefused(Refusal.URL, "nobody is asked here")


NOBODY: Final = NoExchanger()
