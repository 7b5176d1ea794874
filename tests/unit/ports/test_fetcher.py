"""What documents of each purpose may look like, and what is told when they do not."""

from datetime import timedelta

import pytest

from registrary.ports.fetcher import (
    CLIENT_ID_METADATA_DOCUMENT,
    DOCUMENT_UNUSABLE,
    JWKS_URI,
    PURPOSES,
    SECTOR_IDENTIFIER_URI,
    FetchRefused,
    Refusal,
)


@pytest.mark.parametrize(
    ("purpose", "media_type", "expected"),
    [
        (SECTOR_IDENTIFIER_URI, "application/json", True),
        (SECTOR_IDENTIFIER_URI, "application/jwk-set+json", False),
        (SECTOR_IDENTIFIER_URI, "application/json5", False),
        (SECTOR_IDENTIFIER_URI, "", False),
        (JWKS_URI, "application/json", True),
        (JWKS_URI, "application/jwk-set+json", True),
        (JWKS_URI, "application/other+json", False),
        (JWKS_URI, "text/plain", False),
        (CLIENT_ID_METADATA_DOCUMENT, "application/json", True),
        (CLIENT_ID_METADATA_DOCUMENT, "application/cimd+json", True),
        (CLIENT_ID_METADATA_DOCUMENT, "text/cimd+json", False),
        (CLIENT_ID_METADATA_DOCUMENT, "application/*+json", True),
    ],
)
def test_a_purpose_takes_its_own_types(purpose, media_type, expected):
    """A page or an upload that happens to parse was not meant as a client's document."""
    assert expected == purpose.accepts(media_type)


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=PURPOSES.keys())
def test_every_purpose_is_bounded(purpose):
    """A row that forgot its bounds would let a stranger set them."""
    assert 0 < purpose.limit_bytes <= 256 * 1024
    assert timedelta(0) < purpose.deadline <= timedelta(seconds=10)
    assert purpose.media_types


@pytest.mark.spec("T-38")
def test_nothing_is_fetched_but_what_a_purpose_names():
    """Every further document is a further way in (CVE-2021-26715); logos are drawn anew."""
    expected = {
        "sector_identifier_uri",
        "jwks_uri",
        "client_id_metadata_document",
        "logo_uri",
        "request_uri",
    }

    assert expected == set(PURPOSES)


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.spec("E-130", "T-39")
def test_a_refusal_tells_nothing_but_itself(refusal):
    """The reason is for the operator: in an answer it would map our network for strangers."""
    refused = FetchRefused(refusal, "app.example leads to 10.0.0.1")

    shown = [str(refused), repr(refused), *map(str, refused.args)]
    assert not any("10.0.0.1" in text or refusal in text for text in shown)


def test_a_client_is_told_the_member_and_one_sentence():
    """It can look at the member it sent, which is all there is to do."""
    assert f"jwks_uri: {DOCUMENT_UNUSABLE}" == FetchRefused.public_text("jwks_uri")
