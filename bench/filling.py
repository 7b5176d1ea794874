"""Filling a store with clients that were never asked for: rows made from templates, in bulk."""

import base64
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from typing import Final, Protocol

from bench.documents import Registered
from bench.templates import Template
from registrary.audit.record import leaf_hash
from registrary.core.changes import NO_LIMIT, Changes, Consume
from registrary.core.entropy import Draw
from registrary.core.ids import milliseconds
from registrary.core.secrets import (
    CLIENT_SECRET_DRAW_BYTES,
    TOKEN_DRAW_BYTES,
    PepperRing,
    Prefix,
    Secret,
    mint_client_secret,
    mint_registration_access_token,
)
from registrary.policy.quotas import COUNTER

HISTORY: Final = timedelta(days=700)
"""How long ago the first of the clients registered; the others followed evenly."""

WEIGHT: Final = 1200  # places among which the templates are shared out
ASKED: Final = "web"  # the family whose members the bench knows the credentials of


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client as a row of its table."""

    key: str
    revision: int
    record: bytes


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a row of its table."""

    event_id: bytes
    time: int
    client_id: str
    body: bytes
    salt: bytes
    leaf_hash: bytes


class Sink(Protocol):
    """What takes rows in bulk; nothing of them is sequenced yet."""

    def add(self, clients: Sequence[ClientRow], events: Sequence[EventRow]) -> None:
        """Take some more rows, later ones than all before."""
        ...


@dataclass(slots=True)
class Crowd:
    """*count* clients made from *templates*; *known* of them have credentials the bench knows.

    *counters* and *registered* are filled while the rows are made.
    """

    issuer: str
    templates: Sequence[Template]
    count: int
    known: int
    peppers: PepperRing
    now: datetime
    counters: Counter[str] = field(default_factory=Counter)
    registered: list[Registered] = field(default_factory=list)
    record_bytes: int = 0
    body_bytes: int = 0
    events: int = 0

    def rows(self, page: int = 2000) -> Iterator[tuple[list[ClientRow], list[EventRow]]]:
        """Yield all rows, *page* clients at a time, oldest first."""
        order, stride = cycle(shared_out(self.templates)), max(1, self.count // max(1, self.known))
        asked = next(one for one in self.templates if one.family == ASKED)
        clients: list[ClientRow] = []
        events: list[EventRow] = []
        for number in range(self.count):
            is_known = number % stride == 0
            template = next(order)
            client, logged = self._copy(asked if is_known else template, number, is_known=is_known)
            clients.append(client)
            events += logged
            if len(clients) == page:
                yield clients, events
                clients, events = [], []
        yield clients, events

    def _copy(
        self, template: Template, number: int, *, is_known: bool
    ) -> tuple[ClientRow, list[EventRow]]:
        moment = self.now - HISTORY + HISTORY / (self.count + 1) * number
        locator = milliseconds(moment).to_bytes(6, "big") + os.urandom(10)
        client_id = locator.hex()
        first, second = self._credentials(locator) if is_known else (os.urandom(32), os.urandom(32))
        values = {
            b"client_id": client_id.encode(),
            b"moment": _text_of(moment),
            b"number": b"%012d" % number,
            b"request": b"%020x" % number,
            b"first_mac": base64.b64encode(first),
            b"second_mac": base64.b64encode(second),
        }
        record = template.record % values
        self._count(template, len(record))
        logged = [
            self._event(pattern, values, moment + timedelta(milliseconds=place))
            for place, pattern in enumerate(template.events)
        ]
        return ClientRow(client_id, template.revision, record), logged

    def _count(self, template: Template, length: int) -> None:
        self.record_bytes += length
        if template.counts:
            self.counters[COUNTER] += 1
            if template.organization is not None:
                self.counters[f"{COUNTER}:{template.organization}"] += 1

    def _event(self, pattern: bytes, values: dict[bytes, bytes], when: datetime) -> EventRow:
        octets = bytearray(milliseconds(when).to_bytes(6, "big") + os.urandom(10))
        octets[6] = 0x70 | (octets[6] & 0x0F)  # RFC 9562 §5.7
        octets[8] = 0x80 | (octets[8] & 0x3F)
        body = pattern % {**values, b"event_id": _uuid(octets), b"moment": _text_of(when)}
        salt = os.urandom(16)
        self.events += 1
        self.body_bytes += len(body)
        return EventRow(
            event_id=bytes(octets),
            time=milliseconds(when) * 1000 + when.microsecond % 1000,
            client_id=values[b"client_id"].decode(),
            body=body,
            salt=salt,
            leaf_hash=leaf_hash(salt, body),
        )

    def _credentials(self, locator: bytes) -> tuple[bytes, bytes]:
        secret = mint_client_secret(Draw(os.urandom(CLIENT_SECRET_DRAW_BYTES)))
        token = mint_registration_access_token(Draw(os.urandom(TOKEN_DRAW_BYTES)), locator)
        client_id = locator.hex()
        self.registered.append(
            Registered(client_id, secret.reveal(), f"/register/{client_id}", token.reveal())
        )
        return self._mac(secret, Prefix.CLIENT_SECRET), self._mac(
            token, Prefix.REGISTRATION_ACCESS_TOKEN
        )

    def _mac(self, secret: Secret, purpose: Prefix) -> bytes:
        return self.peppers.digest(secret, purpose=purpose).mac

    def counted(self) -> Changes:
        """Return the counting of all clients that rows were made for."""
        return Changes(
            consumptions=tuple(
                Consume(self.issuer, name, NO_LIMIT, amount)
                for name, amount in self.counters.items()
            )
        )


def shared_out(templates: Sequence[Template]) -> list[Template]:
    """Return *templates* as often as their shares say, well mixed."""
    of_family = Counter(template.family for template in templates)
    total = sum(template.share / of_family[template.family] for template in templates)
    due = [
        (template, template.share / of_family[template.family] / total) for template in templates
    ]
    given = [0] * len(due)
    order = []
    for place in range(1, WEIGHT + 1):
        # Whoever is furthest behind is next, so that no stretch has all of one family.
        index = max(range(len(due)), key=lambda one: due[one][1] * place - given[one])
        given[index] += 1
        order.append(due[index][0])
    return order


def _text_of(moment: datetime) -> bytes:
    return moment.isoformat().replace("+00:00", "Z").encode()


def _uuid(octets: bytearray) -> bytes:
    digits = octets.hex()
    text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return text.encode()
