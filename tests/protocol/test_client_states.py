"""What holds, ends and comes back of everything a client has, over HTTP: one test for each cell.

The tables are in effects_table.py. Every state has a client, or a person, of its own; all of them
are prepared and tried once, before the first cell is looked at.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, purge
from registrary.core.deliveries import revocation_of
from registrary.core.lifecycle import HARD_HOLDS, ClientState, HoldKind
from registrary.testing.server import Stores
from registrary.testing.stores import opened
from tests.protocol.effects import PASSWORD, Holdings, House, a_house, found, holdings_of
from tests.protocol.effects_table import CLIENT, PERSON, columns_of
from tests.protocol.flows import App, an_app
from tests.protocol.kit import bearer
from tests.protocol.people import USERNAME

Found = dict[str, dict[str, str]]
LISTS_FOLLOW_SECONDS: Final = 1.0
SOFT_HOLDS: Final = frozenset(HoldKind) - HARD_HOLDS


def hold(house: House, app: App, kind: str) -> None:
    """Place a hold."""
    path = f"clients/{app.body['client_id']}/holds"
    house.admin("POST", path, kind=kind, reason="a test")


def lift(house: House, app: App, kind: str) -> None:
    """Lift it again."""
    house.admin("DELETE", f"clients/{app.body['client_id']}/holds/{kind}")


def revoke(house: House, app: App) -> None:
    """Revoke a client as an administrator does."""
    house.admin("DELETE", f"clients/{app.body['client_id']}", reason="a test")


def delete(_: House, app: App) -> None:
    """Let a client delete itself."""
    address = app.body["registration_client_uri"]
    app.http.delete(address, headers=bearer(app.body["registration_access_token"]))


def kept(house: House, app: App, change: Callable[[Client], Client]) -> None:
    """Store *change* of a client, as a chore of the server's would."""

    async def write() -> None:
        async with opened(house.server.store_url) as store:
            (issuer,) = await store.issuers()
            client = await store.get(Client, issuer.id, app.body["client_id"])
            assert client is not None
            put = Put(change(client), expected=client.revision)
            await store.commit(Changes(puts=(put,), consumptions=(revocation_of(issuer.id),)))

    asyncio.run(write())


def become(house: House, app: App, state: ClientState) -> None:
    """Bring a client into a state that nothing here leads to yet."""

    def changed(client: Client) -> Client:
        return msgspec.structs.replace(client, state=state, revision=client.revision + 1)

    kept(house, app, changed)


def revoke_and_purge(house: House, app: App) -> None:
    """Revoke a client, and erase what it said of itself, as happens some time later."""
    revoke(house, app)
    kept(house, app, lambda client: purge(client, now=datetime.now(UTC)))


Change = Callable[[House, App], None]
HOLDS: Final[dict[str, str]] = {kind.value: "hard" for kind in sorted(HARD_HOLDS)} | {
    kind.value: "soft" for kind in sorted(SOFT_HOLDS)
}
LIFTED: Final = {"hard": "after", "soft": "lifted"}
OTHERS: Final[dict[str, tuple[str, Change]]] = {
    "active": ("active", lambda _house, _app: None),
    "pending": ("awaiting", lambda house, app: become(house, app, ClientState.PENDING)),
    "expired": ("soft", lambda house, app: become(house, app, ClientState.EXPIRED)),
    "revoked by an administrator": ("gone", revoke),
    "deleted by itself": ("gone", delete),
    "purged": ("gone", revoke_and_purge),
}
STATES: Final[dict[str, str]] = (
    {name: column for name, (column, _) in OTHERS.items()}
    | HOLDS
    | {f"{kind}, lifted": LIFTED[column] for kind, column in HOLDS.items()}
)


def seen_of_clients(house: House) -> Found:
    """Bring a client into each state, and try everything."""
    held = {name: holdings_of(house, USERNAME) for name in [*OTHERS, *HOLDS]}
    for name, (_, change) in OTHERS.items():
        for app in held[name].apps:
            change(house, app)
    for kind in HOLDS:
        for app in held[kind].apps:
            hold(house, app, kind)
    time.sleep(LISTS_FOLLOW_SECONDS)
    seen = {name: found(house, one) for name, one in held.items()}
    for kind in HOLDS:
        held[kind].twin = an_app(house.http)
        hold(house, held[kind].twin, kind)
        for app in held[kind].apps:
            lift(house, app, kind)
    time.sleep(LISTS_FOLLOW_SECONDS)
    return seen | {f"{kind}, lifted": found(house, held[kind]) for kind in HOLDS}


