"""Secrets are held without being shown, recognised cheaply and stored as digests."""

import copy
import dataclasses
import hashlib
import hmac
import json
import pickle
import random
import re
import string
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.entropy import Draw
from registrary.core.secrets import (
    CLIENT_SECRET_DRAW_BYTES,
    TOKEN_DRAW_BYTES,
    Digest,
    ParsedToken,
    PepperRing,
    Prefix,
    Secret,
    is_of_family,
    mint_admin_token,
    mint_client_secret,
    mint_initial_access_token,
    mint_registration_access_token,
    mint_token,
    mint_token_of_family,
    parse_token,
)

LOCATOR = bytes(range(16))
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
TOKEN_KINDS = [prefix for prefix in Prefix if prefix is not Prefix.CLIENT_SECRET]


def draw(seed=1):
    """Return plenty of reproducible bytes."""
    return Draw(random.Random(seed).randbytes(4096))


def ring(newest="p2", **peppers):
    """Return a ring of two peppers unless told otherwise."""
    return PepperRing(peppers or {"p1": b"1" * 32, "p2": b"2" * 32}, newest=newest)


@dataclasses.dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s" % secret,  # noqa: UP031  what logging does
        lambda secret: [secret],
        Holder,
        lambda secret: dataclasses.asdict(Holder(secret)),
        copy.copy,
        copy.deepcopy,
    ],
)
def test_a_secret_is_not_shown_by_accident(show):
    """Nobody greps the log for secrets after every change of it."""
    assert "canary" not in str(show(Secret("canary")))


@pytest.mark.parametrize("serialise", [json.dumps, pickle.dumps, msgspec.json.encode])
def test_a_secret_is_not_serialised(serialise):
    """A cache or a queue must not become a second store of secrets."""
    with pytest.raises(TypeError):
        serialise(Secret("canary"))


def test_a_secret_compares_by_its_text():
    """Tests and rules compare secrets without opening them."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert "a" == Secret("a").reveal()
    with pytest.raises(TypeError):
        hash(Secret("a"))


@pytest.mark.spec("C-026")
def test_a_client_secret_is_long_enough_for_every_hmac():
    """A client may sign with HS512, whose key must have 64 octets."""
    text = mint_client_secret(draw()).reveal()

    assert 64 <= len(text.removeprefix(Prefix.CLIENT_SECRET))
    assert re.fullmatch(r"rgy_cs_[0-9A-Za-z]{70}", text)


@pytest.mark.parametrize(
    ("mint", "prefix"),
    [
        (mint_registration_access_token, "rgy_rat_"),
        (mint_initial_access_token, "rgy_iat_"),
        (mint_admin_token, "rgy_adm_"),
    ],
)
def test_tokens_say_what_they_are_and_whose(mint, prefix):
    """A scanner that finds one in a repository knows what leaked and where to report it."""
    text = mint(draw(), LOCATOR).reveal()

    parsed = parse_token(text, prefix)

    assert text.startswith(prefix)
    assert parsed is not None
    assert (LOCATOR, text) == (parsed.locator, parsed.token.reveal())


@pytest.mark.parametrize("prefix", TOKEN_KINDS)
@given(locator=st.binary(min_size=16, max_size=16), seed=st.integers())
def test_every_kind_is_parsed_back(prefix, locator, seed):
    """What was handed out is recognised, whatever its record is called."""
    text = mint_token(prefix, draw(seed), locator).reveal()

    parsed = parse_token(text, prefix)

    assert parsed is not None
    assert locator == parsed.locator


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=76), st.sampled_from(BASE62))
def test_a_mistyped_token_is_refused_without_a_read(seed, position, character):
    """One wrong character in a copied token costs nobody a database read."""
    text = mint_client_secret(draw(seed)).reveal()
    mistyped = text[:position] + character + text[position + 1 :]

    parsed = parse_token(mistyped, Prefix.CLIENT_SECRET)

    assert (mistyped == text) == (parsed is not None)


@given(st.sampled_from(list(Prefix)), st.text(max_size=100) | st.text(BASE62, max_size=100))
def test_no_text_breaks_the_parser(prefix, text):
    """A header is written by strangers."""
    assert parse_token(text, prefix) is None
    assert parse_token(prefix + text, prefix) is None


def well_formed(body):
    """Append the checksum that fits, computed the long way."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return body + digits


@pytest.mark.parametrize(
    ("text", "is_parsed"),
    [
        (well_formed("rgy_rat_" + "0" * 65), True),
        (well_formed("rgy_rat_" + "z" * 22 + "0" * 43), False),
        (well_formed("rgy_rat_" + "0" * 64), False),
        (well_formed("rgy_rat_" + "0" * 66), False),
        (well_formed("rgy_iat_" + "0" * 65), False),
        (well_formed("RGY_RAT_" + "0" * 65), False),
        (well_formed("rgy_rat_" + "0" * 64 + "_"), False),
        (well_formed("rgy_rat_" + "0" * 65)[:-1] + "٣", False),
        (well_formed("rgy_rat_" + "0" * 65) + "\n", False),
        ("", False),
    ],
    ids=[
        "good",
        "locator above 128 bits",
        "short",
        "long",
        "other kind",
        "upper case",
        "alphabet",
        "digit of another script",
        "line end",
        "empty",
    ],
)
def test_every_fault_gets_the_same_answer(text, is_parsed):
    """What exactly was wrong helps nobody but who guesses."""
    assert is_parsed == (parse_token(text, "rgy_rat_") is not None)


