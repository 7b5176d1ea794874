"""What every third-party client library can rely on; each library's tests inherit these.

The inheriting module has a fixture ``life``: a journey from discovery past deletion.
"""

import pytest

from tests.interop.journeys import Journey
from tests.interop.mistakes import MISTAKES, Mistake
from tests.interop.places import RESOURCE


class LibraryGuarantees:
    @pytest.mark.spec("D-001", "D-002", "D-006")
    def test_both_forms_of_discovery_agree(self, life: Journey):
        """A client of OAuth and one of OpenID Connect must find the same server."""
        openid, oauth = life.result("discover_openid"), life.result("discover_oauth")

        assert life.issuer == openid["issuer"]
        assert openid == oauth

    def test_a_registration_is_echoed(self, life: Journey):
        """A client learns from the answer what it has become (RFC 7591 §3.2.1)."""
        client = life.result("register")

        wish = life.way.metadata()
        assert wish == {name: client[name] for name in wish}
        assert client["registration_client_uri"] == f"{life.issuer}/register/{client['client_id']}"

    def test_a_secret_comes_to_those_who_use_one(self, life: Journey):
        """What is not issued cannot leak."""
        client = life.result("register")

        assert (life.way.method != "private_key_jwt") is ("client_secret" in client)

    def test_a_client_reads_what_it_registered(self, life: Journey):
        """Nothing but the secret differs from the answer to the registration."""
        read = life.result("read")

        client = {k: v for k, v in life.result("register").items() if "secret" not in k}
        assert {"status": 200, "body": client} == read

    def test_an_update_replaces_the_registration(self, life: Journey):
        """What the client left out is gone (RFC 7592 §2.2)."""
        updated, read = life.result("update"), life.result("read_updated")

        client = life.result("read")["body"] | {"client_name": "Renamed"}
        del client["contacts"]
        assert {"status": 200, "body": client} == updated
        assert updated == read

    def test_a_client_gets_a_token(self, life: Journey):
        """Whatever way of proving itself the library took."""
        token = life.result("token")

        assert ("bearer", True) == (token["token_type"], token["expires_in"] > 0)

    def test_a_resource_server_verifies_the_token_by_itself(self, life: Journey):
        """The published keys and RFC 9068 are enough."""
        claims = life.result("verify")

        client_id = life.result("register")["client_id"]
        assert (life.issuer, RESOURCE, client_id, client_id) == (
            claims["iss"],
            claims["aud"],
            claims["sub"],
            claims["client_id"],
        )

    def test_a_client_introspects_its_token(self, life: Journey):
        """Introspection says what the token says, and that it is good.

        Where to look whether it still is, is for those who verify it by themselves.
        """
        claims, found = life.result("verify"), life.result("introspect")

        assert claims.pop("status")["status_list"]["uri"].startswith(f"{life.issuer}/status-lists/")
        assert claims | {"active": True, "token_type": "Bearer"} == found

    def test_a_revoked_token_is_inactive(self, life: Journey):
        """A client that fears a leak can end it (RFC 7009)."""
        assert life.result("revoke") is None
        assert {"active": False} == life.result("introspect_revoked")

    @pytest.mark.spec("B-060")
    def test_deletion_is_answered_without_a_body(self, life: Journey):
        """RFC 7592 §2.3: 204, and nothing to read."""
        assert {"status": 204, "body": ""} == life.result("delete")

    @pytest.mark.parametrize("step", ["read_deleted", "update_deleted", "delete_deleted"])
    @pytest.mark.spec("B-008", "B-060", "B-062")
    def test_a_deleted_client_manages_nothing(self, life: Journey, step: str):
        """Its registration access token is worth nothing from then on (RFC 7592 §2)."""
        failure = life.failure(step)

        assert (401, "invalid_token") == (failure["status"], failure["error"])
        assert [("bearer", "invalid_token")] == [
            (challenge["scheme"], challenge["parameters"]["error"])
            for challenge in failure["challenges"]
        ]

    @pytest.mark.parametrize("step", ["token_deleted", "introspect_deleted", "revoke_deleted"])
    @pytest.mark.spec("B-060")
    def test_a_deleted_client_proves_nothing(self, life: Journey, step: str):
        """Its credentials are void at every endpoint (RFC 7592 §2.3)."""
        failure = life.failure(step)

        assert (401, "invalid_client") == (failure["status"], failure["error"])

    @pytest.mark.spec("B-061", "B-064")
    def test_tokens_die_with_their_client(self, life: Journey):
        """The resource server that still holds one learns so at once."""
        before, after = life.result("watch"), life.result("watch_deleted")

        assert (True, {"active": False}) == (before["active"], after)

    @pytest.mark.spec("B-008")
    def test_a_stranger_is_challenged_without_a_code(self, door: Journey):
        """Without credentials nothing can be wrong with them (RFC 6750 §3.1)."""
        failure = door.failure("stranger")

        assert 401 == failure["status"]
        challenge = {"scheme": "bearer", "parameters": {"realm": "registrary"}}
        assert [challenge] == failure["challenges"]

    @pytest.mark.parametrize("step", ["guessed_token", "used_up_token"])
    def test_a_token_that_opens_nothing_is_named(self, door: Journey, step: str):
        """A developer sees that it is the token, and not the registration."""
        failure = door.failure(step)

        assert door.result("right_token")["client_id"]
        assert (401, "invalid_token") == (failure["status"], failure["error"])

    @pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
    @pytest.mark.spec("A-115", "A-116")
    def test_a_mistake_is_explained(self, refusals: Journey, mistake: Mistake):
        """The library hands the code and the reason to the developer who can mend it."""
        failure = refusals.failure(mistake.name)

        assert (400, mistake.code) == (failure["status"], failure["error"])
        assert mistake.names in failure["error_description"]

    @pytest.mark.parametrize(
        ("step", "status", "code"),
        [
            ("wrong_secret", 401, "invalid_client"),
            ("unknown_scope", 400, "invalid_scope"),
            ("unknown_resource", 400, "invalid_target"),
        ],
    )
    def test_a_token_request_in_vain_says_why(
        self, refusals: Journey, step: str, status: int, code: str
    ):
        """RFC 6749 §5.2 and RFC 8707 §2, as the library reads them."""
        failure = refusals.failure(step)

        assert (status, code) == (failure["status"], failure["error"])

    def test_a_client_cannot_become_another(self, refusals: Journey):
        """RFC 7592 §2.2: the identifier is not the client's to change."""
        answer = refusals.result("identity_theft")

        assert (400, "invalid_request") == (answer["status"], answer["body"]["error"])

    def test_a_server_nobody_vouches_for_is_not_trusted(self, distrust: Journey):
        """Otherwise the way over https would prove nothing about TLS."""
        failure = distrust.failure("discover_openid")

        assert "UNABLE_TO_VERIFY_LEAF_SIGNATURE" == failure["cause"]
