"""From parsed members to the resulting client, with every rule that was held against it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from registrary.core.errors import Problem
from registrary.core.metadata import FIELDS, Metadata, Offer, in_deciding_order
from registrary.core.metadata.table import position
from registrary.policy.consistency import grants, keys, people
from registrary.policy.consistency.defaults import fill
from registrary.policy.consistency.explaining import explain
from registrary.policy.consistency.resolved import Resolved
from registrary.policy.consistency.resulting import Resulting
from registrary.policy.consistency.rule import Rule

__all__ = ["RULES", "explain", "resolve", "rules_for"]

RULES: Final[tuple[Rule, ...]] = (
    grants.redirect_uris_are_there_when_needed,
    grants.redirect_uris_suit_the_application_type,
    grants.the_method_is_offered,
    grants.a_usable_grant_remains,
    grants.grants_and_response_types_agree,
    grants.a_scope_remains,
    keys.keys_come_one_way,
    keys.keys_are_there_when_needed,
    keys.the_assertion_algorithm_suits_the_method,
    keys.a_public_client_shares_no_secret,
    keys.an_encoding_names_its_algorithm,
    keys.unsigned_id_tokens_stay_on_the_back_channel,
    keys.a_certificate_is_named_once,
    keys.a_self_signed_certificate_is_registered,
    keys.bound_tokens_are_bound_one_way,
    keys.demanded_signatures_can_be_made,
    people.pairwise_subjects_have_one_sector,
    people.the_way_back_from_logout_suits_the_client,
    people.logout_is_told_over_https,
    people.a_logout_page_belongs_to_the_client,
    people.approval_elsewhere_is_reported_somehow,
)
"""Every rule between members."""

_ORDER: Final = tuple(field.name for field in FIELDS)
_NO_SOURCES: Final[Mapping[str, str]] = {}


def resolve(
    values: Mapping[str, Any],  # Any: values of members are any JSON
    offer: Offer,
    *,
    unusable: Iterable[str] = (),
    provenance: Mapping[str, str] = _NO_SOURCES,
) -> Resolved:
    """Give parsed *values* what follows from them and hold every rule against the result.

    *unusable* names members that were sent and could not be parsed: no rule that reads them is
    asked. *provenance* says where values came from that the client did not send itself.
    """
    client = Resulting(offer, dict(values), dict(provenance))
    fill(client)
    rules = rules_for(offer)
    silent = frozenset(unusable)
    if silent:
        rules = tuple(rule for rule in rules if silent.isdisjoint(rule.reads))
    broken: list[tuple[Rule, Problem]] = []
    for rule in rules:
        found = rule.judge(client)
        if found:
            broken += [(rule, problem) for problem in found]
    return Resolved(
        metadata=Metadata(_in_table_order(client.values)),
        provenance=client.sources,
        problems=in_deciding_order(problem for _, problem in broken) if broken else (),
        pending_scope=" ".join(client.pending_scope) or None,
        dropped=client.dropped,
        rules=rules_for(offer),
        asked=rules,
        broken=tuple(broken),
    )


@lru_cache(maxsize=256)
def rules_for(offer: Offer) -> tuple[Rule, ...]:
    """Return the rules that can be broken where *offer* is what there is."""
    return tuple(
        rule for rule in RULES if not rule.features or not rule.features.isdisjoint(offer.features)
    )


def _in_table_order(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* in the order of the table, members with languages last."""
    ordered = {name: values[name] for name in _ORDER if name in values}
    if len(ordered) != len(values):
        tagged = [name for name in values if name not in ordered]
        tagged.sort(key=lambda name: (position(name), name))
        for name in tagged:
            ordered[name] = values[name]
    return ordered
