"""`oidcc-config-certification-test-plan`."""

import pytest

from tests.conformance.discovery import check_discovery


@pytest.mark.spec("F-050")
def test_oidcc_discovery_endpoint_verification(suite):
    """A client that knows the issuer alone finds the rest."""
    address = f"{suite.issuer}/.well-known/openid-configuration"

    answer = suite.http.get(address)

    assert 200 == answer.status_code
    assert "application/json" == answer.headers["content-type"].partition(";")[0]
    assert address.startswith("https://")
    check_discovery(suite, answer.json())
