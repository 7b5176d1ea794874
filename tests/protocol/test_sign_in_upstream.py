"""People sign in at their organisation's provider, and nobody can go that way in their name."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from registrary.testing.server import RunningServer
from tests.protocol.browser import Browser, Page, a_browser
from tests.protocol.kit import OPERATOR
from tests.protocol.provider import CLIENT, Provider, a_provider

PROVIDERS = "/api/v1/identity-providers"
CALLBACK = "https://app.example/cb"


class Place:
    """A server, a provider that it trusts, and browsers."""

    def __init__(self, server: RunningServer, provider: Provider, stack: ExitStack):
        self.server = server
        self.provider = provider
        self._stack = stack
        self.id = self.trust()["id"]

    def trust(self, **members: Any) -> dict[str, Any]:  # Any: members are JSON
        """Make the provider known to the server and return what it says of it."""
        wanted = {
            "name": "Work",
            "url": self.provider.url,
            "client_id": CLIENT[0],
            "client_secret": CLIENT[1],
        }
        made = httpx2.post(
            self.server.url + PROVIDERS, json=wanted | members, headers=OPERATOR, trust_env=False
        )
        assert made.status_code == 201, made.text
        answer: dict[str, Any] = made.json()
        return answer

    def browser(self) -> Browser:
        """Return a browser without cookies."""
        return self._stack.enter_context(a_browser(self.server.url))

    def leave(self, browser: Browser, address: str = "/account") -> str:
        """Press the provider's button and return the address that leads there."""
        onward = browser.submit(browser.open(address), ("provider", self.id))
        assert "Going on to Work" in onward.text, onward.answer.text
        return (
            onward.answer.text.partition('class="button" href="')[2]
            .partition('"')[0]
            .replace("&amp;", "&")
        )

    def back_from(self, address: str) -> str:
        """Sign in at the provider and return the address that it sends people back to."""
        answer = httpx2.get(address, trust_env=False)
        assert answer.is_redirect, answer.text
        return answer.headers["location"]

    def sign_in(self, browser: Browser, address: str = "/account") -> Page:
        """Go the whole way from *address* and return the answer of the last step."""
        return browser.open(self.back_from(self.leave(browser, address)))

    def request(self, **parameters: str) -> str:
        """Return the address of an authorization request of a new client."""
        document = {"redirect_uris": [CALLBACK], "client_name": "Payroll"}
        made = httpx2.post(f"{self.server.url}/register", json=document, trust_env=False)
        assert made.status_code == 201, made.text
        asked = {
            "response_type": "code",
            "client_id": made.json()["client_id"],
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        return f"/authorize?{urlencode(asked | parameters)}"


@pytest.fixture
def place(server) -> Iterator[Place]:
    """Return a place whose provider signs everybody in."""
    with ExitStack() as stack:
        provider = stack.enter_context(a_provider())
        one = Place(server, provider, stack)
        yield one
        httpx2.delete(f"{server.url}{PROVIDERS}/{one.id}", headers=OPERATOR, trust_env=False)


@pytest.mark.spec("P-010")
def test_somebody_signs_in_at_work(place):
    """The normal case of an organisation."""
    browser = place.browser()

    done = place.sign_in(browser)
    landed = browser.follow(done)

    assert 303 == done.status
    assert "registrary_ticket" in done.answer.headers["location"]
    assert 303 == landed.status
    assert "anna@work.example" == browser.signed_in_as()


@pytest.mark.spec("P-005")
def test_the_request_has_everything_that_keeps_others_out(place):
    """Code with PKCE, a nonce, and a state that says nothing (RFC 9700 §2.1.1)."""
    browser = place.browser()
    place.sign_in(browser)

    [request] = place.provider.asked
    assert ("code", "S256") == (request["response_type"], request["code_challenge_method"])
    assert f"{place.server.url}/signin/callback" == request["redirect_uri"]
    assert {"state", "nonce", "code_challenge", "scope", "client_id"} < request.keys()


def test_the_same_person_comes_back_as_the_same_person(place):
    """Whatever the provider calls them by then."""
    first, second = place.browser(), place.browser()
    place.sign_in(first)
    place.provider.userinfo = {"email": "anna.new@work.example"}

    place.sign_in(second)

    assert "anna.new@work.example" == second.signed_in_as()
    assert first.signed_in_as() == second.signed_in_as()


def test_an_address_of_the_organisation_leads_to_its_provider(place):
    """People type what they always type."""
    place.trust(name="Domain", domains=["Work.Example"])
    browser = place.browser()

    page = browser.submit(browser.open("/account"), username="bert@WORK.example", password="x")

    assert "Going on to Domain" in page.text
    assert "login_hint=bert%40WORK.example" in page.answer.text


@pytest.mark.spec("P-004")
def test_a_state_from_another_browser_signs_nobody_in(place):
    """CVE-2026-27124: the attacker sends the victim the end of a sign-in of their own."""
    attacker, victim = place.browser(), place.browser()
    victim.open("/account")
    address = place.back_from(place.leave(attacker))

    done = victim.open(address)

    assert 400 == done.status
    assert "began in another browser" in done.text
    assert victim.signed_in_as() is None
    assert 303 == attacker.open(address).status


@pytest.mark.spec("P-004")
def test_a_state_is_good_once(place):
    """What stands in a history or a log must not open a second session."""
    browser = place.browser()
    address = place.back_from(place.leave(browser))

    first, second = browser.open(address), browser.open(address)

    assert (303, 400) == (first.status, second.status)


@pytest.mark.parametrize(
    "state", [None, "", "made-up", "ä"], ids=["none", "empty", "made-up", "odd"]
)
def test_a_state_nobody_gave_out_signs_nobody_in(place, state):
    """The address is known to everybody."""
    browser = place.browser()
    browser.open("/account")
    query = {} if state is None else {"state": state}

    done = browser.http.get("/signin/callback", params={"code": "0", **query})

    assert 400 == done.status_code


@pytest.mark.parametrize(
    "answer",
    [{"iss": "https://evil.example"}, {"iss": None}],
    ids=["another", "announced-and-missing"],
)
@pytest.mark.spec("P-002")
def test_a_code_of_another_provider_is_not_redeemed(place, answer):
    """Mix-up: the code of an honest provider must not be handed to a dishonest one (RFC 9207)."""
    place.provider.answer = answer
    browser = place.browser()

    done = place.sign_in(browser)

    assert 502 == done.status
    assert browser.signed_in_as() is None


def test_a_provider_that_announces_no_iss_may_leave_it_out(place):
    """Many do not know RFC 9207 yet."""
    place.provider.metadata = {"authorization_response_iss_parameter_supported": False}
    place.provider.answer = {"iss": None}

    assert 303 == place.sign_in(place.browser()).status


def silent(provider: Provider) -> Provider:
    """Return *provider*, which from now on does not say that it is the one who answers."""
    provider.metadata = {"authorization_response_iss_parameter_supported": False}
    provider.answer = {"iss": None}
    return provider


@pytest.mark.spec("P-002")
def test_a_code_for_one_provider_is_shown_to_no_other(place):
    """Mix-up without RFC 9207: a dishonest provider sends people on to an honest one.

    With the code, and a challenge of a sign-in of its own, it would come in as them.
    """
    silent(place.provider)
    with a_provider() as honest:
        trusted = place.trust(name="Honest", url=silent(honest).url, own_redirect_uri=True)
        victim = place.browser()
        left = parse_qs(urlsplit(place.leave(victim)).query)
        forged = {
            "redirect_uri": trusted["redirect_uri"],
            "state": left["state"][0],
            "nonce": "of-the-attackers-own-sign-in",
            "code_challenge": "of-the-attackers-own-sign-in",
        }

        done = victim.open(place.back_from(f"{honest.url}/authorize?{urlencode(forged)}"))

    assert 400 == done.status
    assert [] == place.provider.presented
    assert victim.signed_in_as() is None


def test_a_provider_that_joins_another_has_an_address_of_its_own(place):
    """Of two that share one, a dishonest one could be brought the codes of the other."""
    joined = place.trust(name="Second")
    sharing = place.trust(name="Third", own_redirect_uri=False)

    assert f"{place.server.url}/signin/callback/{joined['id']}" == joined["redirect_uri"]
    assert f"{place.server.url}/signin/callback" == sharing["redirect_uri"]


def test_a_provider_may_have_an_address_of_its_own(place):
    """What comes there comes from this provider, said or not."""
    silent(place.provider)
    made = place.trust(own_redirect_uri=True)
    place.id = made["id"]
    browser = place.browser()

    done = place.sign_in(browser)

    [request] = place.provider.asked
    assert f"{place.server.url}/signin/callback/{made['id']}" == request["redirect_uri"]
    assert made["redirect_uri"] == request["redirect_uri"]
    assert 303 == done.status
    assert "anna@work.example" == browser.signed_in_as()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["registrary", "another"]},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"azp": "another"},
    ],
    ids=["iss", "aud", "audiences", "nonce", "no-nonce", "expired", "no-sub", "empty-sub", "azp"],
)
@pytest.mark.spec("P-003")
def test_an_id_token_that_was_not_made_for_this_signs_nobody_in(place, claims):
    """Each of these is somebody else's token (OpenID Connect Core §3.1.3.7)."""
    place.provider.claims = claims
    browser = place.browser()

    done = place.sign_in(browser)

    assert 502 == done.status
    assert browser.signed_in_as() is None


