"""The modules of the Basic plan; the Form Post plan has the same, with another response mode."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.conformance.judge import (
    CLAIMS_OF_SCOPE,
    VISIBLE,
    check_error,
    check_json,
    check_redirected_error,
    header_of,
)
from tests.conformance.leaving import NO_USER_INTERFACE
from tests.conformance.operating import codes_that_live
from tests.conformance.pages import check_error_page, unsigned_object
from tests.conformance.relying_party import Party, SignIn
from tests.conformance.suite import CALLBACK, Suite
from tests.protocol.people import Pkce

CODE_SECONDS = 4  # instead of thirty; the longest that a busy machine may take to redeem one


class BasicModules:
    """Every module registers a client for the code flow that proves itself with its secret."""

    response_mode: str | None = None

    def register(
        self, suite: Suite, *, method: str = "client_secret_basic", **members: Any
    ) -> Party:
        """Register the client of a module."""
        return suite.register("code", method=method, response_mode=self.response_mode, **members)

    @pytest.fixture
    def party(self, suite: Suite) -> Party:
        """Return the client of most modules."""
        return self.register(suite)

    @pytest.fixture
    def short_codes(self, suite: Suite) -> Iterator[None]:
        """Let codes live for a few seconds alone."""
        with codes_that_live(suite, CODE_SECONDS):
            yield

    @pytest.mark.spec("F-060")
    def test_oidcc_server(self, party, browser):
        """A sign-in comes to an end, and all that it brings belongs together."""
        done = party.sign_in(browser)

        assert done.claims["sub"]

    @pytest.mark.spec("F-061")
    def test_oidcc_response_type_missing(self, suite, party, browser):
        """Nobody guesses what the client wants, and it is told so."""
        request = party.request(response_type=None)

        shown = browser.open(party.address(request))

        fields = party.answer(request, shown)
        code = check_redirected_error(fields, issuer=suite.issuer, state=request["state"])
        assert code in {"invalid_request", "unsupported_response_type"}

    @pytest.mark.spec("F-062")
    def test_oidcc_idtoken_signature(self, party, browser):
        """Who registers no algorithm gets RS256, by a key that the token names."""
        done = party.sign_in(browser)

        header = header_of(done.id_token)
        named = [key for key in party.suite.keys()["keys"] if key["kid"] == header["kid"]]
        assert "RS256" == header["alg"]
        assert ["RSA"] == [key["kty"] for key in named]

    @pytest.mark.spec("F-063")
    def test_oidcc_idtoken_unsigned(self, suite, browser):
        """TLS from the token endpoint may be all the proof a client wants."""
        party = self.register(suite, id_token_signed_response_alg="none")

        done = party.sign_in(browser)

        assert "none" == header_of(done.id_token)["alg"]

    @pytest.mark.spec("F-064")
    def test_oidcc_userinfo_get(self, party, browser):
        """The token comes in the header of a GET."""
        done = party.sign_in(browser)

        answer = party.userinfo(done.access_token)

        assert party.person(answer, done)

    @pytest.mark.spec("F-064")
    def test_oidcc_userinfo_post_header(self, suite, party, browser):
        """The token comes in the header of a POST."""
        done = party.sign_in(browser)
        headers = {"authorization": f"Bearer {done.access_token}"}

        answer = suite.http.post(suite.metadata["userinfo_endpoint"], headers=headers)

        assert party.person(answer, done)

    @pytest.mark.spec("F-064")
    def test_oidcc_userinfo_post_body(self, suite, party, browser):
        """The token comes in the form of a POST."""
        done = party.sign_in(browser)
        form = {"access_token": done.access_token}

        answer = suite.http.post(suite.metadata["userinfo_endpoint"], data=form)

        assert party.person(answer, done)

    @pytest.mark.spec("F-065")
    def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(self, party, browser):
        """In the code flow a nonce is a choice."""
        done = party.sign_in(browser, nonce=None)

        assert "nonce" not in done.claims

    @pytest.mark.parametrize(
        "scope",
        [
            pytest.param("openid profile", id="oidcc-scope-profile"),
            pytest.param("openid email", id="oidcc-scope-email"),
            pytest.param("openid address", id="oidcc-scope-address"),
            pytest.param("openid phone", id="oidcc-scope-phone"),
            pytest.param("openid email phone address profile", id="oidcc-scope-all"),
        ],
    )
    @pytest.mark.spec("F-066")
    def test_oidcc_scope(self, suite, party, browser, scope):
        """A client learns from the userinfo endpoint what its scope opens."""
        done = party.sign_in(browser, scope=scope)

        person = party.person(party.userinfo(done.access_token), done)

        assert set(scope.split()) <= set(suite.metadata["scopes_supported"])
        assert frozenset() == wanted_claims(scope) - person.keys()

    @pytest.mark.spec("F-067")
    def test_oidcc_alternate_happy_flow(self, party, browser):
        """Neither the order of scopes nor that of parameters says anything."""
        request = party.request(scope="email openid")
        endpoint, _, query = party.address(request).partition("?")
        address = f"{endpoint}?{'&'.join(reversed(query.split('&')))}"

        done = party.finish(request, browser.go_through(address))

        person = party.person(party.userinfo(done.access_token), done)
        assert frozenset() == wanted_claims("email openid") - person.keys()

    @pytest.mark.parametrize(
        "wish",
        [
            pytest.param({"display": "page"}, id="oidcc-display-page"),
            pytest.param({"display": "popup"}, id="oidcc-display-popup"),
        ],
    )
    @pytest.mark.spec("F-068")
    def test_oidcc_display(self, party, browser, wish):
        """A wish for the looks of a page is no error."""
        done = party.sign_in(browser, **wish)

        assert done.claims["sub"]

    @pytest.mark.spec("F-069")
    def test_oidcc_prompt_login(self, party, browser):
        """The person signs in a second time, though they still are."""
        first = party.sign_in(browser)
        wait_past(first.claims["auth_time"])
        request = party.request(prompt="login")

        shown = browser.open(party.address(request))

        assert shown.asks_to_sign_in
        second = party.finish(request, browser.go_through(party.address(request)))
        assert first.claims["auth_time"] < second.claims["auth_time"]

    @pytest.mark.spec("F-070")
    def test_oidcc_prompt_none_not_logged_in(self, suite, party, browser):
        """Who is not signed in is not asked to, and the client hears of it."""
        request = party.request(prompt="none")

        shown = browser.open(party.address(request))

        fields = party.answer(request, shown)
        code = check_redirected_error(fields, issuer=suite.issuer, state=request["state"])
        assert code in NO_USER_INTERFACE

    @pytest.mark.spec("F-070")
    def test_oidcc_prompt_none_logged_in(self, party, browser):
        """Who is signed in, and has allowed it, sees nothing."""
        first = party.sign_in(browser)
        request = party.request(prompt="none")

        shown = browser.open(party.address(request))

        check_same_person(first, party.finish(request, shown))

    @pytest.mark.spec("F-071")
    def test_oidcc_max_age_1(self, party, browser):
        """A sign-in older than the client takes does not count."""
        first = party.sign_in(browser)
        wait_past(first.claims["auth_time"] + 1)
        request = party.request(max_age="1")

        shown = browser.open(party.address(request))

        assert shown.asks_to_sign_in
        second = party.finish(request, browser.go_through(party.address(request)))
        assert first.claims["auth_time"] < second.claims["auth_time"]

    @pytest.mark.spec("F-071")
    def test_oidcc_max_age_10000(self, party, browser):
        """A sign-in young enough does, and its time is told."""
        first = party.sign_in(browser, max_age="15000")
        request = party.request(max_age="10000")

        shown = browser.open(party.address(request))

        second = party.finish(request, shown)
        assert {"auth_time"} <= first.claims.keys() & second.claims.keys()
        check_same_person(first, second)

    @pytest.mark.spec("F-072")
    def test_oidcc_ensure_request_with_unknown_parameter_succeeds(self, party, browser):
        """What nobody defined yet breaks nothing."""
        done = party.sign_in(browser, extra="foobar")

        assert done.claims["sub"]

    @pytest.mark.spec("F-073")
    def test_oidcc_id_token_hint(self, party, browser):
        """A client that knows who it is about says so, and asks for no page."""
        first = party.sign_in(browser)
        request = party.request(prompt="none", id_token_hint=first.id_token)

        shown = browser.open(party.address(request))

        check_same_person(first, party.finish(request, shown))

    @pytest.mark.parametrize(
        "wish",
        [
            pytest.param({"login_hint": "demo@suite.example"}, id="oidcc-login-hint"),
            pytest.param({"ui_locales": "se"}, id="oidcc-ui-locales"),
            pytest.param({"claims_locales": "se"}, id="oidcc-claims-locales"),
            pytest.param({"acr_values": "1 2"}, id="oidcc-ensure-request-with-acr-values-succeeds"),
        ],
    )
    @pytest.mark.spec("F-073")
    def test_oidcc_hint(self, party, browser, wish):
        """A wish that cannot be granted is no error."""
        done = party.sign_in(browser, **wish)

        assert done.claims["sub"]

    @pytest.mark.spec("F-074")
    def test_oidcc_codereuse(self, party, browser):
        """A code is good once."""
        done = party.sign_in(browser)

        answer = party.redeem(done.fields["code"], done.request)

        check_error(answer, "invalid_grant")

    @pytest.mark.usefixtures("short_codes")
    @pytest.mark.spec("F-074")
    def test_oidcc_codereuse_30seconds(self, suite, party, browser):
        """Even past the time of a code its second use ends what came of the first."""
        done = party.sign_in(browser)
        request = party.request()
        unused = party.front(request, browser.go_through(party.address(request)))
        time.sleep(CODE_SECONDS)

        answer = party.redeem(done.fields["code"], done.request)

        check_error(answer, "invalid_grant")
        check_error(party.redeem(unused.fields["code"], request), "invalid_grant")
        headers = {"authorization": f"Bearer {done.access_token}"}
        asked = suite.http.get(suite.metadata["userinfo_endpoint"], headers=headers)
        assert 401 == asked.status_code

    @pytest.mark.spec("F-075")
    def test_oidcc_ensure_registered_redirect_uri(self, party, browser):
        """Nobody is led where the client never said it is at home."""
        request = party.request(redirect_uri=f"{CALLBACK}/unregistered")

        shown = browser.open(party.address(request))

        check_error_page(shown)

    @pytest.mark.spec("F-076")
    def test_oidcc_ensure_post_request_succeeds(self, suite, party, browser):
        """A request may come in a body."""
        request = party.request()

        moved = browser.post(suite.metadata["authorization_endpoint"], list(request.items()))

        shown = browser.go_through(moved.location)
        assert party.finish(request, shown).claims["sub"]

    @pytest.mark.spec("F-077")
    def test_oidcc_server_client_secret_post(self, suite, browser):
        """The secret may come in the form, for who registered that."""
        party = self.register(suite, method="client_secret_post")

        done = party.sign_in(browser)

        assert done.claims["sub"]

    @pytest.mark.spec("F-078")
    def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
        self, suite, browser
    ):
        """A request by reference is understood where it is announced."""
        address = suite.documents.address("requesturi") + "#" + "x" * 43
        party = self.register(suite, request_uris=[address])
        request = party.request()
        suite.documents.publish_text(
            address, unsigned_object(request), media_type="application/oauth-authz-req+jwt"
        )

        shown = browser.go_through(party.address(beside(request) | {"request_uri": address}))

        assert party.finish(request, shown).claims["sub"]

    @pytest.mark.spec("F-078")
    def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
        self, party, browser
    ):
        """So is one by value."""
        request = party.request()
        inside = {"request": unsigned_object(request)}

        shown = browser.go_through(party.address(beside(request) | inside))

        assert party.finish(request, shown).claims["sub"]

    @pytest.mark.spec("F-078")
    def test_oidcc_claims_essential(self, party, browser):
        """A claim that is asked for comes where it is asked for."""
        wish = msgspec.json.encode({"userinfo": {"name": {"essential": True}}}).decode()

        done = party.sign_in(browser, claims=wish)

        person = party.person(party.userinfo(done.access_token), done)
        assert {"name"} <= person.keys()
        assert not {"name"} & done.claims.keys()

    @pytest.mark.spec("F-078")
    def test_oidcc_ensure_request_object_with_redirect_uri(self, party, browser):
        """The object's redirect URI counts, and what stands beside it leads nowhere."""
        request = party.request()
        other = {"request": unsigned_object(request), "redirect_uri": f"{CALLBACK}_invalid"}

        shown = browser.go_through(party.address(beside(request) | other))

        assert party.finish(request, shown).claims["sub"]

    @pytest.mark.spec("F-078")
    def test_oidcc_refresh_token(self, suite, browser):
        """A refresh token is good for its client, and no other."""
        grants = ["authorization_code", "refresh_token"]
        first, second = (self.register(suite, grant_types=grants) for _ in range(2))
        wish = {"scope": "openid offline_access", "prompt": "consent"}
        done, other = first.sign_in(browser, **wish), second.sign_in(browser, **wish)

        refreshed = first.tokens(first.refresh(done.tokens["refresh_token"], scope=wish["scope"]))

        assert VISIBLE.fullmatch(done.tokens["refresh_token"])
        assert 200 == first.userinfo(refreshed["access_token"]).status_code
        check_error(first.refresh(other.tokens["refresh_token"]), "invalid_grant")

    @pytest.mark.spec("F-078")
    def test_oidcc_ensure_request_with_valid_pkce_succeeds(self, suite, party, browser):
        """Who proves by PKCE what it need not prove is served."""
        pkce = Pkce()
        request = party.request(code_challenge=pkce.challenge, code_challenge_method="S256")
        done = party.front(request, browser.go_through(party.address(request)))

        answer = party.redeem(done.fields["code"], request, code_verifier=pkce.verifier)

        assert party.id_token(check_json(answer, 200)["id_token"], request)["sub"]
        assert "S256" in suite.metadata["code_challenge_methods_supported"]


def wanted_claims(scope: str) -> frozenset[str]:
    """Return the claims that *scope* opens."""
    return frozenset().union(*(CLAIMS_OF_SCOPE[name] for name in scope.split()))


def check_same_person(first: SignIn, second: SignIn) -> None:
    """Check that the second sign-in tells of the first."""
    same = ("sub", "auth_time")
    assert [first.claims[name] for name in same] == [second.claims[name] for name in same]


def wait_past(second: int) -> None:
    """Wait until the clock shows another second than *second*."""
    while int(time.time()) <= second:
        time.sleep(0.05)


def beside(request: dict[str, str]) -> dict[str, str]:
    """Return what stands beside a request object (Core §6.1, §6.2)."""
    names = ("client_id", "response_type", "scope", "redirect_uri")
    return {name: request[name] for name in names}
