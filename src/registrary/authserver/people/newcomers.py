"""A person who is made known, and what goes with it."""

from collections.abc import Mapping
from typing import Any, Final

from registrary.authserver.people.names import local_name, upstream_name
from registrary.core.changes import Changes, Put
from registrary.core.entropy import Draw
from registrary.core.events import Tag
from registrary.core.ids import new_id
from registrary.core.people import Person, SignInName, UpstreamIdentity
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event

_SUBJECT_KEY_BYTES: Final = 32
NEWCOMER_DRAW_BYTES: Final = 10 + _SUBJECT_KEY_BYTES + EVENT_DRAW_BYTES


def newcomer(
    occasion: Occasion,
    *,
    draw: Draw,
    username: str | None = None,
    claims: Mapping[str, Any] | None = None,  # Any: claims are JSON values of every kind
    password: str | None = None,
    identity: UpstreamIdentity | None = None,
) -> tuple[Person, Changes]:
    """Return a new person and what stores them; spends `NEWCOMER_DRAW_BYTES` of *draw*.

    *password* is as it is kept. The commit conflicts when *username* or *identity* is somebody's.
    """
    person = Person(
        issuer=occasion.issuer,
        id=new_id(occasion.now, draw),
        username=username,
        claims=dict(claims or {}),
        subject_key=draw.take(_SUBJECT_KEY_BYTES),
        password=password,
        identities=() if identity is None else (identity,),
        created_at=occasion.now,
        updated_at=occasion.now,
    )
    names = [] if username is None else [local_name(username)]
    if identity is not None:
        names.append(upstream_name(identity.provider, identity.subject))
    leads = (SignInName(issuer=person.issuer, name=name, person=person.id) for name in names)
    puts = (Put(person), *(Put(lead) for lead in leads))
    event = an_event(occasion, Tag.PERSON_CREATED, draw=draw, detail={"person": person.id})
    return person, Changes(puts=puts, events=(event,))
