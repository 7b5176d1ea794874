"""What every library can rely on where people sign in; each library's tests inherit these.

The inheriting module names its script in ``SCRIPT``; the journeys are fixtures of ``conftest``.
"""

from urllib.parse import urlsplit

import pytest

from tests.interop.journeys import Journey
from tests.interop.signing_in import PersonWay


class PersonGuarantees:
    def test_a_person_is_asked_by_name_and_host(self, consented: Journey):
        """A person can only judge what they are shown."""
        arrival = consented.result("arrive")

        asked = arrival["pages"][1]
        redirect_uri = urlsplit(way_of(consented).redirect_uri)
        assert ["login", "decision"] == arrival["clicked"][:2]
        assert "Interop" in asked
        assert (redirect_uri.netloc or redirect_uri.scheme) in asked

    def test_the_person_is_who_signed_in(self, consented: Journey):
        """The ID token, judged by the library, and userinfo name one subject."""
        claims, found = consented.result("finish")["claims"], consented.result("userinfo")

        assert consented.issuer == claims["iss"]
        assert claims["sub"] == found["sub"]

    def test_a_token_is_of_the_kind_that_was_bound(self, consented: Journey):
        """A client that proves a key gets no token that works without it (RFC 9449 §5)."""
        tokens = consented.result("finish")

        wanted = "dpop" if way_of(consented).dpop else "bearer"
        assert wanted == tokens["token_type"].lower()
        assert set(way_of(consented).scope.split()) == set(tokens["scope"].split())

    def test_a_refreshed_token_works(self, consented: Journey):
        """An application goes on without the person."""
        later = consented.result("userinfo_later")

        assert consented.result("userinfo") == later

    def test_a_scope_beyond_the_grant_is_refused(self, consented: Journey):
        """A refresh is no way to more than the person allowed (RFC 6749 §6)."""
        failure = consented.failure("beyond")

        assert (400, "invalid_scope") == (failure["status"], failure["error"])

    def test_an_honest_retry_gets_the_same_answer(self, consented: Journey):
        """An answer that was lost on the way is given again, until its successor is used."""
        first, retry = consented.result("refresh"), consented.result("retry")

        token = consented.result("finish")["refresh_token"]
        if way_of(consented).method == "none":
            assert first["refresh_token"] == retry["refresh_token"] != token
        else:
            assert first.get("refresh_token", token) == token

    def test_a_replayed_refresh_token_ends_the_family_of_a_public_client(self, consented: Journey):
        """Whoever has an old one may be a thief, and so may whoever has the new one."""
        if way_of(consented).method == "none":
            replay, later = consented.failure("replay"), consented.failure("refresh_later")
            assert ["invalid_grant"] * 2 == [replay["error"], later["error"]]
        else:
            assert consented.result("replay")["access_token"]
            assert consented.result("refresh_later")["access_token"]

    @pytest.mark.parametrize("step", ["refresh_revoked", "userinfo_revoked"])
    def test_what_a_client_revokes_is_over(self, consented: Journey, step: str):
        """Revoking the refresh token ends the grant with all its tokens (RFC 7009 §2.1)."""
        failure = consented.failure(step)

        wanted = (400, "invalid_grant") if step == "refresh_revoked" else (401, "invalid_token")
        error = failure["error"] or failure["challenges"][0]["parameters"]["error"]
        assert wanted == (failure["status"], error)

    def test_consent_is_remembered_of_those_who_cannot_be_impersonated(self, consented: Journey):
        """A confidential https client does not ask twice; a public one always does."""
        again = consented.result("again_arrive")

        assert (way_of(consented).method == "none") is ("decision" in again["clicked"])

    def test_a_client_introspects_its_token(self, consented: Journey):
        """It is told what the token says."""
        if way_of(consented).method != "none":
            found = consented.result("introspect")
            client_id = consented.result("register")["client_id"]
            assert (True, client_id) == (found["active"], found["client_id"])

    def test_a_refusal_of_the_person_reaches_the_client(self, denied: Journey):
        """The application can tell its person why it goes on without."""
        failure = denied.failure("finish")

        assert "access_denied" == failure["error"]


def way_of(journey: Journey) -> PersonWay:
    """Return the way of a journey on which people sign in."""
    assert isinstance(journey.way, PersonWay)
    return journey.way
