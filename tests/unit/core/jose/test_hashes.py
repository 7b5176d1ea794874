"""The hashes that tie a code, a token or a state to an ID token."""

import pytest

from registrary.core.jose.hashes import left_half_hash

CODE = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"


@pytest.mark.spec("J-040")
def test_the_examples_of_the_specification_hold():
    """OpenID Connect Core appendix A.4 and A.6: clients compare with exactly this."""
    found = [left_half_hash(CODE, alg="RS256"), left_half_hash(ACCESS_TOKEN, alg="RS256")]

    assert ["LDktKdoQak3Pk0cnXxCltA", "77QmUPtjPfzWtF2AnpK9RQ"] == found


@pytest.mark.parametrize(
    ("alg", "octets"), [("ES256", 16), ("PS256", 16), ("HS256", 16), ("EdDSA", 32)]
)
@pytest.mark.spec("J-040")
def test_the_hash_is_the_algorithms_own(alg, octets):
    """Libraries take SHA-512 for EdDSA, and refuse the token when we do not."""
    found = left_half_hash(ACCESS_TOKEN, alg=alg)

    assert -(-octets * 4 // 3) == len(found)


@pytest.mark.parametrize("alg", ["none", "HS1", ""])
def test_an_algorithm_without_a_hash_is_an_error(alg):
    """A claim made with a guessed hash would fail at the client, far from its cause."""
    with pytest.raises(ValueError, match="no hash"):
        left_half_hash(CODE, alg=alg)
