"""`oidcc-3rdparty-init-login-certification-test-plan`, once for each response type."""

import pytest

from tests.conformance.judge import check_json

pytestmark = pytest.mark.spec("F-080")
INITIATE = "suite.example/test/a/registrary/initiate_login"


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token token"])
def test_oidcc_3rd_party_init_login(suite, response_type):
    """Somebody else can find in the registration where a login of the client begins."""
    party = suite.register(response_type, initiate_login_uri=f"https://{INITIATE}")

    answer = suite.read(party.client)

    assert f"https://{INITIATE}" == check_json(answer, 200)["initiate_login_uri"]


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token token"])
@pytest.mark.spec("F-013")
def test_oidcc_3rd_party_init_login_nohttps(suite, response_type):
    """A login that begins in the open can be led elsewhere."""
    wish = suite.wish(response_type, initiate_login_uri=f"http://{INITIATE}")

    answer = suite.post(wish)

    assert "invalid_client_metadata" == check_json(answer, 400)["error"]
