"""What a provider says of itself is judged before anybody is sent there."""

from typing import Any

import msgspec
import pytest

from registrary.authserver.people.provider_metadata import (
    SUFFIX,
    ProviderDirectory,
    ProviderUnusable,
    read_metadata,
)
from registrary.core.errors import FieldError
from tests.unit.authserver.people.kit import Documents

URL = "https://login.example/tenant"


def a_document(**changes: Any) -> dict[str, Any]:  # Any: members are JSON
    """Return metadata of a provider with other members; None leaves one out."""
    members = {
        "issuer": URL,
        "authorization_endpoint": f"{URL}/authorize",
        "token_endpoint": f"{URL}/token",
        "jwks_uri": f"{URL}/jwks",
    } | changes
    return {name: value for name, value in members.items() if value is not None}


def test_what_is_left_out_reads_as_the_standard_says():
    """Secrets go by basic, ID tokens are RS256 (Discovery §3)."""
    metadata = read_metadata(a_document(), issuer=URL, loopback_http=False)

    assert (("client_secret_basic",), ("RS256",), None, False) == (
        metadata.token_endpoint_auth_methods,
        metadata.algorithms,
        metadata.userinfo_endpoint,
        metadata.announces_iss,
    )


@pytest.mark.parametrize(
    ("named", "taken"),
    [
        (["none", "HS256"], ("RS256",)),
        (["none", "ES256", "HS256", "RS256"], ("ES256", "RS256")),
        ("ES256", ("RS256",)),
        ([1, {}, "EdDSA"], ("EdDSA",)),
    ],
    ids=["weak", "some", "no-list", "odd"],
)
def test_only_signatures_are_taken_for_signatures(named, taken):
    """``none`` proves nothing, and a secret of ours is not the provider's key."""
    document = a_document(id_token_signing_alg_values_supported=named)

    assert taken == read_metadata(document, issuer=URL, loopback_http=False).algorithms


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"issuer": f"{URL}/"}, "issuer: must be the url of the provider"),
        ({"issuer": None}, "issuer: must be the url of the provider"),
        ({"token_endpoint": None}, "token_endpoint: is missing"),
        ({"token_endpoint": 7}, "token_endpoint: must be a URL"),
        ({"jwks_uri": "http://login.example/jwks"}, "jwks_uri: must be an https URL"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint: "),
        ({"userinfo_endpoint": "https://u:p@login.example/"}, "userinfo_endpoint: "),
    ],
    ids=["slash", "no-issuer", "missing", "number", "http", "script", "userinfo"],
)
def test_metadata_of_no_use_is_refused_with_the_member(changes, rule):
    """The operator has somebody to call, and something to say."""
    with pytest.raises(FieldError) as refused:
        read_metadata(a_document(**changes), issuer=URL, loopback_http=False)

    assert rule in refused.value.rule


@pytest.mark.anyio
async def test_metadata_is_fetched_once_in_a_while():
    """Every sign-in would ask twice."""
    documents = Documents()
    documents.published[URL + SUFFIX] = msgspec.json.encode(a_document())
    directory = ProviderDirectory(documents, loopback_http=False)

    first, second = await directory.at(URL), await directory.at(URL)

    assert first is second
    assert [URL + SUFFIX] == documents.fetched


@pytest.mark.anyio
@pytest.mark.parametrize("body", [None, b"", b"[]", b"{}", b"<html>"], ids=repr)
async def test_what_is_no_metadata_makes_a_provider_unusable(body):
    """A portal in between answers everything with a page of its own."""
    documents = Documents()
    if body is not None:
        documents.published[URL + SUFFIX] = body

    with pytest.raises(ProviderUnusable):
        await ProviderDirectory(documents, loopback_http=False).at(URL)
