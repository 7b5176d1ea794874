"""What Registrary does not offer yet is nowhere promised, and nobody is refused for asking."""

import httpx2
import pytest

STATEMENT_ROWS = pytest.mark.spec("A-085", "A-086", "A-087", "A-088", "A-089", "A-090", "A-091")


def coming(member, rows, *, value, announced=None):
    """Return a case: a member to register, and how names in discovery begin that would offer it."""
    return pytest.param(member, value, announced, marks=rows, id=member)


COMING = [
    coming("software_statement", STATEMENT_ROWS, value="e30.e30."),
    coming(
        "tls_client_auth_san_dns",
        pytest.mark.spec("E-020"),
        value="app.example",
        announced="mtls_endpoint_aliases",
    ),
    coming(
        "backchannel_token_delivery_mode",
        pytest.mark.spec("E-090"),
        value="poll",
        announced="backchannel_token_delivery",
    ),
]


@pytest.mark.parametrize(("member", "value", "announced"), COMING)
def test_a_member_of_a_feature_to_come_is_dropped_and_not_announced(
    register, http, member, value, announced
):
    """A client that reads our metadata, or our echo, never counts on what is not there."""
    answer = register(**{member: value})
    published = http.get("/.well-known/openid-configuration").json()

    assert 201 == answer.status_code
    assert member not in answer.json()
    assert [] == [name for name in published if announced and name.startswith(announced)]


@pytest.mark.spec("A-007", "T-45")
def test_an_access_token_does_not_register(register, http: httpx2.Client):
    """A token for an API is not a token for registering, and its bearer is no stranger either."""
    client = register(grant_types=["client_credentials"], redirect_uris=None).json()
    granted = http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    ).json()

    answer = http.post(
        "/register",
        json={"redirect_uris": ["https://app.example/cb"]},
        headers={"authorization": f"Bearer {granted['access_token']}"},
    )

    assert (401, "invalid_token") == (answer.status_code, answer.json()["error"])
