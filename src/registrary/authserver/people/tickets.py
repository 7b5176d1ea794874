"""Tickets: what a page must remember until it is answered, sealed and held by the page itself.

Strangers leave nothing in the store. A ticket opens only with the browser it was made for, for the
request it was made about and at the step it was made for: all three are sealed into it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from registrary.authserver.people.services import PeopleServices
from registrary.core.base64url import decode, encode
from registrary.core.sealing import SEAL_DRAW_BYTES, Place, UnsealError

TICKET_LIFETIME: Final = timedelta(hours=1)
_LONGEST: Final = 2000  # characters; ours have a third


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page remembers.

    *started_at* is when the person came with this request: a sign-in since then is a fresh one.
    *person* proved a password, at *generation*, and has a code still to prove. *challenge* is
    what a passkey has to sign, *secret* what codes will be made with. *session* is the id of the
    one in which the page was shown.
    """

    started_at: datetime
    made_at: datetime
    person: str | None = None
    generation: int = 0
    challenge: bytes | None = None
    secret: bytes | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a ticket is bound to.

    *step* is the kind of page, *browser* the value of the browser's cookie, *request* the digest
    of what the person is asked about.
    """

    issuer: str
    step: str
    browser: str
    request: str

    def place(self) -> Place:
        """Return where such a ticket is kept: in this browser, for this request, at this step."""
        browser = sha256(self.browser.encode("utf-8", "surrogatepass")).hexdigest()
        return Place("ticket", self.step, self.issuer, f"{browser}:{self.request}")


def seal_ticket(services: PeopleServices, binding: Binding, ticket: Ticket) -> str:
    """Return *ticket* as text that only opens for *binding*."""
    draw = services.draw(SEAL_DRAW_BYTES)
    sealer = services.secret_keys.sealer()
    return encode(sealer.seal(msgspec.json.encode(ticket), binding.place(), draw))


def open_ticket(
    services: PeopleServices,
    binding: Binding,
    text: str | None,
    *,
    lifetime: timedelta = TICKET_LIFETIME,
) -> Ticket | None:
    """Return the ticket that *text* is, None when it is none for *binding*, or too old."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        plain = services.secret_keys.sealer().unseal(decode(text), binding.place())
        ticket = msgspec.json.decode(plain, type=Ticket)
    except (ValueError, UnsealError):  # also one that another version made
        return None
    age = services.clock.now() - ticket.made_at
    return ticket if age <= lifetime else None
