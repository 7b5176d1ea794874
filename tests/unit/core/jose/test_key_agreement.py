"""Keys that two sides agree on, each with its own half."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x448, x25519

from registrary.core.base64url import decode, encode
from registrary.core.entropy import Draw
from registrary.core.jose.key_agreement import (
    AGREEMENT_DRAW_BYTES,
    AgreementKey,
    Parties,
    agreement_jwk,
    curve_of,
    derived_key,
    ephemeral_key,
    shared_secret,
)
from registrary.core.jwk.members import check_public_key
from registrary.core.jwk.objects import load_public_key

BOB = {
    "kty": "EC",
    "crv": "P-256",
    "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
}
RECIPIENTS: dict[str, AgreementKey] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "X25519": x25519.X25519PrivateKey.generate(),
    "X448": x448.X448PrivateKey.generate(),
}


def test_the_example_of_the_specification_holds():
    """RFC 7518 appendix C: Alice, Bob and the key they derive."""
    alice = ec.derive_private_key(
        int.from_bytes(decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"), "big"),
        ec.SECP256R1(),
    )

    secret = shared_secret(alice, load_public_key(BOB))
    key = derived_key(secret, algorithm="A128GCM", octets=16, parties=Parties(b"Alice", b"Bob"))

    assert "VqqN6vgjbSBcIijNcacQGg" == encode(key)


@pytest.mark.parametrize("curve", RECIPIENTS)
def test_both_sides_agree(curve):
    """What the recipient computes from the header is what the sender used."""
    recipient = RECIPIENTS[curve]
    ephemeral = ephemeral_key(recipient.public_key(), Draw(b"\x07" * AGREEMENT_DRAW_BYTES))

    sent = load_public_key(check_public_key(agreement_jwk(ephemeral)))

    assert curve == curve_of(ephemeral)
    assert shared_secret(ephemeral, recipient.public_key()) == shared_secret(recipient, sent)


@pytest.mark.parametrize("curve", RECIPIENTS)
@pytest.mark.parametrize("octet", [b"\x00", b"\xff"], ids=["zeros", "ones"])
def test_any_randomness_makes_a_key(curve, octet):
    """A draw that happens to be extreme must not fail a person's sign-in."""
    ephemeral = ephemeral_key(RECIPIENTS[curve].public_key(), Draw(octet * AGREEMENT_DRAW_BYTES))

    assert curve == check_public_key(agreement_jwk(ephemeral))["crv"]


def test_another_draw_makes_another_key():
    """A key used twice would tie two messages together."""
    public = RECIPIENTS["P-256"].public_key()
    draw = Draw(bytes(range(2 * AGREEMENT_DRAW_BYTES)))

    first, second = ephemeral_key(public, draw), ephemeral_key(public, draw)

    assert agreement_jwk(first) != agreement_jwk(second)


@pytest.mark.parametrize("curve", RECIPIENTS)
def test_keys_of_different_curves_agree_on_nothing(curve):
    """The ephemeral key comes from strangers; a misfit is refused, not computed with."""
    other = RECIPIENTS["P-384" if curve == "P-256" else "P-256"]

    with pytest.raises(ValueError, match=r"."):
        shared_secret(RECIPIENTS[curve], other.public_key())


def test_a_signing_key_agrees_on_nothing():
    """Ed25519 and X25519 share a curve, and no purpose."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()

    with pytest.raises(ValueError, match="agreed"):
        ephemeral_key(public, Draw(b"\x07" * AGREEMENT_DRAW_BYTES))
    assert curve_of(public) is None
