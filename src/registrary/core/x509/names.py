"""Distinguished names, compared by what they say and not by how they are written (RFC 4514).

Two spellings of one name are equal here: types by keyword or by number, characters escaped or
not, in upper or lower case, with more or fewer spaces (RFC 5280 §7.1).
"""

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

from registrary.core.errors import FieldError

Attribute = tuple[str, str | bytes]
"""The number of a type, and a value: prepared text, or the DER of what is no text."""

DistinguishedName = tuple[frozenset[Attribute], ...]
"""The parts of a name in the order of its written form, the most specific first."""

_RULE: Final = "must be a distinguished name such as CN=client,O=example"

# RFC 4514 §3, and what certificates of organisations and devices are made with besides.
_TYPES: Final = {
    "cn": "2.5.4.3",
    "l": "2.5.4.7",
    "st": "2.5.4.8",
    "o": "2.5.4.10",
    "ou": "2.5.4.11",
    "c": "2.5.4.6",
    "street": "2.5.4.9",
    "dc": "0.9.2342.19200300.100.1.25",
    "uid": "0.9.2342.19200300.100.1.1",
    "sn": "2.5.4.4",
    "serialnumber": "2.5.4.5",
    "title": "2.5.4.12",
    "businesscategory": "2.5.4.15",
    "postalcode": "2.5.4.17",
    "gn": "2.5.4.42",
    "givenname": "2.5.4.42",
    "dnqualifier": "2.5.4.46",
    "pseudonym": "2.5.4.65",
    "organizationidentifier": "2.5.4.97",
    "emailaddress": "1.2.840.113549.1.9.1",
    "e": "1.2.840.113549.1.9.1",
    "jurisdictionc": "1.3.6.1.4.1.311.60.2.1.3",
    "jurisdictioncountryname": "1.3.6.1.4.1.311.60.2.1.3",
}
# §3: attribute=value, joined by commas and plus signs, special characters escaped.
_PAIR: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9\-]*+|[0-9]++(?:\.[0-9]++)+)="
    r"((?:[^\\,+\"<>;\x00]++|\\.)*)"
    r"(,\ *+|\+\ *+|\Z)",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_HEX: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")

# Strings of ASN.1 by their tag (X.680 §8.4): what a value in hexadecimal may hold.
_STRINGS: Final = {
    0x0C: "utf-8",
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as everybody writes it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_SHORT: Final = 0x80  # lengths from here on take more octets than one (X.690 §8.1.3)


def parse_name(text: str) -> DistinguishedName:
    """Return the name that *text* writes (RFC 4514 §3); raises FieldError."""
    name: list[set[Attribute]] = [set()]
    position = 0
    while True:
        pair = _PAIR.match(text, position)
        if pair is None:
            raise FieldError(_RULE)
        keyword, value, separator = pair.groups()
        name[-1].add((_type(keyword), _value(value)))
        if not separator:
            return tuple(frozenset(part) for part in name)
        if separator.startswith(","):
            name.append(set())
        position = pair.end()


def name_of(parts: Iterable[Iterable[Attribute]]) -> DistinguishedName:
    """Return the name whose *parts* come in the order of a certificate, the last most specific."""
    return tuple(
        frozenset(
            (number, prepared(value) if isinstance(value, str) else value) for number, value in part
        )
        for part in reversed(tuple(parts))
    )


def prepared(text: str) -> str:
    """Return *text* as it is compared: without case and surplus space (RFC 4518 §2)."""
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())


def _type(keyword: str) -> str:
    if keyword[0].isdigit():
        return keyword
    number = _TYPES.get(keyword.lower())
    if number is None:
        # Nothing could ever be compared with it.
        raise FieldError("must name its types by the keywords of RFC 4514 or by number")
    return number


def _value(written: str) -> str | bytes:
    """Return what a value says; in hexadecimal it is DER (RFC 4514 §2.4)."""
    stripped = written.strip(" ")
    if stripped.startswith("#"):
        return _from_hex(stripped)
    try:
        return prepared(_ESCAPED.sub(_octet, written.encode()).decode())
    except UnicodeError:
        raise FieldError(_RULE) from None


def _octet(escaped: re.Match[bytes]) -> bytes:
    return escaped[2] if escaped[1] is None else bytes.fromhex(escaped[1].decode())


def _from_hex(written: str) -> str | bytes:
    match = _HEX.fullmatch(written)
    if match is None:
        raise FieldError(_RULE)
    der = bytes.fromhex(match[1])
    encoding = _STRINGS.get(der[0])
    if encoding is None or len(der) < 2 or der[1] >= _SHORT or len(der) != 2 + der[1]:  # noqa: PLR2004 - tag and length
        return der
    try:
        return prepared(der[2:].decode(encoding))
    except UnicodeError:
        return der
