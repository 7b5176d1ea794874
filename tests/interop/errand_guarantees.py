"""What every library can rely on beyond codes: devices, exchanged tokens, signing out.

The inheriting module names its script in ``SCRIPT``; the journeys are fixtures of ``conftest``.
"""

from tests.interop.journeys import Journey
from tests.interop.places import RESOURCE
from tests.interop.signing_in import GOODBYE, SCOPE


class ErrandGuarantees:
    def test_a_device_gets_what_its_owner_allowed_elsewhere(self, shown: Journey):
        """RFC 8628: a code on the screen, a person with a browser, tokens on the device."""
        code, tokens = shown.result("shown"), shown.result("device")

        assert f"{shown.issuer}/device" == code["verification_uri"]
        assert code["user_code"] in code["verification_uri_complete"]
        assert set(SCOPE.split()) == set(tokens["scope"].split())
        assert shown.result("userinfo")["sub"]

    def test_a_token_is_exchanged_for_one_that_may_do_less(self, exchanged: Journey):
        """RFC 8693: what a service hands on to the next one need not open every door."""
        tokens, claims = exchanged.result("exchange"), exchanged.result("introspect")

        kind = "urn:ietf:params:oauth:token-type:access_token"
        person = exchanged.result("finish")["claims"]["sub"]
        assert kind == tokens["issued_token_type"]
        assert (True, RESOURCE, "read", person) == (
            claims["active"],
            claims["aud"],
            claims["scope"],
            claims["sub"],
        )

    def test_who_leaves_is_taken_back_to_the_client(self, left: Journey):
        """OpenID Connect RP-Initiated Logout §3: to the registered address, with the state."""
        arrival = left.result("left")

        assert f"{GOODBYE}?state=farewell" == arrival["url"]

    def test_who_left_is_not_signed_in(self, left: Journey):
        """The next request finds nobody."""
        failure = left.failure("finish_silent")

        assert "login_required" == failure["error"]