@pytest.mark.spec("P-001")
def test_metadata_of_another_issuer_is_not_believed(place):
    """A provider must not be able to speak for another (Discovery §4.3)."""
    place.provider.metadata = {"issuer": "https://other.example"}
    browser = place.browser()

    page = browser.submit(browser.open("/account"), ("provider", place.id))

    assert 503 == page.status
    assert "Work does not answer now" in page.text


def test_a_provider_that_is_down_is_said_so(place):
    """Somebody who reads that can call the right people, and sign in another way."""
    place.provider.is_down = True
    browser = place.browser()

    page = browser.submit(browser.open("/account"), ("provider", place.id))

    assert 503 == page.status
    assert "Work does not answer now" in page.text
    assert ("login", "login") in page.form.buttons


def test_a_provider_that_goes_down_on_the_way_is_said_so(place):
    """The person did nothing wrong and is told so."""
    browser = place.browser()
    address = place.back_from(place.leave(browser))
    place.provider.is_down = True

    done = browser.open(address)

    assert 502 == done.status
    assert "Work did not say who you are" in done.text


def test_a_person_who_says_no_there_is_not_signed_in_here(place):
    """The error of the provider is not shown: it is a text of somebody else's."""
    place.provider.answer = {"code": None, "error": "access_denied", "error_description": "<b>"}
    browser = place.browser()

    done = place.sign_in(browser)

    assert 400 == done.status
    assert "Work did not say who you are" in done.text


