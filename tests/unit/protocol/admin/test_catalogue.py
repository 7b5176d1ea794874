"""An administrator says what there is to ask for, and what tokens are meant for."""

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.anyio

API = "https://api.example/v1"


def at(uri):
    """Return the address of the resource *uri*."""
    return f"/resources/{quote(uri, safe='')}"


async def test_a_scope_is_added_changed_and_removed(office):
    """Scopes are the words in which people are asked; somebody has to write them."""
    first = await office.call(
        "PUT /scopes/claims.read",
        {"description": "Read your claims", "sensitivity": "high", "access_token_lifetime": "5m"},
    )
    second = await office.call("PUT /scopes/claims.read", {"description": "Read claims"})
    listed = await office.call("GET /scopes")
    gone = await office.call("DELETE /scopes/claims.read")
    again = await office.call("DELETE /scopes/claims.read")

    assert (200, "5m", "high") == (
        first.status,
        first.body["access_token_lifetime"],
        first.body["sensitivity"],
    )
    assert [second.body] == [one for one in listed.body["items"] if one["name"] == "claims.read"]
    assert ("low", None) == (second.body["sensitivity"], second.body["access_token_lifetime"])
    assert (204, 404) == (gone.status, again.status)


async def test_a_change_of_scopes_is_in_the_log(office):
    """Who made a scope harmless is asked after an incident."""
    await office.call("PUT /scopes/claims.read", {"description": "Read your claims"})

    (event,) = await office.events()

    assert "issuer:updated" == event["tag"]
    assert ["scopes"] == list(event["changes"])


@pytest.mark.parametrize(
    ("call", "body", "says"),
    [
        ("PUT /scopes/a%20b", {"description": "two"}, "name"),
        ("PUT /scopes/%22", {"description": "a quote"}, "name"),
        ("PUT /scopes/a", {"description": ""}, "description"),
        ("PUT /scopes/a", {"description": "a\u202eb"}, "description"),
        ("PUT /scopes/a", {"description": "a", "sensitivity": "none"}, "sensitivity"),
        ("PUT /scopes/a", {"description": "a", "access_token_lifetime": "2d"}, "lifetime"),
        ("PUT /scopes/a", {"description": "a", "openid": True}, "openid"),
        ("DELETE /scopes/openid", None, "openid"),
    ],
)
async def test_a_scope_that_cannot_be_is_refused(office, call, body, says):
    """What people cannot read, or what is no scope, helps nobody."""
    answer = await office.call(call, body)

    assert (400, True) == (answer.status, says in answer.body["detail"])


async def test_a_resource_is_added_changed_and_removed(office):
    """Without an address to say so, tokens are meant for nobody but the issuer."""
    wanted = {
        "name": "Claims API",
        "aliases": [f"{API}/"],
        "token_format": "opaque",
        "scopes": ["read"],
        "introspecting_clients": ["the-gateway"],
    }
    first = await office.call(f"PUT {at(API)}", wanted)
    listed = await office.call("GET /resources")
    second = await office.call(f"PUT {at(API)}", {"is_default": True})
    gone = await office.call(f"DELETE {at(API)}")
    again = await office.call(f"DELETE {at(API)}")

    assert (200, API) == (first.status, first.body["uri"])
    assert wanted == {name: first.body[name] for name in wanted}
    assert first.body in listed.body["items"]
    assert (True, "jwt", []) == (
        second.body["is_default"],
        second.body["token_format"],
        second.body["aliases"],
    )
    assert (204, 404) == (gone.status, again.status)


@pytest.mark.parametrize(
    ("uri", "body", "says"),
    [
        ("/relative", {}, "uri"),
        (f"{API}#part", {}, "fragment"),
        ("http://api.example/", {}, "https"),
        (API, {"aliases": ["nonsense"]}, "aliases"),
        (API, {"aliases": ["https://other.example/"]}, "another resource"),
        (API, {"is_default": True}, "is_default"),
        (API, {"scopes": ["no-such-scope"]}, "scopes"),
        (API, {"token_format": "saml"}, "token_format"),
        (API, {"access_token_lifetime": "0s"}, "lifetime"),
    ],
)
async def test_a_resource_that_cannot_be_is_refused(office, uri, body, says):
    """Two resources of one name would let one read the tokens of the other."""
    await office.call(f"PUT {at('https://other.example/')}", {"is_default": True})

    answer = await office.call(f"PUT {at(uri)}", body)

    assert (400, True) == (answer.status, says in answer.body["detail"])


async def test_only_who_may_change_issuers_changes_the_catalogue(office):
    """A scope that needs no approval any more opens doors."""
    reader = await office.a_token("issuers:read")

    answers = [
        await office.call(call, {"description": "x"} if "PUT /s" in call else None, token=reader)
        for call in ("GET /scopes", "PUT /scopes/x", "GET /resources", f"DELETE {at(API)}")
    ]

    assert [200, 403, 200, 403] == [answer.status for answer in answers]
