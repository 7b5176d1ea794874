"""A conversation takes its time, and what it is about must still be good at its end."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec
import pytest

from registrary.authserver.authorization.pushing import Pushed, Pushing
from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Door
from registrary.core.issuer import RuleSet
from registrary.core.jose import sign_jwt
from registrary.protocol.authorization import AuthorizationEndpoint
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.testing.clock import MOMENT
from registrary.web.pages.rendering import render_page
from tests.unit.authserver.authorization.requests import CHALLENGE, GOOD, a_context, a_web_client
from tests.unit.authserver.kit import a_key_pair
from tests.unit.authserver.people.kit import House
from tests.unit.protocol.desk_kit import Browser

pytestmark = pytest.mark.anyio
ALL_TYPES = ["code", "id_token", "code id_token"]


class Street(Browser):
    """A browser in front of an authorization endpoint, with Anna before it."""

    client: Client

    @classmethod
    async def ready(cls, *, metadata=None, **issuer):
        """Return one where Anna is known, and a client."""
        house = House()
        house.context = a_context(**issuer)
        await house.person("anna")
        street = cls(house)
        street.client = a_web_client(**(metadata or {}))
        await house.store.commit(Changes(puts=(Put(street.client),)))
        return street

    @property
    def endpoint(self):
        """Return the endpoint."""
        return AuthorizationEndpoint(self.house.services, self.house.context, self.desk)

    def query(self, **changes):
        """Return a request of the client with *changes*; None leaves a parameter out."""
        wanted = GOOD | {"client_id": self.client.client_id} | changes
        return urlencode({name: value for name, value in wanted.items() if value is not None})

    async def pushed(self):
        """Return the address query of a request that was pushed just now."""
        values = {name: (value,) for name, value in GOOD.items()}
        made = await Pushing(self.house.services).push(
            self.house.context,
            self.client,
            values | {"client_id": (self.client.client_id,)},
            dpop_jkt=None,
        )
        assert isinstance(made, Pushed)
        return f"client_id={self.client.client_id}&request_uri={quote(made.request_uri)}"

    async def open(self, query):
        """Open the endpoint with *query*."""
        request = msgspec.structs.replace(self.request(), query=query)
        return self._kept(await self.endpoint.ask(request))

    async def send(self, query, **fields):
        """Post *fields* to the endpoint with *query*."""
        request = msgspec.structs.replace(self.post("/authorize", fields), query=query)
        form = (b"content-type", b"application/x-www-form-urlencoded")
        request = msgspec.structs.replace(request, headers=(*request.headers, form))
        return self._kept(await self.endpoint.answer(request))

    async def sign_in_here(self, query, page):
        """Sign Anna in on the login *page*."""
        assert page.name == "login", page
        return await self.send(
            query,
            csrf=page.values["csrf"],
            username="anna",
            password="correct horse",
            login="login",
        )

    async def allow(self, query, page):
        """Allow what the consent *page* asks."""
        assert page.name == "consent", page
        return await self.send(query, csrf=page.values["csrf"], decision="allow", scope="profile")

    def _kept(self, answer):
        self.keep(answer.headers)
        return answer


def result(answer):
    """Return the authorization response."""
    assert isinstance(answer, HttpResponse), answer
    assert answer.status == 303
    address = dict(answer.headers)[b"location"].decode()
    parts = urlsplit(address)
    return {name: found[0] for name, found in parse_qs(parts.query or parts.fragment).items()}


async def test_who_came_in_time_with_a_handle_may_take_time():
    """Ninety seconds are enough to arrive, and not to find the second factor."""
    street = await Street.ready()
    query = await street.pushed()
    login = await street.open(query)
    street.house.clock.advance(timedelta(minutes=20))
    consent = await street.sign_in_here(query, login)
    street.house.clock.advance(timedelta(minutes=20))

    back = await street.allow(query, consent)

    assert "code" in result(back)


async def test_who_comes_late_with_a_handle_starts_anew():
    """It may have lain in a history or a mail (RFC 9126 §4)."""
    street = await Street.ready()
    query = await street.pushed()
    street.house.clock.advance(timedelta(seconds=90))

    page = await street.open(query)

    assert ("go_back", 400, "invalid_request_uri") == (
        page.name,
        page.status,
        page.values["code"],
    )


async def test_a_stale_page_does_not_make_a_late_request_good():
    """Else a forged field would be worth what a ticket is."""
    street = await Street.ready()
    query = await street.pushed()
    await street.open(query)
    street.house.clock.advance(timedelta(minutes=5))

    again = await street.send(query, csrf="x", username="anna", password="correct horse")
    page = await street.sign_in_here(query, again)

    assert (403, "go_back") == (again.status, page.name)


async def test_a_request_object_may_expire_while_somebody_signs_in():
    """Five minutes are usual, and some people look for their password longer."""
    handle, jwks = a_key_pair()
    street = await Street.ready(metadata={"jwks": jwks}, rule_set=RuleSet.OIDF_DYNAMIC)
    claims = GOOD | {
        "client_id": street.client.client_id,
        "aud": street.house.context.issuer.url,
        "exp": MOMENT + timedelta(minutes=5),
    }
    query = f"client_id={street.client.client_id}&request={sign_jwt(claims, handle)}"
    login = await street.open(query)
    street.house.clock.advance(timedelta(minutes=20))

    consent = await street.sign_in_here(query, login)
    late = await Street.open(street, query + "&prompt=none")

    assert "code" in result(await street.allow(query, consent))
    assert "invalid_request_uri" == result(late)["error"]


async def test_a_request_in_a_body_goes_to_the_issuers_own_address():
    """An issuer may have a path, and the host is whatever the browser reached us by."""
    street = await Street.ready(url="https://registry.example/tenant")

    fields = GOOD | {"client_id": street.client.client_id, "state": "ü &=#"}
    moved = await street.send("", **fields)

    address = dict(moved.headers)[b"location"].decode()
    assert address.startswith("/tenant/authorize?response_type=code&")
    assert "state=%C3%BC%20%26%3D%23" in address


async def test_pages_are_ones_the_renderer_knows():
    """A value that a template misses shows when somebody decides."""
    street = await Street.ready(
        metadata={
            "client_uri": "https://client.example/",
            "policy_uri": "https://client.example/p",
            "logo_uri": "https://client.example/logo.png",
            "authorization_details_types": ["payment"],
        }
    )
    query = street.query(authorization_details='[{"type": "payment", "to": [1, {"a": null}]}]')
    consent = await street.sign_in_here(query, await street.open(query))
    wrong = await street.open(street.query(scope="unheard_of"))
    form = await street.allow(
        street.query(response_mode="form_post"),
        await street.open(street.query(response_mode="form_post")),
    )

    pages = (consent, wrong, form, await street.open("client_id=nobody"))
    assert ["consent", "go_back", "form_post", "error"] == [page.name for page in pages]
    bodies = [render_page(page).body.decode() for page in pages]
    assert "payment; to: [1,{&#34;a&#34;:null}]" in bodies[0]


async def test_a_missing_key_is_an_outage():
    """The RSA key of a new server comes a moment after its first answers."""
    street = await Street.ready()
    query = street.query(response_mode="jwt")
    consent = await street.sign_in_here(query, await street.open(query))

    page = await street.allow(query, consent)

    assert isinstance(page, Page)
    assert ("temporarily_unavailable", 503) == (page.name, page.status)


async def test_a_decision_is_one_of_two():
    """Whatever else a button could say means nothing."""
    street = await Street.ready()
    query = street.query()
    consent = await street.sign_in_here(query, await street.open(query))

    page = await street.send(query, csrf=consent.values["csrf"], decision="maybe")

    assert (400, "error") == (page.status, page.name)


async def test_leaving_every_box_empty_is_a_refusal():
    """A token for nothing is of no use, and a refusal says so."""
    street = await Street.ready()
    query = street.query(scope="profile")
    consent = await street.sign_in_here(query, await street.open(query))

    back = await street.send(query, csrf=consent.values["csrf"], decision="allow")

    assert "access_denied" == result(back)["error"]


async def test_a_refusal_of_what_was_allowed_meanwhile_allows_nothing():
    """The other tab said yes; this one must not lead to the client as if it had."""
    street = await Street.ready()
    query = street.query()
    consent = await street.sign_in_here(query, await street.open(query))
    await street.allow(query, consent)

    page = await street.send(query, csrf=consent.values["csrf"], decision="deny")

    assert (400, "error") == (page.status, page.name)


async def test_a_person_who_was_locked_out_meanwhile_is_asked_to_sign_in():
    """The page was open when an administrator locked the account."""
    street = await Street.ready()
    query = street.query()
    consent = await street.sign_in_here(query, await street.open(query))
    who = await street.desk.who(street.request())
    assert who is not None
    locked = msgspec.structs.replace(who.person, disabled_at=MOMENT, revision=2)
    await street.house.store.commit(Changes(puts=(Put(locked, expected=1),)))

    page = await street.allow(query, consent)

    assert ("login", 200) == (page.name, page.status)


async def test_a_session_knows_whom_to_tell_of_its_end():
    """Clients that got something in it are told when it ends."""
    street = await Street.ready()
    query = street.query()

    await street.allow(query, await street.sign_in_here(query, await street.open(query)))

    who = await street.desk.who(street.request())
    assert who is not None
    assert (street.client.client_id,) == who.session.clients


async def test_what_is_no_form_is_no_request():
    """A body of another type says nothing that could be sent on."""
    street = await Street.ready()
    body = street.query().encode()

    page = await street.endpoint.answer(HttpRequest("POST", "/authorize", body=body))

    assert isinstance(page, Page)
    assert 400 == page.status
    assert CHALLENGE not in str(page.values)


@pytest.mark.parametrize(
    ("door", "told"),
    [
        (Door(mode="open"), "itself, and nobody here was asked"),
        (Door(mode="protected", initial_access_token="id"), "somebody this server gave a token to"),
        (Door(mode="protected", registered_by="client:id"), "another application"),
        (Door(mode="protected", registered_by="person:id"), "somebody with an account"),
        (Door(mode="protected", initial_access_token="id", organization="Example"), "Example"),
    ],
    ids=["open", "token", "client", "person", "organization"],
)
async def test_a_person_is_told_who_registered_a_client(door, told):
    """Who asks is judged by who vouched, and by when; the name says nothing."""
    street = await Street.ready()
    registered = msgspec.structs.replace(street.client, door=door, revision=2)
    await street.house.store.commit(Changes(puts=(Put(registered, expected=1),)))
    query = street.query()

    consent = await street.sign_in_here(query, await street.open(query))

    shown = consent.values["client"]
    assert (told, "21 November 2026") == (shown["registered_by"], shown["registered_at"])


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ('"to": "Example"', "payment; to: Example"),
        ('"to": ["Example", "Other"]', "payment; to: Example, Other"),
        ('"to": {"iban": "1"}', 'payment; to: {"iban":"1"}'),
        ('"to": [1, {"a": null}]', 'payment; to: [1,{"a":null}]'),
        ('"amount": 5, "now": true', "payment; amount: 5; now: true"),
    ],
)
async def test_all_that_a_detail_says_is_shown(said, line):
    """What people are not shown they did not allow (RFC 9396 §12)."""
    street = await Street.ready(metadata={"authorization_details_types": ["payment"]})
    query = street.query(authorization_details=f'[{{"type": "payment", {said}}}]')

    consent = await street.sign_in_here(query, await street.open(query))

    assert [line] == consent.values["details"]


async def test_a_long_detail_is_shown_to_its_end():
    """A page cuts its lines, and the amount may stand at the end."""
    street = await Street.ready(metadata={"authorization_details_types": ["payment"]})
    detail = {"type": "payment", "why": "x" * 3000, "amount": "5.00 EUR"}
    query = street.query(authorization_details=json.dumps([detail]))

    consent = await street.sign_in_here(query, await street.open(query))

    body = render_page(consent).body.decode()
    assert "amount: 5.00 EUR" in body
    assert 3000 <= body.count("x")
