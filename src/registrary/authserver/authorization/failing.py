"""How an authorization request fails, and whether its client hears of it."""

from dataclasses import dataclass

from registrary.authserver.authorization.way_back import Fields, WayBack
from registrary.core.client import Client
from registrary.core.issuer import Issuer, RuleSet


class RequestRefused(Exception):
    """A parameter breaks a rule. The text names both, never the value."""

    def __init__(self, code: str, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.code = code
        self.description = f"{field}: {rule}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that comes to nothing.

    Without *way_back* nobody proved where the request came from: it ends on a page of ours.
    *client* is there as soon as it is known. *is_silent*: the client asked without wanting pages
    (``prompt=none``). *is_by_person*: somebody read our page and said no.
    """

    code: str
    description: str
    client: Client | None = None
    way_back: WayBack | None = None
    is_silent: bool = False
    is_by_person: bool = False

    def fields(self, issuer: Issuer) -> Fields:
        """Return the error response (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
        state = self.way_back.state if self.way_back else None
        fields = [("error", self.code), ("error_description", self.description)]
        return [*fields, *([("state", state)] if state is not None else []), ("iss", issuer.url)]


def is_verified(client: Client) -> bool:
    """Tell whether somebody of this server's own vouches for *client*.

    That is so when it came in by a token an administrator made for an organization. What
    registered itself can be anybody's, whatever it is called.
    """
    door = client.door
    return door.initial_access_token is not None and door.organization is not None


def leads_back(issuer: Issuer, failure: Failure) -> bool:
    """Tell whether the browser is sent to the client with *failure*.

    A registered address is no trusted one where anybody can register: an error that needs
    nobody's consent would make this server the start of somebody's phishing (RFC 9700 §4.11.2).
    ``oidf-dynamic`` demands the redirect (A-132).
    """
    if failure.way_back is None or failure.client is None:
        return False
    if failure.is_silent or failure.is_by_person or is_verified(failure.client):
        return True
    return issuer.rule_set is RuleSet.OIDF_DYNAMIC
