"""The ``claims`` parameter (OpenID Connect Core §5.5) as another way to ask for what scopes cover.

What it asks about the person is shown, decided and remembered as the scope that covers it, so that
nobody learns by the one name what was refused by the other.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from registrary.authserver.people.claims import CLAIMS_OF_SCOPE

Claims = Mapping[str, Any]  # Any: JSON (Core §5.5)

_COVERED_BY: Final = {name: scope for scope, names in CLAIMS_OF_SCOPE.items() for name in names}


def permitted_claims(claims: Claims, scope: Collection[str]) -> dict[str, Any]:
    """Return what of *claims* is covered by *scope*, or tells nothing of the person.

    The latter are claims about the sign-in, such as ``acr`` and ``auth_time``.
    """
    return {
        member: {name: wish for name, wish in requests.items() if _is_covered(name, scope)}
        for member, requests in claims.items()
    }


def covering_scopes(claims: Claims) -> tuple[str, ...]:
    """Return the scopes that cover what *claims* ask about the person, each once."""
    names = (name for requests in claims.values() for name in requests)
    found = (_scope_of(name) for name in names)
    return tuple(dict.fromkeys(scope for scope in found if scope is not None))


def _is_covered(name: str, scope: Collection[str]) -> bool:
    covering = _scope_of(name)
    return covering is None or covering in scope


def _scope_of(name: str) -> str | None:
    # §5.2: a claim with a language tag is the same claim.
    return _COVERED_BY.get(name.partition("#")[0])
