"""What the operator of the server does at the suite's wish, by the admin API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.conformance.judge import check_json
from tests.conformance.suite import Suite
from tests.protocol.kit import OPERATOR, eventually

TYPES: Final = "authorization_details_types"


def renew_signing_key(suite: Suite, alg: str) -> str:
    """Make the successor of the key for *alg*, and return its ``kid`` once it is published."""
    old = next(key["kid"] for key in suite.keys()["keys"] if key["alg"] == alg)
    answer = suite.http.post(f"{suite.issuer}/api/v1/keys/{old}/renewal", headers=OPERATOR)
    kid: str = check_json(answer, 201)["kid"]

    def is_published() -> bool:
        return kid in {key["kid"] for key in suite.keys()["keys"]}

    assert eventually(is_published, wanted=True)
    return kid


@contextmanager
def codes_that_live(suite: Suite, seconds: int) -> Iterator[None]:
    """Let codes of the issuer live for *seconds* until the block ends."""
    issuers = suite.http.get(f"{suite.issuer}/api/v1/issuers", headers=OPERATOR)
    (issuer,) = check_json(issuers, 200)["items"]
    usual = {"authorization_code": issuer["lifetimes"]["authorization_code"]}
    _change(suite, issuer, {"authorization_code": f"{seconds}s"}, types=["short_codes"])
    yield
    _change(suite, issuer, usual, types=[])


def _change(suite: Suite, issuer: dict[str, Any], lifetimes: dict[str, str], **wish: Any) -> None:
    """Set *lifetimes*, and return once the server follows: that shows in its metadata alone."""
    change = {"lifetimes": lifetimes, TYPES: wish["types"]}
    address = f"{suite.issuer}/api/v1/issuers/{issuer['id']}"
    check_json(suite.http.patch(address, json=change, headers=OPERATOR), 200)

    def published() -> list[str]:
        metadata = suite.http.get(f"{suite.issuer}/.well-known/openid-configuration").json()
        return list(metadata.get(f"{TYPES}_supported", []))

    assert wish["types"] == eventually(published, wish["types"])
