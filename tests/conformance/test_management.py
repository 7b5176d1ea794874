"""RFC 7592 as the Brazilian plans, `*BrazilDCR*`, exercise it; they alone do."""

import pytest

from tests.conformance.judge import check_json
from tests.conformance.suite import CALLBACK, public

pytestmark = pytest.mark.spec("F-085")
OWN = {"registration_access_token", "registration_client_uri", "client_secret_expires_at"}
OWN |= {"client_id_issued_at"}
OTHER = f"{CALLBACK}/other"
WRONG = {"authorization": "Bearer wrong"}


def own(client):
    """Return the header by which *client* manages itself."""
    return {"authorization": f"Bearer {client['registration_access_token']}"}


def document(client, **changes):
    """Return the registration of *client* with *changes*, as an update; None removes a member."""
    kept = {name: value for name, value in client.items() if name not in OWN}
    return {name: value for name, value in (kept | changes).items() if value is not None}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_brazildcr_client_with_a_bad_registration_access_token(suite, method):
    """Nobody manages a client with a token that is not its own, or learns that it exists."""
    client = suite.register().client

    answer = suite.http.request(
        method, client["registration_client_uri"], json=document(client), headers=WRONG
    )

    assert 401 == answer.status_code
    assert client["client_id"] not in answer.text
    assert 200 == suite.read(client).status_code


def test_brazildcr_client_delete(suite):
    """What was deleted is gone at every endpoint."""
    party = suite.register(method="client_secret_basic")
    client = suite.parties.pop()
    address = client["registration_client_uri"]

    deleted = suite.http.delete(address, headers=own(client))

    again = suite.http.delete(address, headers=own(client))
    token = party.ask("token_endpoint", grant_type="client_credentials")
    assert (204, "") == (deleted.status_code, deleted.text)
    assert [401, 401] == [suite.read(client).status_code, again.status_code]
    assert "invalid_client" == check_json(token, 401)["error"]


def test_brazildcr_happy_flow_of_an_update(suite):
    """A client replaces what it registered, and is still itself."""
    client = suite.register().client
    address = client["registration_client_uri"]

    answer = suite.http.put(
        address, json=document(client, redirect_uris=[OTHER]), headers=own(client)
    )

    updated = check_json(answer, 200)
    same = ("client_id", "registration_client_uri", "registration_access_token")
    assert [OTHER] == updated["redirect_uris"]
    assert [client[name] for name in same] == [updated[name] for name in same]
    assert [OTHER] == check_json(suite.read(client), 200)["redirect_uris"]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"jwks": None, "jwks_uri": "no address"}, {"invalid_client_metadata"}),
        (
            {"redirect_uris": [f"{CALLBACK}#fragment"]},
            {"invalid_redirect_uri", "invalid_client_metadata"},
        ),
        ({"redirect_uris": None}, {"invalid_redirect_uri", "invalid_client_metadata"}),
    ],
    ids=["jwks_uri", "redirect_uri", "no-redirect_uri"],
)
def test_brazildcr_bad_metadata(suite, changes, codes):
    """What cannot be registered cannot be made of a registration either, and changes nothing."""
    client = suite.register().client
    address = client["registration_client_uri"]

    updated = suite.http.put(address, json=document(client, **changes), headers=own(client))
    registered = suite.post(suite.wish(**changes))

    assert check_json(updated, 400)["error"] in codes
    assert check_json(registered, 400)["error"] in codes
    assert public(suite.key) == check_json(suite.read(client), 200)["jwks"]
