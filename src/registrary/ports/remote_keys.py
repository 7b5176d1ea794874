"""The keys a client publishes at its ``jwks_uri``."""

from typing import Any, Protocol


class RemoteKeys(Protocol):
    """Looks up published JWK Sets, keeping them for as long as their servers allow.

    The sets hold public keys only; keys that could not be used are left out of them, so a set
    may be empty. Both methods raise FetchRefused when no set can be had.
    """

    # Any: a JWK's members are JSON values of many kinds (RFC 7517 §4).
    async def keys(self, url: str, *, kid: str | None) -> dict[str, Any]:
        """Return the JWK Set published at *url*.

        A *kid* the kept set does not have makes it fetched again, as far as the rate allows:
        the client may have changed its keys (OpenID Connect Core §10.1.1).
        """
        ...

    async def renewed(self, url: str) -> dict[str, Any]:
        """Return the JWK Set published at *url*, fetched again as far as the rate allows.

        For a signature without ``kid`` that none of the kept keys verifies.
        """
        ...