def sign_out_everywhere(held: Holdings) -> None:
    """Press the button on the account page."""
    held.browser.press(
        held.browser.open("/account"), ("sign_out_everywhere", "sign_out_everywhere")
    )


def leave(held: Holdings) -> None:
    """Sign out of one browser, the only one there is."""
    page = held.browser.open("/logout")
    held.browser.press(page, ("decision", "logout"))


def disconnect(held: Holdings, app: App) -> None:
    """Press the button of a client on the account page."""
    held.browser.press(held.browser.open("/account"), ("disconnect", app.body["client_id"]))


PEOPLE: Final = ("well", "disabled", "again", "signed out", "left", "disconnected")


def seen_of_people(house: House) -> Found:
    """Bring a person into each state, and try everything that a client has of them."""
    identifiers, held = {}, {}
    for state in PEOPLE:
        username = state.replace(" ", "-")
        made = house.admin("POST", "people", username=username, password=PASSWORD)
        identifiers[state] = f"people/{made['id']}"
        held[state] = holdings_of(house, username)
    for state in ("disabled", "again"):
        house.admin("PATCH", identifiers[state], disabled=True)
    house.admin("PATCH", identifiers["again"], disabled=False)
    sign_out_everywhere(held["signed out"])
    leave(held["left"])
    for app in (held["disconnected"].app, held["disconnected"].bare):
        disconnect(held["disconnected"], app)
    time.sleep(LISTS_FOLLOW_SECONDS)
    return {state: found(house, one) for state, one in held.items()}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[House]:
    """Run a server of this module's own."""
    with a_house(tmp_path_factory.mktemp("house"), stores) as one:
        yield one


@pytest.fixture(scope="module")
def of_clients(house: House) -> Found:
    """Return what was found, by state and row."""
    return seen_of_clients(house)


@pytest.fixture(scope="module")
def of_people(house: House) -> Found:
    """Return what was found, by state and row."""
    return seen_of_people(house)


CLIENT_ROWS: Final = columns_of(CLIENT)
PERSON_ROWS: Final = columns_of(PERSON)


@pytest.mark.parametrize("row", CLIENT_ROWS["active"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.spec("G-100")
def test_a_state_of_a_client_has_its_effect(of_clients: Found, state: str, row: str) -> None:
    """What a hold or an end is worth is what it does at the endpoint that somebody forgot."""
    assert CLIENT_ROWS[STATES[state]][row] == of_clients[state][row]


@pytest.mark.parametrize("row", PERSON_ROWS["well"])
@pytest.mark.parametrize("state", PEOPLE)
@pytest.mark.spec("G-101")
def test_a_state_of_a_person_has_its_effect(of_people: Found, state: str, row: str) -> None:
    """Who is locked out, or sends a client away, must be out at once and everywhere."""
    assert PERSON_ROWS[state][row] == of_people[state][row]


def test_nothing_is_tried_that_no_table_names(of_clients: Found) -> None:
    """A row that was forgotten in the table would be tried for nothing."""
    assert CLIENT_ROWS["active"].keys() == of_clients["active"].keys()


@pytest.mark.spec("G-101")
def test_who_sends_a_client_away_wins_against_it(house: House) -> None:
    """A client that redeems its code in the same moment has nothing of it."""
    person = {"username": "hasty", "password": PASSWORD}
    house.admin("POST", "people", **person)
    browser = house.browser_of("hasty")
    apps = [an_app(house.http) for _ in range(5)]
    codes = [app.code(browser, scope="openid read") for app in apps]
    page = browser.open("/account")

    with ThreadPoolExecutor(len(apps)) as pool:
        redeemed = [pool.submit(app.redeem, code) for app, code in zip(apps, codes, strict=True)]
        for app in apps:
            browser.press(page, ("disconnect", app.body["client_id"]))
        answers = [one.result() for one in redeemed]

    got = [
        (app, answer.json().get("access_token")) for app, answer in zip(apps, answers, strict=True)
    ]
    assert [] == [app.body["client_id"] for app, token in got if token and app.is_active(token)]
