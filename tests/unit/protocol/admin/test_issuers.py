"""Issuers are made and changed, by those who may, and by nobody unseen."""

import pytest

from registrary.core.issuer import Issuer
from registrary.registrar.permissions import EVERYTHING
from registrary.testing.backend_contract import OTHER_ISSUER_ID
from registrary.testing.factories import an_issuer
from tests.unit.protocol.admin.kit import Office, context_of

pytestmark = pytest.mark.anyio

OTHER = an_issuer(id=OTHER_ISSUER_ID, url="https://other.example")


async def test_an_issuer_is_changed_only_at_the_revision_that_was_seen(office):
    """Two administrators at once would otherwise undo each other without a word."""
    path = f"/issuers/{office.context.id}"
    seen = (await office.call(f"GET {path}")).headers["etag"]
    first = await office.call(f"PATCH {path}", {"mode": "open"}, headers={"if-match": seen})

    second = await office.call(f"PATCH {path}", {"mode": "closed"}, headers={"if-match": seen})
    third = await office.call(
        f"PATCH {path}", {"mode": "closed"}, headers={"if-match": first.headers["etag"]}
    )

    assert (200, 412, 200) == (first.status, second.status, third.status)
    assert ("open", "closed") == (first.body["mode"], third.body["mode"])


@pytest.mark.parametrize("etag", ["1", '"x"', 'W/"1"', '""', '"9"'])
async def test_an_etag_that_is_not_the_present_one_changes_nothing(office, etag):
    """A condition that is not understood is not met."""
    path = f"/issuers/{office.context.id}"

    answer = await office.call(f"PATCH {path}", {"mode": "open"}, headers={"if-match": etag})

    assert 412 == answer.status


async def test_what_is_left_out_of_a_change_stays(office):
    """Opening registration must not reset the limits."""
    path = f"/issuers/{office.context.id}"
    await office.call(
        f"PATCH {path}",
        {
            "limits": {"client_quota": 10, "networks": ["192.0.2.0/24"]},
            "lifetimes": {"client_secret": "90d", "client_secret_overlap": "0s"},
        },
    )

    answer = await office.call(f"PATCH {path}", {"mode": "open", "limits": {"client_quota": None}})

    assert ("open", None, ["192.0.2.0/24"], 300) == (
        answer.body["mode"],
        *(
            answer.body["limits"][name]
            for name in ("client_quota", "networks", "registrations_per_minute")
        ),
    )
    assert ("90d", "0s", "10m") == tuple(
        answer.body["lifetimes"][name]
        for name in ("client_secret", "client_secret_overlap", "access_token")
    )


async def test_a_change_is_in_the_log_with_before_and_after(office):
    """Since when registration is open, and who opened it, is asked after an incident."""
    await office.call(f"PATCH /issuers/{office.context.id}", {"mode": "open"})

    (event,) = await office.events()

    assert "issuer:updated" == event["tag"]
    assert {"mode": {"before": "protected", "after": "open", "source": "administrator"}} == event[
        "changes"
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mode": "ajar"}, "mode"),
        ({"mode": ""}, "mode"),
        ({"default_policies": ["unknown"]}, "default_policies"),
        ({"policies": [{"name": "a"}, {"name": "a"}]}, "policies"),
        ({"policies": [{"name": "a", "networks": ["everywhere"]}]}, "networks"),
        ({"limits": {"networks": ["192.0.2.1/24"]}}, "networks"),
        ({"limits": {"registrations_per_minute": 0}}, "registrations_per_minute"),
        ({"limits": {"client_quota": -1}}, "client_quota"),
        ({"limits": {"speed": 1}}, "speed"),
        ({"lifetimes": {"access_token": "0s"}}, "access_token"),
        ({"lifetimes": {"access_token": "2d"}}, "access_token"),
        ({"lifetimes": {"authorization_code": "11m"}}, "must not be longer than 10m"),
        ({"lifetimes": {"registration_access_token_overlap": "25h"}}, "registration_access_token"),
        ({"lifetimes": {"access_token": None}}, "access_token"),
        ({"lifetimes": {"signing_key": "soon"}}, "signing_key"),
        ({"lifetimes": {"client_secret": "36501d"}}, "client_secret"),
        ({"lifetimes": {"signing_keys": "1d"}}, "lifetimes.signing_keys"),
        ({"url": "https://elsewhere.example"}, "url"),
    ],
    ids=str,
)
async def test_a_change_that_makes_no_sense_is_refused_by_name(office, change, says):
    """A typing error must not lock every client out, or let everybody in."""
    answer = await office.call(f"PATCH /issuers/{office.context.id}", change)

    assert 400 == answer.status
    assert says in answer.body["detail"]
    stored = await office.store.get(Issuer, office.context.id, office.context.id)
    assert office.context.issuer == stored


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"grant_type": ["client_credentials"]}, "policies[1].grant_type: "),
        ({"scope": ["read"]}, "policies[1].scope: "),
        ({"redirect_host": ["app.example"]}, "policies[1].redirect_host: "),
        ({"grant_types": ["client_credential"]}, "policies[1].grant_types: "),
        ({"token_endpoint_auth_methods": ["secret"]}, "policies[1].token_endpoint_auth_methods: "),
        ({"scopes": ["reed"]}, "policies[1].scopes: "),
        ({"redirect_hosts": ["*.app.example"]}, "policies[1].redirect_hosts: "),
        ({"redirect_hosts": ["App.example"]}, "policies[1].redirect_hosts: "),
        ({"redirect_hosts": ["app.example:443"]}, "policies[1].redirect_hosts: "),
        ({"redirect_hosts": ["https://app.example"]}, "policies[1].redirect_hosts: "),
        ({"redirect_hosts": [""]}, "policies[1].redirect_hosts: "),
        ({"networks": ["10.0.0.1/8"]}, "policies[1].networks: "),
        ({"client_secret_lifetime": "-P1D"}, "policies[1].client_secret_lifetime: "),
        ({"client_secret_lifetime": "PT0S"}, "policies[1].client_secret_lifetime: "),
        ({"client_secret_lifetime": "P99999999D"}, "policies[1].client_secret_lifetime: "),
        ({"name": ""}, "policies[1].name: "),
        ({"name": " "}, "policies[1].name: "),
        ({"name": "a\u202eb"}, "policies[1].name: "),
        ({"name": "x" * 256}, "policies[1].name: "),
    ],
    ids=str,
)
async def test_a_ceiling_that_would_bind_nothing_is_refused_by_name(office, policy, says):
    """A misspelt ceiling once was stored, and whoever came in under it had none."""
    policies = [{"name": "good"}, {"name": "bad"} | policy]

    answer = await office.call(f"PATCH /issuers/{office.context.id}", {"policies": policies})

    assert (400, says) == (answer.status, answer.body["detail"][: len(says)])
    stored = await office.store.get(Issuer, office.context.id, office.context.id)
    assert office.context.issuer == stored


