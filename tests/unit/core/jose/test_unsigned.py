"""Unsigned JWTs are what they say, and nothing of ours takes them for signed."""

from datetime import UTC, datetime

import pytest
from joserfc import jws as other_jws
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import OctKey

from registrary.core.jose import JoseError, parse_jws, verify_jws
from registrary.core.jose.unsigned import unsigned_jwt

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_another_library_reads_what_it_says():
    """A client that registered ``none`` has to find its claims."""
    text = unsigned_jwt({"sub": "p", "iat": NOW})

    read = other_jws.extract_compact(text.encode())

    assert ({"alg": "none", "typ": "JWT"}, b'{"sub":"p","iat":1795262400}') == (
        read.protected,
        read.payload,
    )


@pytest.mark.spec("J-044")
def test_no_library_takes_it_for_signed():
    """Made for one client that asked for it, it must prove nothing anywhere else."""
    text = unsigned_jwt({"sub": "p"})

    with pytest.raises(JoseError):
        verify_jws(parse_jws(text), {"keys": []}, algorithms=["none"])
    with pytest.raises(UnsupportedAlgorithmError):
        other_jws.deserialize_compact(text, OctKey.import_key(b"k" * 32))
