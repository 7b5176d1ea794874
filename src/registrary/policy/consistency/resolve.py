"""From parsed members to the resulting client, with every rule that was held against it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registrary.core.checks import Check, Outcome
from registrary.core.errors import FieldError, Problem
from registrary.core.metadata import BY_NAME, Offer, Source, in_deciding_order
from registrary.policy.consistency import grants, identity
from registrary.policy.consistency.defaults import fill
from registrary.policy.consistency.resulting import Resulting

Rule = Callable[[Resulting], Iterable[Problem]]

RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("RFC 7591 §2", grants.redirect_uris_are_there),
    ("OpenID Connect Registration §2", grants.redirect_uris_fit_the_application_type),
    ("RFC 7591 §2", grants.a_grant_remains),
    ("RFC 7591 §2.1", grants.grants_and_response_types_agree),
    ("RFC 7591 §2", identity.a_scope_remains),
    ("RFC 7591 §2", identity.keys_come_one_way),
    ("OpenID Connect Core §9", identity.keys_are_there_when_needed),
    ("OpenID Connect Registration §2", identity.the_assertion_algorithm_fits),
    ("OpenID Connect Core §10.1", identity.a_public_client_has_no_shared_secret),
    ("OpenID Connect Registration §2", identity.encryption_names_its_algorithm),
    ("OpenID Connect Registration §2", identity.unsigned_id_tokens_stay_behind_tls),
    ("OpenID Connect Core §8.1", identity.pairwise_subjects_have_one_sector),
    ("RFC 9449 §5.2", identity.tokens_are_bound_one_way),
    ("RFC 8705 §2.1.2", identity.a_certificate_is_named_once),
    ("RFC 9101 §10.5", identity.signed_requests_can_be_signed),
    ("OpenID Connect Front-Channel Logout §2", identity.logout_pages_belong_to_the_client),
    ("OpenID Connect Back-Channel Logout §2.2", identity.logout_over_http_needs_authentication),
    ("CIBA §4", identity.backchannel_clients_say_how),
)
"""Every rule between members, each with the section it comes from."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The resulting client: its *metadata*, where values came from, and what is wrong with it."""

    metadata: dict[str, Any]
    provenance: dict[str, str]
    problems: tuple[Problem, ...]
    pending_scope: str | None

    @property
    def sector_need(self) -> str | None:
        """Return the sector document that must be read before the client can be accepted."""
        return self.metadata.get("sector_identifier_uri")


def resolve(values: Mapping[str, Any], offer: Offer, *, unusable: Iterable[str] = ()) -> Resolved:
    """Give parsed *values* their defaults under *offer* and hold every rule against the result.

    *unusable* names members that were sent and could not be parsed: no rule complains again
    that they are missing.
    """
    client = Resulting(offer, dict(values))
    fill(client)
    silent = frozenset(unusable)
    problems = [
        found
        for _, rule in RULES
        for found in rule(client)
        if not silent
        or (found.field not in silent and not silent & _NEEDED_BY.get(found.field, _NONE))
    ]
    pending = " ".join(client.pending_scope) or None
    return Resolved(client.values, client.sources, in_deciding_order(problems), pending)


_NONE: Final[frozenset[str]] = frozenset()
# A rule that complains about a member because another one, which could not be parsed, is absent.
_NEEDED_BY: Final = {
    "jwks": frozenset({"jwks_uri"}),
    "response_types": frozenset({"grant_types"}),
    "grant_types": frozenset({"response_types", "token_endpoint_auth_method"}),
}


def check_sector_document(document: object, redirect_uris: Iterable[str]) -> None:
    """Demand that every redirect URI stands in the sector document (OIDC Registration §5).

    Raises `FieldError`.
    """
    if not isinstance(document, list) or not all(isinstance(item, str) for item in document):
        raise FieldError("must lead to a JSON array of strings")
    listed = set(document)
    if not all(uri in listed for uri in redirect_uris):
        raise FieldError("must lead to a document that lists every redirect URI")


def explain(resolved: Resolved, problems: Iterable[Problem]) -> tuple[Check, ...]:
    """Return one check for each member that was judged and each rule that was applied."""
    failed = {problem.field: problem.rule for problem in problems}
    checks = [
        _member_check(name, resolved.provenance.get(name), failed.pop(name, None))
        for name in resolved.metadata
    ]
    checks += [Check(name, _section(name), Outcome.FAILED, rule) for name, rule in failed.items()]
    broken = {(problem.section, problem.rule) for problem in resolved.problems}
    for section, rule in RULES:
        hit = any(section == found for found, _ in broken)
        name = rule.__name__.replace("_", " ")
        checks.append(Check(name, section, Outcome.FAILED if hit else Outcome.PASSED))
    return tuple(checks)


def _member_check(name: str, source: str | None, rule: str | None) -> Check:
    if rule is not None:
        return Check(name, _section(name), Outcome.FAILED, rule)
    narrowed = source == Source.NARROWED
    return Check(name, _section(name), Outcome.NARROWED if narrowed else Outcome.PASSED)


def _section(name: str) -> str:
    field = BY_NAME.get(name.partition("#")[0])
    return field.section if field else ""