async def test_a_ceiling_is_taken_and_shown_in_all_its_members(office):
    """What is shown can be sent back, changed in one place."""
    policy = {
        "name": "bank partners",
        "scopes": ["read"],
        "grant_types": ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_methods": ["private_key_jwt", "tls_client_auth"],
        "redirect_hosts": ["app.example", "127.0.0.1", "[::1]"],
        "networks": ["192.0.2.0/24"],
        "client_secret_lifetime": "P90D",
    }
    path = f"/issuers/{office.context.id}"

    answer = await office.call(f"PATCH {path}", {"policies": [policy]})
    again = await office.call(f"PATCH {path}", {"policies": answer.body["policies"]})

    assert (200, [policy]) == (answer.status, answer.body["policies"])
    assert [policy] == again.body["policies"]


async def test_a_name_that_might_be_a_secret_is_not_repeated(office):
    """A token sent in the place of a member's name must not be in the answer and its logs."""
    for name in ("rgy_iat_Xy01", "x" * 60, "a` - at `$Secret", "Secret"):
        answer = await office.call(f"PATCH /issuers/{office.context.id}", {name: 1})

        assert (400, False) == (answer.status, name in answer.body["detail"])
        assert "Secret" not in answer.body["detail"]


async def test_the_operator_makes_issuers(office):
    """One process serves many, and each begins protected."""
    made = await office.call("POST /issuers", {"url": "https://second.example/tenant"})

    listed = await office.call("GET /issuers")

    assert (201, "protected", '"1"') == (made.status, made.body["mode"], made.headers["etag"])
    assert {office.context.issuer.url, "https://second.example/tenant"} == {
        item["url"] for item in listed.body["items"]
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://second.example",
        "https://second.example/",
        "https://second.example?x",
        "https://second.example#x",
        "https://user@second.example",
        "https://registry.example",
        "https://REGISTRY.example",
        "https://registry.example:443",
        "https://registry.example/register",
        "https://registry.example/api/v1",
        "https://registry.example/.well-known/oauth-authorization-server",
        "https://registry.example/a/../b",
        "https://registry.example/%72egister",
        "https://registry.example//",
        "https://registry.example/a;b",
        "second.example",
    ],
)
async def test_an_address_that_cannot_be_an_issuer_is_refused(office, url):
    """Clients compare it byte for byte, for years."""
    answer = await office.call("POST /issuers", {"url": url})

    assert 400 == answer.status
    assert answer.body["detail"].startswith("url: ")
    assert [office.context.issuer] == await office.store.issuers()


async def test_an_address_that_would_answer_for_another_issuer_is_refused():
    """Whoever made issuers could once take over one by another spelling of its address."""
    old = an_issuer(id=OTHER_ISSUER_ID, url="https://ID.example:443/tenant/register")
    office = await Office().open(old)

    answers = [
        await office.call("POST /issuers", {"url": url})
        for url in ("https://id.example/tenant/register", "https://id.example/tenant")
    ]

    assert [400, 400] == [answer.status for answer in answers]
    assert all(answer.body["detail"].startswith("url: ") for answer in answers)


async def test_an_administrator_of_the_first_issuer_reaches_all():
    """It is the operator's own, made with the server."""
    office = await Office().open(OTHER)
    token = await office.a_token(EVERYTHING)

    listed = await office.call("GET /issuers", token=token)
    changed = await office.call(f"PATCH /issuers/{OTHER.id}", {"mode": "open"}, token=token)

    assert (2, 200) == (len(listed.body["items"]), changed.status)


async def test_an_administrator_of_another_issuer_reaches_that_one_alone():
    """A tenant's administrator must not open the door of the next."""
    office = await Office().open(OTHER)
    token = await office.a_token(EVERYTHING, context=context_of(OTHER))

    async def call(line: str, document: object = None) -> int:
        reply = await office.call(line, document, token=token, host="other.example")
        return reply.status

    assert [OTHER.id] == [
        item["id"]
        for item in (await office.call("GET /issuers", token=token, host="other.example")).body[
            "items"
        ]
    ]
    assert 200 == await call(f"PATCH /issuers/{OTHER.id}", {"mode": "open"})
    assert 404 == await call(f"PATCH /issuers/{office.context.id}", {"mode": "open"})
    assert 404 == await call(f"GET /issuers/{office.context.id}")
    assert 403 == await call("POST /issuers", {"url": "https://third.example"})