@pytest.mark.spec("P-008")
def test_a_new_key_of_the_provider_is_fetched(place):
    """Providers change keys without telling anybody (Core §10.1.1)."""
    place.sign_in(place.browser())
    place.provider.change_key()

    assert 303 == place.sign_in(place.browser()).status


@pytest.mark.spec("P-006")
def test_userinfo_of_somebody_else_is_not_believed(place):
    """Token substitution (Core §5.3.4)."""
    place.provider.userinfo = {"sub": "somebody-else", "email": "boss@work.example"}
    browser = place.browser()

    place.sign_in(browser)

    assert "boss@work.example" != browser.signed_in_as()


@pytest.mark.spec("P-007")
def test_an_address_is_no_identity(place):
    """Who may set an e-mail address at one provider must not become somebody known here."""
    place.provider.userinfo = {"email": "demo@demo.example", "preferred_username": "demo"}
    browser = place.browser()

    place.sign_in(browser)

    assert "demo@demo.example" == browser.signed_in_as()  # the demo person is shown as demo


def test_a_provider_that_makes_nobody_known_lets_in_those_who_are(place):
    """A partner's staff may sign in only where somebody invited them."""
    closed = place.trust(name="Work", creates_people=False)
    place.id = closed["id"]
    browser = place.browser()

    done = place.sign_in(browser)

    assert 403 == done.status
    assert browser.signed_in_as() is None


