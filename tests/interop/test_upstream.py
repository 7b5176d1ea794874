"""People who sign in at their organisation's own OpenID provider, a real npm oidc-provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from registrary.testing.server import ADMIN_TOKEN, Stores
from tests.interop.helper import at_hand
from tests.interop.journeys import Journey, Travel, require_libraries
from tests.interop.people import Browser, Person, Wishes
from tests.interop.places import Place, open_place
from tests.interop.signing_in import PersonWay
from tests.interop.upstream import upstream_provider

SCRIPT = "openid_client_people.mjs"
ADA = Person("ada@company.example", "whatever")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A server of ours and the *upstream* provider that its people sign in at."""

    place: Place
    upstream: str

    def introduce(self, **members: Any) -> dict[str, Any]:
        """Make the provider known to our server, as an administrator does."""
        document = {"url": self.upstream, "name": "Company", **members}
        answer = httpx2.post(
            f"{self.place.issuer}/api/v1/identity-providers",
            json=document,
            headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=20,
        )
        assert 201 == answer.status_code, answer.text
        provider: dict[str, Any] = answer.json()
        return provider

    def register_at_upstream(self, **members: Any) -> dict[str, Any]:
        """Register our server at the provider by hand, as its administrator does."""
        uri = f"{self.place.issuer}/signin/callback"
        document = {"client_name": "Registrary", "redirect_uris": [uri], **members}
        answer = httpx2.post(f"{self.upstream}/reg", json=document, timeout=20)
        client: dict[str, Any] = answer.json()
        return {name: client[name] for name in ("client_id", "client_secret") if name in client}

    def sign_in(self, **wishes: Any) -> Journey:
        """Have Ada sign in to a client of our server."""
        homes = [self.place.issuer, self.upstream]
        with at_hand(Browser(homes, person=ADA, wishes=Wishes(**wishes))) as person:
            return Travel(SCRIPT, PersonWay("upstream"), self.place).go("code", person=person)


@pytest.fixture
def organisation(
    tmp_path_factory: pytest.TempPathFactory, stores: Stores
) -> Iterator[Organisation]:
    """Run a server of ours and a provider."""
    require_libraries()
    with (
        upstream_provider(tmp_path_factory.mktemp("upstream")) as upstream,
        open_place(tmp_path_factory.mktemp("organisation"), stores) as place,
    ):
        yield Organisation(place, upstream)


def test_our_server_registers_itself_at_the_provider(organisation: Organisation):
    """Where the provider has dynamic registration, its address is all there is to know."""
    provider = organisation.introduce()

    journey = organisation.sign_in(provider=provider["id"])

    clicked = journey.result("arrive")["clicked"]
    assert ["provider", "decision"] == [name for name in clicked if name]
    assert f"{ADA.username} of the company" == journey.result("userinfo")["name"]


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "none"], ids=lambda method: method
)
def test_our_server_uses_what_it_was_given_there(organisation: Organisation, method):
    """The normal case: somebody registered our server at the provider by hand."""
    given = organisation.register_at_upstream(token_endpoint_auth_method=method)
    provider = organisation.introduce(**given)

    journey = organisation.sign_in(provider=provider["id"])

    assert f"{ADA.username}@company.example" == journey.result("userinfo")["email"]


def test_people_are_sent_to_the_provider_of_their_domain(organisation: Organisation):
    """Nobody has to know which button is theirs."""
    organisation.introduce(domains=["company.example"])

    journey = organisation.sign_in()

    assert "provider" not in journey.result("arrive")["clicked"]
    assert journey.result("finish")["claims"]["sub"] == journey.result("userinfo")["sub"]
