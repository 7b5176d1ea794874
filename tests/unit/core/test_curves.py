"""Points to agree on keys with are refused exactly where the library would refuse them later."""

import pytest
from cryptography.hazmat.primitives.asymmetric import x448, x25519

from registrary.core.jwk.curves import OCTET_CURVES

P25519 = 2**255 - 19
P448 = 2**448 - 2**224 - 1
ORDER_EIGHT = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
X25519 = [0, 1, *ORDER_EIGHT, P25519 - 1, P25519, P25519 + 1, 2, 9, P25519 - 2, P25519 + 2]
X448 = [0, 1, P448 - 1, P448, P448 + 1, 2, 5, P448 - 2, P448 + 2]
POINTS = [
    *(("X25519", (u | top).to_bytes(32, "little")) for u in X25519 for top in (0, 1 << 255)),
    *(("X448", u.to_bytes(56, "little")) for u in X448),
]


def gives_a_secret(curve, octets):
    """Tell whether the library agrees on a key with *octets*."""
    try:
        if curve == "X25519":
            point = x25519.X25519PublicKey.from_public_bytes(octets)
            return bool(x25519.X25519PrivateKey.generate().exchange(point))
        return bool(
            x448.X448PrivateKey.generate().exchange(x448.X448PublicKey.from_public_bytes(octets))
        )
    except ValueError:
        return False


@pytest.mark.parametrize(("curve", "octets"), POINTS)
def test_a_point_is_taken_where_it_gives_a_secret(curve, octets):
    """A registered key that fails when the first token is encrypted to it fails too late."""
    assert gives_a_secret(curve, octets) is OCTET_CURVES[curve].check(octets)
