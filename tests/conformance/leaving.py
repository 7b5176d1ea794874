"""How a client of the suite sends people to the end session endpoint, and what it finds after."""

import secrets
from typing import Final
from urllib.parse import quote, urlencode

from tests.conformance.judge import check_redirected_error
from tests.conformance.pages import query_of
from tests.conformance.relying_party import Party, SignIn
from tests.conformance.suite import BASE
from tests.protocol.people import Browser, Shown

POST_LOGOUT: Final = f"{BASE}/post_logout_redirect"
LOGOUT: Final = ("decision", "logout")
STATE_BYTES: Final = 96  # 128 characters: as long as the suite's
NO_USER_INTERFACE: Final = frozenset(
    {"interaction_required", "login_required", "account_selection_required", "consent_required"}
)


def request_of(done: SignIn, **changes: str | None) -> dict[str, str]:
    """Return the request of a client that knows of *done*; None leaves a parameter out."""
    wanted = {
        "id_token_hint": done.id_token,
        "post_logout_redirect_uri": POST_LOGOUT,
        "state": secrets.token_urlsafe(STATE_BYTES),
    } | changes
    return {name: value for name, value in wanted.items() if value is not None}


def leave(party: Party, browser: Browser, request: dict[str, str]) -> Shown:
    """Go to the end session endpoint with *request*."""
    endpoint = party.suite.metadata["end_session_endpoint"]
    query = urlencode(request, quote_via=quote)
    return browser.open(f"{endpoint}?{query}" if query else endpoint)


def check_sent_back(shown: Shown, *, state: str | None) -> None:
    """Check that a person came back to the client, with its *state* and nothing else."""
    address, _, query = shown.location.partition("?")
    assert POST_LOGOUT == address
    assert ({} if state is None else {"state": state}) == (query_of(f"?{query}") if query else {})


def check_signed_out(party: Party, browser: Browser) -> None:
    """Check that nobody is signed in any more, as the suite does: by ``prompt=none``."""
    request = party.request(prompt="none")
    fields = party.answer(request, browser.open(party.address(request)))
    issuer = party.suite.issuer
    code = check_redirected_error(fields, issuer=issuer, state=request["state"])
    assert code in NO_USER_INTERFACE
