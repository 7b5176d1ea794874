import base64

import pytest
from cryptography.hazmat.primitives import hashes

from registrary.core.x509.thumbprints import thumbprint
from registrary.testing.client_certificates import self_signed
from registrary.testing.clock import MOMENT


@pytest.mark.spec("E-022")
def test_a_thumbprint_is_the_digest_of_the_whole_certificate():
    """Resource servers compute the same from what TLS shows them (RFC 8705 §3.1)."""
    held = self_signed(now=MOMENT)
    digest = held.certificate.fingerprint(hashes.SHA256())

    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == thumbprint(held.der)
