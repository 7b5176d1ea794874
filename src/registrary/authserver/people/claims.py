"""What clients are told about a person (OpenID Connect Core §5.1, §5.4, §5.5)."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from registrary.core.jose import numeric_date
from registrary.core.people import Person

CLAIMS_OF_SCOPE: Final[Mapping[str, tuple[str, ...]]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""The claims that a scope asks for (§5.4)."""

STANDARD_CLAIMS: Final = tuple(name for names in CLAIMS_OF_SCOPE.values() for name in names)
"""Every claim about people that this server knows, as discovery lists them."""


def claims_for(
    person: Person,
    scope: Collection[str],
    *,
    requested: Mapping[str, Any],  # Any: JSON (§5.5.1)
    subject: str,
) -> dict[str, Any]:  # Any: claims are JSON values of every kind
    """Return the claims of *person* that *scope* and *requested* ask for, and ``sub``.

    *requested* is one member of the ``claims`` parameter, ``userinfo`` or ``id_token``. What the
    person has no value for, or another than the one that was asked for, is left out (§5.5.1).
    """
    known = _claims_of(person)
    wanted = dict.fromkeys(name for one in scope for name in CLAIMS_OF_SCOPE.get(one, ()))
    wanted |= dict(requested)
    told = {
        name: known[name]
        for name, wish in wanted.items()
        if name in known and _is_wished(known[name], wish)
    }
    return {"sub": subject, **told}


def _claims_of(person: Person) -> dict[str, Any]:  # Any: claims are JSON values of every kind
    """Return what is known of *person*, by standard names and those with a language tag."""
    known = {
        name: value
        for name, value in person.claims.items()
        if name.partition("#")[0] in STANDARD_CLAIMS
    }
    return known | {"updated_at": numeric_date(person.updated_at)}


def _is_wished(value: object, wish: object) -> bool:
    """Tell whether *value* is what *wish* asks for; without a value it asks for any."""
    if not isinstance(wish, Mapping):
        return True
    if "value" in wish:
        return bool(wish["value"] == value)
    return value in wish["values"] if isinstance(wish.get("values"), list) else True