def test_every_digit_is_equally_likely():
    """A bias would cost bits: 62 does not divide 256."""
    every_byte = Draw(bytes(range(256)) * 3)

    text = "".join(mint_client_secret(every_byte).reveal()[7:71] for _ in range(4))

    # 256 bytes stand for 248 digits, four of each; here the first 64 of each stretch of 96.
    assert 4 * 64 == len(text)
    assert set(BASE62) == set(text)


def test_a_draw_of_unusable_bytes_is_drawn_again():
    """A secret is never short, however the randomness fell."""
    unlucky = Draw(b"\xff" * CLIENT_SECRET_DRAW_BYTES + bytes(CLIENT_SECRET_DRAW_BYTES))

    text = mint_client_secret(unlucky).reveal()

    assert "0" * 64 == text[7:71]


def test_minting_takes_what_it_says():
    """Who draws for a whole decision can add up how much that takes."""
    enough = Draw(random.Random(3).randbytes(CLIENT_SECRET_DRAW_BYTES + TOKEN_DRAW_BYTES))

    mint_client_secret(enough)
    mint_registration_access_token(enough, LOCATOR)

    assert 0 == enough.remaining


@pytest.mark.parametrize(
    "mint",
    [
        lambda: mint_registration_access_token(draw(), b"short"),
        lambda: mint_token(Prefix.CLIENT_SECRET, draw(), LOCATOR),
    ],
)
def test_a_locator_that_does_not_fit_is_a_bug(mint):
    """A token that cannot name its record would never work."""
    with pytest.raises(ValueError, match="locator"):
        mint()


@given(
    st.text(), st.text(alphabet=string.ascii_lowercase + "_"), st.binary(min_size=32, max_size=99)
)
def test_the_digest_is_hmac_over_purpose_and_text(text, purpose, pepper):
    """An auditor with the pepper can recompute a digest with any tool."""
    secret = Secret(text)
    message = purpose.encode() + b"\0" + text.encode("utf-8", "surrogatepass")

    digest = ring("p", p=pepper).digest(secret, purpose=purpose)

    assert Digest("p", hmac.digest(pepper, message, hashlib.sha256)) == digest


def test_only_the_same_secret_verifies():
    """A digest in the store answers yes to one text."""
    secret, other = Secret("a" * 50), Secret("a" * 49 + "b")
    digest = ring().digest(secret, purpose=Prefix.CLIENT_SECRET)

    assert ring().verify(secret, digest, purpose=Prefix.CLIENT_SECRET)
    assert not ring().verify(other, digest, purpose=Prefix.CLIENT_SECRET)
    assert not ring().verify(Secret(""), digest, purpose=Prefix.CLIENT_SECRET)
    assert not ring().verify(Secret("\ud800"), digest, purpose=Prefix.CLIENT_SECRET)


def test_a_digest_of_one_purpose_proves_nothing_for_another():
    """A row copied into another table opens nothing."""
    digest = ring().digest(Secret("a"), purpose="one")

    assert not ring().verify(Secret("a"), digest, purpose="two")


def test_old_peppers_still_verify_and_ask_to_be_replaced():
    """Rotating the pepper locks nobody out."""
    old = ring("p1").digest(Secret("a"), purpose="x")

    now = ring("p2")

    assert now.verify(Secret("a"), old, purpose="x")
    assert not now.is_current(old)
    assert now.is_current(now.digest(Secret("a"), purpose="x"))


def test_a_pepper_that_is_gone_verifies_nothing():
    """Removing a pepper ends every credential made with it."""
    digest = ring("p1").digest(Secret("a"), purpose="x")

    without = ring("p2", p2=b"2" * 32)

    assert not without.has("p1")
    assert not without.verify(Secret("a"), digest, purpose="x")
    assert not without.verify(
        Secret("a"), Digest("p1", without.digest(Secret("a"), purpose="x").mac), purpose="x"
    )


@pytest.mark.parametrize(
    "make", [lambda: ring("p3"), lambda: ring("p", p=b"short")], ids=["newest", "short"]
)
def test_a_ring_that_cannot_work_is_refused(make):
    """A weak or missing pepper must stop the start."""
    with pytest.raises(ValueError, match="pepper"):
        make()


def test_neither_digest_nor_ring_shows_its_bytes():
    """A log line about a credential holds the beginning of its digest at most."""
    digest = ring("p", p=b"canary" * 6).digest(Secret("a"), purpose="x")

    assert digest.mac[:4].hex() in repr(digest)
    assert digest.mac.hex() not in repr(digest)
    assert "canary" not in repr(ring("p", p=b"canary" * 6))


def test_a_family_knows_its_old_tokens_and_no_others():
    """A replayed old token ends its grant; one that somebody made up must not."""
    key, other = bytes(32), bytes(31) + b"1"
    own = parse(mint_token_of_family(Prefix.REFRESH_TOKEN, draw(), LOCATOR, key=key))
    foreign = parse(mint_token_of_family(Prefix.REFRESH_TOKEN, draw(), LOCATOR, key=other))
    invented = parse(mint_token(Prefix.REFRESH_TOKEN, draw(), LOCATOR))

    known = [is_of_family(token, key=key) for token in (own, foreign, invented)]

    assert [True, False, False] == known


def test_two_tokens_of_a_family_differ():
    """A successor that could be told from its predecessor would make rotation worthless."""
    tokens = {
        mint_token_of_family(Prefix.REFRESH_TOKEN, draw(seed), LOCATOR, key=bytes(32)).reveal()
        for seed in range(50)
    }

    assert 50 == len(tokens)


def parse(token: Secret) -> ParsedToken:
    """Return *token* taken apart."""
    parsed = parse_token(token.reveal(), Prefix.REFRESH_TOKEN)
    assert parsed is not None
    return parsed
