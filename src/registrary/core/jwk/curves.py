"""The elliptic curves of JOSE, and whether a point that was sent lies on one.

A point off the curve, or one of tiny order, makes signatures and key agreements that anybody
can forge, so it is refused before a library is asked to use it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PrimeCurve:
    """A NIST curve y² = x³ - 3x + b over the integers modulo *prime* (FIPS 186-4 §D.1.2).

    *octets* is the length of one coordinate on the wire (RFC 7518 §6.2.1.2). The curves have
    cofactor 1, so every point but infinity, which JWK cannot spell, generates the group.
    """

    prime: int
    b: int
    octets: int

    def has(self, x: int, y: int) -> bool:
        """Tell whether (*x*, *y*) is a point of the curve, with both coordinates reduced."""
        if x >= self.prime or y >= self.prime:
            return False
        return (y * y - x * x * x + 3 * x - self.b) % self.prime == 0


PRIME_CURVES: Final[dict[str, PrimeCurve]] = {
    "P-256": PrimeCurve(
        prime=2**256 - 2**224 + 2**192 + 2**96 - 1,
        b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        octets=32,
    ),
    "P-384": PrimeCurve(
        prime=2**384 - 2**128 - 2**96 + 2**32 - 1,
        b=0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        octets=48,
    ),
    "P-521": PrimeCurve(
        prime=2**521 - 1,
        b=0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        octets=66,
    ),
}

_P25519: Final = 2**255 - 19
_P448: Final = 2**448 - 2**224 - 1
_D25519: Final = -121665 * pow(121666, -1, _P25519) % _P25519
_SIGN_BIT: Final = 1 << 255
# The u of every point whose order divides the cofactor, on the curves and their twists.
_TINY_X25519: Final = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        0xB8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    }
)
_TINY_X448: Final = frozenset({0, 1, _P448 - 1})


def is_ed25519_point(octets: bytes) -> bool:
    """Tell whether *octets* encode a point of Ed25519 whose order is not tiny (RFC 8032 §5.1.3)."""
    y = int.from_bytes(octets, "little") & (_SIGN_BIT - 1)
    if y >= _P25519:
        return False
    square = y * y % _P25519
    numerator = square - 1
    denominator = _D25519 * square + 1
    # Order four has y = 0. A point of order eight doubles to one of those, and the numerator of
    # the doubled y is x² + y²; here multiplied by the denominator, which is never zero.
    if y == 0 or (numerator + square * denominator) % _P25519 == 0:
        return False
    # x² = numerator / denominator: the quotient has a root when the product has one. A product
    # of zero means x = 0, the points of order one and two.
    return pow(numerator * denominator, (_P25519 - 1) // 2, _P25519) == 1


def is_ed448_coordinate(octets: bytes) -> bool:
    """Tell whether *octets* hold a reduced y and a clean last octet (RFC 8032 §5.2.3)."""
    return octets[56] in (0, 0x80) and int.from_bytes(octets[:56], "little") < _P448


def is_x25519_point(octets: bytes) -> bool:
    """Tell whether agreeing with *octets* gives a secret: points of tiny order give zero.

    RFC 7748 §5 and §6.1: the highest bit is not looked at, and u is taken modulo the prime.
    """
    u = int.from_bytes(octets, "little") & (_SIGN_BIT - 1)
    return u % _P25519 not in _TINY_X25519


def is_x448_point(octets: bytes) -> bool:
    """Tell whether agreeing with *octets* gives a secret (RFC 7748 §6.2)."""
    return int.from_bytes(octets, "little") % _P448 not in _TINY_X448


@dataclass(frozen=True, slots=True)
class OctetCurve:
    """A curve whose points are strings of *octets* (RFC 8037 §2), and the *check* of one."""

    octets: int
    check: Callable[[bytes], bool]


OCTET_CURVES: Final[dict[str, OctetCurve]] = {
    "Ed25519": OctetCurve(octets=32, check=is_ed25519_point),
    "Ed448": OctetCurve(octets=57, check=is_ed448_coordinate),
    "X25519": OctetCurve(octets=32, check=is_x25519_point),
    "X448": OctetCurve(octets=56, check=is_x448_point),
}
