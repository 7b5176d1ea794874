"""Lists of a store: run as a part of `registrary.testing.store_contract`."""

import pytest

from registrary.core.changes import Changes, Put, Record
from registrary.core.client import Client
from registrary.core.records import InitialAccessToken, SpentAssertion
from registrary.core.signing_key import SigningKey
from registrary.testing.backend_contract import (
    OTHER_ISSUER_ID,
    SECOND,
    BackendContract,
    LoggingStore,
    put_new,
)
from registrary.testing.clock import MOMENT
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_spent_assertion,
    an_initial_access_token,
    an_issuer,
)

KEYS = ("", "A", "Z", "a", "b", "https://client.example/id", "z", "é", "\ue000", "\U0001f418")
"""Keys in the order of their code points, which is the order of every store."""


@pytest.mark.anyio
class ListingContract(BackendContract):
    """Pages in key order, what expired, and which issuers there are."""

    async def _fill(self, store: LoggingStore) -> None:
        for key in reversed(KEYS):
            await store.commit(put_new(a_client(client_id=key)))
        await store.commit(put_new(a_client(client_id="m", issuer=OTHER_ISSUER_ID)))

    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    @pytest.mark.parametrize("limit", [1, 3, len(KEYS), len(KEYS) + 1])
    async def test_pages_go_through_all_keys_in_order(
        self, store: LoggingStore, limit: int, *, descending: bool
    ) -> None:
        """A list that skips or repeats a client hides it from an audit."""
        await self._fill(store)

        seen: list[str] = []
        after: str | None = None
        while True:
            page = await store.page(
                Client, ISSUER_ID, after=after, limit=limit, descending=descending
            )
            seen += [client.client_id for client in page.records]
            assert len(page.records) <= limit
            after = page.next_after
            if after is None:
                break

        assert sorted(KEYS, reverse=descending) == seen

    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    async def test_the_last_page_says_so(self, store: LoggingStore, *, descending: bool) -> None:
        """A list that ends exactly with its page does not lead to an empty one."""
        await self._fill(store)

        page = await store.page(Client, ISSUER_ID, limit=len(KEYS), descending=descending)

        assert page.next_after is None

    async def test_a_page_may_start_behind_a_key_that_is_absent(self, store: LoggingStore) -> None:
        """A cursor stays good when the record it names is gone."""
        await self._fill(store)

        up = await store.page(Client, ISSUER_ID, after="c", limit=1)
        down = await store.page(Client, ISSUER_ID, after="c", limit=1, descending=True)

        assert ["https://client.example/id"] == [client.client_id for client in up.records]
        assert ["b"] == [client.client_id for client in down.records]

    async def test_a_page_may_start_behind_a_key_that_nobody_could_have(
        self, store: LoggingStore
    ) -> None:
        """A cursor that somebody made up leads to a page, not to an error of the store."""
        await self._fill(store)

        up = await store.page(Client, ISSUER_ID, after="b\0d", limit=1)
        down = await store.page(Client, ISSUER_ID, after="b\0d", limit=1, descending=True)

        assert ["https://client.example/id"] == [client.client_id for client in up.records]
        assert ["b"] == [client.client_id for client in down.records]

    async def test_an_issuer_without_records_has_an_empty_page(self, store: LoggingStore) -> None:
        """Nothing to show is shown as nothing."""
        page = await store.page(Client, ISSUER_ID)

        assert () == page.records
        assert page.next_after is None

    async def test_expired_records_come_oldest_first(self, store: LoggingStore) -> None:
        """A sweep that is cut short has removed what was due first."""
        ends = {"b": -2 * SECOND, "d": -3 * SECOND, "now": 0 * SECOND, "later": SECOND}
        for key, offset in ends.items():
            await store.commit(put_new(a_spent_assertion(digest=key, expires_at=MOMENT + offset)))
        foreign = a_spent_assertion(issuer=OTHER_ISSUER_ID, expires_at=MOMENT - SECOND)
        await store.commit(put_new(foreign))

        ended = await store.expired(SpentAssertion, ISSUER_ID, now=MOMENT, limit=10)
        first = await store.expired(SpentAssertion, ISSUER_ID, now=MOMENT, limit=1)

        assert ["d", "b", "now"] == [assertion.digest for assertion in ended]
        assert ["d"] == [assertion.digest for assertion in first]

    async def test_a_new_end_counts_from_the_commit(self, store: LoggingStore) -> None:
        """A token whose life was prolonged is not swept away."""
        await store.commit(put_new(an_initial_access_token(id="t", expires_at=MOMENT)))

        longer = an_initial_access_token(id="t", revision=2, expires_at=MOMENT + SECOND)
        await store.commit(Changes(puts=(Put(longer, expected=1),)))

        assert () == tuple(await store.expired(InitialAccessToken, ISSUER_ID, now=MOMENT, limit=10))

    async def test_what_has_no_end_never_expires(self, store: LoggingStore) -> None:
        """A token for ever is not a token of the year one."""
        await store.commit(put_new(an_initial_access_token(expires_at=None)))

        assert () == tuple(await store.expired(InitialAccessToken, ISSUER_ID, now=MOMENT, limit=10))

    @pytest.mark.parametrize("record_type", [Client, SigningKey])
    async def test_asking_which_of_the_unending_expired_is_a_mistake(
        self, store: LoggingStore, record_type: type[Record]
    ) -> None:
        """A sweep of clients by expiry would sit in the code unnoticed and do nothing."""
        with pytest.raises(ValueError, match="expire"):
            await store.expired(record_type, ISSUER_ID, now=MOMENT, limit=10)

    async def test_issuers_come_oldest_first(self, store: LoggingStore) -> None:
        """The first issuer is the one the settings made."""
        young = an_issuer(id="a", created_at=MOMENT + SECOND)
        old, twin = an_issuer(id="b", created_at=MOMENT), an_issuer(id="c", created_at=MOMENT)
        for issuer in (young, twin, old):
            await store.commit(put_new(issuer))

        assert [old, twin, young] == list(await store.issuers())