def test_a_ticket_is_good_once_and_here(place):
    """The address with the ticket stands in the history of the browser."""
    browser, other = place.browser(), place.browser()
    done = place.sign_in(browser)
    address = done.answer.headers["location"]
    other.open("/account")

    elsewhere = other.open(address)
    first, again = browser.open(address), browser.open(address)

    assert (200, 303, 200) == (elsewhere.status, first.status, again.status)
    assert other.signed_in_as() is None


def test_secrets_of_providers_are_never_shown(place):
    """Who may look at the settings must not be able to act as this server."""
    found = httpx2.get(
        f"{place.server.url}{PROVIDERS}/{place.id}", headers=OPERATOR, trust_env=False
    )

    assert CLIENT[1] not in found.text
    assert found.json()["has_secret"] is True
    assert found.json()["redirect_uri"].startswith(f"{place.server.url}/signin/callback")


def test_nothing_but_the_state_names_the_attempt(place):
    """Nonce and verifier are for the server alone."""
    address = place.leave(place.browser())

    sent = parse_qs(urlsplit(address).query)

    assert "code_verifier" not in sent
    assert {"state", "nonce"} < sent.keys()


def test_a_client_gets_a_code_after_a_sign_in_at_work(place):
    """The way round ends where it began, and this client is asked about (GHSA-c2jp-c369-7pvx)."""
    browser = place.browser()
    done = place.sign_in(browser, place.request(state="kept"))

    consent = browser.follow(done)
    answer = browser.submit(consent, ("decision", "allow"))

    assert "Payroll" in consent.text
    assert CALLBACK == answer.answer.headers["location"].split("?")[0]
    sent = parse_qs(urlsplit(answer.answer.headers["location"]).query)
    assert ["kept"] == sent["state"]
    assert "code" in sent


def test_a_client_that_wants_a_fresh_sign_in_gets_one(place):
    """The session at work may be from this morning."""
    browser = place.browser()
    place.sign_in(browser)
    address = place.request(prompt="login")

    done = place.sign_in(browser, address)

    assert ("login", "0") == (
        place.provider.asked[-1]["prompt"],
        place.provider.asked[-1]["max_age"],
    )
    assert ("decision", "allow") in browser.follow(done).form.buttons


@pytest.mark.spec("P-009")
def test_a_provider_that_signed_somebody_in_this_morning_did_not_do_so_now(place):
    """A provider that ignores the wish is not believed to have fulfilled it."""
    place.provider.claims = {"auth_time": int(time.time()) - 3600}
    browser = place.browser()

    done = place.sign_in(browser, place.request(prompt="login"))

    assert ("login", "login") in browser.follow(done).form.buttons


def test_a_ticket_of_one_request_is_worth_nothing_for_another(place):
    """Consent for one client must not be asked in the guise of another's sign-in."""
    browser = place.browser()
    done = place.sign_in(browser, place.request(prompt="login"))
    ticket = parse_qs(urlsplit(done.answer.headers["location"]).query)["registrary_ticket"][0]

    page = browser.open(f"{place.request(prompt='login')}&registrary_ticket={ticket}")

    assert ("login", "login") in page.form.buttons


def test_somebody_who_was_invited_comes_in_by_their_identity(place):
    """A partner's staff are invited one by one, by what their provider calls them."""
    place.id = place.trust(name="Work", creates_people=False)["id"]
    people = f"{place.server.url}/api/v1/people"
    made = httpx2.post(
        people, json={"username": f"invited-{place.id}"}, headers=OPERATOR, trust_env=False
    ).json()
    identity = {"provider": place.id, "subject": place.provider.subject}
    path = f"{people}/{made['id']}/identities"
    browser = place.browser()

    linked = httpx2.post(path, json=identity, headers=OPERATOR, trust_env=False)
    twice = httpx2.post(path, json=identity, headers=OPERATOR, trust_env=False)
    first = place.sign_in(browser)
    name = browser.signed_in_as()
    gone = httpx2.delete(f"{path}/{place.id}", headers=OPERATOR, trust_env=False)
    second = place.sign_in(place.browser())

    assert (201, 400, 303, 204, 403) == (
        linked.status_code,
        twice.status_code,
        first.status,
        gone.status_code,
        second.status,
    )
    assert f"invited-{place.id}" == name
