"""openid-client on an issuer that offers the flows through the browser (``oidf-dynamic``)."""

import pytest

from tests.interop.journeys import Journey
from tests.interop.signing_in import FrontWay, SignIn

SCRIPT = "openid_client_front.mjs"


@pytest.mark.parametrize("mode", [None, "form_post"], ids=["fragment", "form_post"])
def test_an_id_token_alone_comes_through_the_browser(sign_in: SignIn, mode):
    """OpenID Connect Core §3.2: the library judges the signature, the nonce and the state."""
    way = FrontWay("implicit", response_type="id_token", response_mode=mode)

    journey: Journey = sign_in(SCRIPT, way, "implicit")

    assert journey.issuer == journey.result("finish")["iss"]


@pytest.mark.parametrize("mode", [None, "form_post"], ids=["fragment", "form_post"])
def test_a_code_comes_with_an_id_token_that_vouches_for_it(sign_in: SignIn, mode):
    """OpenID Connect Core §3.3: the library compares ``c_hash`` and the two ID tokens."""
    way = FrontWay("hybrid", response_type="code id_token", response_mode=mode)

    journey: Journey = sign_in(SCRIPT, way, "hybrid")

    assert journey.result("finish")["id_token"]
    assert journey.result("userinfo")["sub"]
