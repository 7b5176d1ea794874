"""Laws of client metadata that hold for every document, honest or hostile."""

import json

from hypothesis import given
from hypothesis import strategies as st

from registrary.core.metadata import BY_NAME, FIELDS, base_name, describe
from registrary.core.metadata.document import DESCRIPTION_LIMIT
from registrary.core.metadata.grants import GRANT_TYPES
from registrary.policy.consistency import explain
from tests.property.documents import (
    OFFERS,
    assert_holds_together,
    documents,
    json_values,
    judged,
    offers,
)


@given(documents, offers)
def test_every_document_is_judged_in_words_a_client_may_read(document, offer):
    """No input may end in a fault of ours, or in an answer that repeats it."""
    result, problems = judged(document, offer)

    for problem in problems:
        assert problem.code == BY_NAME[base_name(problem.field)].error
    said = describe(problems)
    assert len(said) <= DESCRIPTION_LIMIT
    assert said.isascii()
    assert said.isprintable()
    assert not {'"', "\\"} & set(said)
    assert explain(result, problems)


@given(documents, offers)
def test_what_was_echoed_makes_the_same_client(document, offer):
    """A client that sends back what it read changes nothing (RFC 7592 §2.2)."""
    result, problems = judged(document, offer)
    if problems:
        return
    echoed = json.loads(json.dumps(result.metadata))

    again, wrong = judged(echoed, offer)

    assert () == wrong
    assert result.metadata == again.metadata
    assert {} == again.provenance
    assert () == again.dropped
    assert again.pending_scope is None


@given(documents, offers)
def test_an_accepted_client_can_work_and_holds_together(document, offer):
    """What is stored breaks no rule, however it was asked for."""
    result, problems = judged(document, offer)
    if problems:
        return

    assert_holds_together(result.metadata, offer)


@given(documents, offers, st.randoms(use_true_random=False))
def test_the_order_of_members_decides_nothing(document, offer, shuffler):
    """JSON objects have none; two proxies may deliver the same document differently."""
    pairs = list(document.items())
    shuffler.shuffle(pairs)

    result, problems = judged(document, offer)
    shuffled, wrong = judged(dict(pairs), offer)

    assert sorted(problems, key=repr) == sorted(wrong, key=repr)
    assert [problem.field for problem in problems[:1]] == [problem.field for problem in wrong[:1]]
    assert result.metadata == shuffled.metadata


@given(documents, offers, st.sampled_from(FIELDS))
def test_null_means_what_leaving_out_means(document, offer, field):
    """Skipping a check by null was a flaw of several servers."""
    without = {name: value for name, value in document.items() if name != field.name}

    omitted, problems = judged(without, offer)
    nulled, wrong = judged({**without, field.name: None}, offer)

    assert problems == wrong
    assert omitted.metadata == nulled.metadata


@given(documents, offers, st.text(max_size=8), json_values)
def test_a_member_nobody_knows_changes_nothing(document, offer, name, value):
    """Whatever it holds (RFC 7591 §2)."""
    unknown = f"x_{name}"

    result, problems = judged(document, offer)
    more, wrong = judged({**document, unknown: value}, offer)

    assert problems == wrong
    assert result.metadata == more.metadata


@given(documents, offers)
def test_judging_leaves_the_document_alone(document, offer):
    """The request is kept for the record as it came."""
    before = json.dumps(document)

    judged(document, offer)

    assert before == json.dumps(document)


@given(documents, st.sampled_from(OFFERS[:3]), st.lists(st.sampled_from([*GRANT_TYPES])))
def test_a_ceiling_never_gives_more(document, offer, grants):
    """A policy of the door can only take away."""
    result, problems = judged(document, offer.within(grant_types=grants, scopes=("openid",)))
    if problems:
        return

    assert set(result.metadata["grant_types"]) <= set(grants)
    assert result.metadata.get("scope", "openid") == "openid"
