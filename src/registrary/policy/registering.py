"""Deciding a registration: screen what local facts already refuse, then decide the rest."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.core.changes import Changes, Consume, Put, Unchanged
from registrary.core.checks import Check, Outcome
from registrary.core.client import Client, Credential, Door
from registrary.core.draft import Draft, RegistrationAccess, SectorDocument
from registrary.core.entropy import Draw
from registrary.core.errors import FieldError, Problem
from registrary.core.events import Tag
from registrary.core.ids import new_id
from registrary.core.issuer import Issuer, RegistrationPolicy
from registrary.core.lifecycle import Trigger, next_state
from registrary.core.metadata import describe, in_deciding_order
from registrary.core.records import InitialAccessToken, SpentAssertion
from registrary.core.secrets import Secret
from registrary.policy.ceilings import broken_ceilings, through_the_door
from registrary.policy.consistency import (
    Resolved,
    check_sector_document,
    needs_recoverable_secret,
    needs_secret,
    noticed,
    resolve,
)
from registrary.policy.consistency.resolve import explain
from registrary.policy.credentials import (
    CREDENTIALS_DRAW_BYTES,
    CredentialKeys,
    Issue,
    issue_client_secret,
    issue_registration_access_token,
)
from registrary.policy.decision import Accepted, Refused
from registrary.policy.doors import Entry
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event, metadata_changes
from registrary.policy.quotas import counted

REGISTRATION_DRAW_BYTES: Final = 10 + CREDENTIALS_DRAW_BYTES + EVENT_DRAW_BYTES
SECTOR_REFUSED: Final = "the document could not be used"
TOO_MANY: Final = "too many registrations; try again later"


class Screened(msgspec.Struct, frozen=True):
    """A draft that nothing local speaks against, and the client it would result in."""

    draft: Draft
    entry: Entry
    resolved: Resolved


class Terms(msgspec.Struct, frozen=True):
    """On which terms a decision is made: by whom, when, with which keys and randomness."""

    issuer: Issuer
    occasion: Occasion
    keys: CredentialKeys
    draw: Draw

    @property
    def now(self) -> datetime:
        """Return the moment of the decision."""
        return self.occasion.now


def screen(draft: Draft, entry: Entry) -> Screened | Refused:
    """Refuse what local facts already refuse; nothing has left the machine so far.

    The door is judged before anybody reads the document, so a stranger learns nothing from a
    bad one, and costs next to nothing.
    """
    problems = draft.parsed.problems
    unusable = [problem.field for problem in problems]
    offer = through_the_door(draft.offer, draft.door, entry.policies)
    resolved = resolve(draft.parsed.values, offer, unusable=unusable)
    problems = (*problems, *resolved.problems, *broken_ceilings(resolved, entry.policies))
    if problems:
        return refuse_document(resolved, problems)
    return Screened(draft, entry, resolved)


def refuse_document(resolved: Resolved, problems: tuple[Problem, ...]) -> Refused:
    """Refuse a document with all its *problems*; the first in table order names the code."""
    ordered = in_deciding_order(problems)
    return Refused(
        code=ordered[0].code,
        description=describe(ordered),
        problems=ordered,
        checks=explain(resolved, ordered),
    )


def sector_problem(resolved: Resolved, document: SectorDocument | None) -> Problem | None:
    """Return what is wrong with the sector document, if anything (OIDC Registration §5)."""
    if resolved.sector_need is None:
        return None
    name, section = "sector_identifier_uri", "OpenID Connect Registration §5"
    if document is None or document.value is None:
        return Problem("invalid_client_metadata", name, SECTOR_REFUSED, section)
    try:
        check_sector_document(document.value, resolved.metadata.get("redirect_uris") or ())
    except FieldError as error:
        return Problem("invalid_client_metadata", name, error.rule, section)
    return None


class Previewed(msgspec.Struct, frozen=True):
    """What a draft would come to if it were decided now."""

    checks: tuple[Check, ...]
    pending_scope: str | None


def preview(screened: Screened) -> Previewed:
    """Return every check of a draft that would be accepted, without deciding it."""
    checks = explain(screened.resolved, ())
    if screened.resolved.sector_need:
        section = "OpenID Connect Registration §5"
        checks += (Check("sector document", section, Outcome.NOT_CHECKED, "not fetched"),)
    return Previewed(checks, screened.resolved.pending_scope)


def decide(screened: Screened, terms: Terms, sector: SectorDocument | None) -> Accepted | Refused:
    """Make the client of a screened draft, its credentials, its event and the write."""
    found = sector_problem(screened.resolved, sector)
    if found is not None:
        return refuse_document(screened.resolved, (found,))
    resolved, now = screened.resolved, terms.now
    issue = Issue(
        issuer=terms.issuer.id,
        client_id=new_id(now, terms.draw),
        now=now,
        lifetime=secret_lifetime(terms.issuer, screened.entry.policies),
    )
    secret: Secret | None = None
    secrets: tuple[Credential, ...] = ()
    if needs_secret(resolved.metadata):
        recoverable = needs_recoverable_secret(resolved.metadata)
        secret, kept = issue_client_secret(
            issue, terms.keys, terms.draw, is_recoverable=recoverable
        )
        secrets = (kept,)
    token, kept_token = issue_registration_access_token(issue, terms.keys, terms.draw)
    client = Client(
        issuer=terms.issuer.id,
        client_id=issue.client_id,
        state=next_state(None, Trigger.REGISTER),
        metadata=resolved.metadata,
        provenance=resolved.provenance,
        door=_door(screened),
        secrets=secrets,
        registration_access_tokens=(kept_token,),
        issued_at=now,
        updated_at=now,
    )
    return Accepted(
        client=client,
        changes=_changes(client, screened, terms),
        client_secret=secret,
        registration_access_token=token,
        pending_scope=resolved.pending_scope,
    )


def secret_lifetime(issuer: Issuer, policies: tuple[RegistrationPolicy, ...]) -> timedelta | None:
    """Return how long a client secret is good for: the shortest that applies, None for ever."""
    limits = [policy.client_secret_lifetime for policy in policies]
    applying = [limit for limit in (issuer.lifetimes.client_secret, *limits) if limit is not None]
    return min(applying) if applying else None


def _door(screened: Screened) -> Door:
    token, access = screened.entry.facts.initial_access_token, screened.entry.facts.access
    return Door(
        mode=screened.draft.door,
        initial_access_token=token.id if token else None,
        registered_by=access.bearer if access else None,
        organization=token.organization if token else None,
        policies=tuple(policy.name for policy in screened.entry.policies),
    )


def _changes(client: Client, screened: Screened, terms: Terms) -> Changes:
    token = screened.entry.facts.initial_access_token
    registered = an_event(
        terms.occasion,
        Tag.CLIENT_REGISTERED,
        draw=terms.draw,
        client_id=client.client_id,
        changes=metadata_changes(None, client),
        detail={
            "door": client.door.mode,
            "policies": list(client.door.policies),
            **noticed(screened.resolved),
        },
    )
    return Changes(
        puts=(Put(client), *_spent(screened.entry.facts.access, terms.issuer)),
        events=(registered,),
        consumptions=(*_uses(token), *counted(terms.issuer, client.door.organization)),
        # A token that is revoked while this is decided must not let one more client in.
        unchanged=(_as_read(token),) if token else (),
    )


def _spent(access: RegistrationAccess | None, issuer: Issuer) -> tuple[Put, ...]:
    """Return the note that an access token served; a second one of it is a conflict."""
    if access is None:
        return ()
    note = SpentAssertion(issuer=issuer.id, digest=access.digest, expires_at=access.expires_at)
    return (Put(note),)


def _uses(token: InitialAccessToken | None) -> tuple[Consume, ...]:
    if token is None or token.uses is None:
        return ()
    return (Consume(token.issuer, token.counter, token.uses),)


def _as_read(token: InitialAccessToken) -> Unchanged:
    return Unchanged(token.kind, token.issuer, token.id, token.revision)
