"""How sure a sign-in is: the values of ``acr`` that this server publishes, and what they take."""

from collections.abc import Collection
from typing import Final

PASSWORD: Final = "pwd"
TWO_FACTORS: Final = "mfa"
PHISHING_RESISTANT: Final = "phr"  # OpenID Connect EAP ACR Values 1.0
FEDERATED: Final = "fed"

ACR_VALUES: Final = (PASSWORD, FEDERATED, TWO_FACTORS, PHISHING_RESISTANT)
"""The values, the weakest first; `FEDERATED` is as sure as the provider that vouched."""

_COVERED: Final = {
    PASSWORD: frozenset({PASSWORD}),
    FEDERATED: frozenset({FEDERATED}),
    TWO_FACTORS: frozenset({PASSWORD, TWO_FACTORS}),
    PHISHING_RESISTANT: frozenset({PASSWORD, TWO_FACTORS, PHISHING_RESISTANT}),
}


def acr_of(amr: Collection[str]) -> str:
    """Return the ``acr`` that a sign-in by *amr* (RFC 8176) comes to."""
    if "fed" in amr:
        return FEDERATED
    if "user" in amr:
        return PHISHING_RESISTANT
    return TWO_FACTORS if "otp" in amr else PASSWORD


def satisfies(acr: str | None, wanted: Collection[str]) -> bool:
    """Tell whether a sign-in with *acr* is as good as one of *wanted* (RFC 9470 §5)."""
    return not _COVERED.get(acr or "", frozenset()).isdisjoint(wanted)
