"""What a person has to be asked, and what is remembered of the answer. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from registrary.authserver.authorization.failing import is_verified
from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.way_back import shown_place
from registrary.core.base64url import encode
from registrary.core.client import Client
from registrary.core.grants import Consent
from registrary.core.metadata import base_name
from registrary.core.scope import ScopeDefinition
from registrary.core.uris import RedirectKind, redirect_kind

_SHOWN: tuple[str, ...] = ("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is new to the person in a request.

    *scope* are the scopes to show; *before* were allowed earlier, and nothing need be asked of
    them. *is_needed* is false when all was decided before; it can be true without a new scope,
    for another resource or other details.
    """

    scope: tuple[str, ...]
    before: tuple[str, ...]
    is_needed: bool


def is_remembered(request: AuthorizationRequest) -> bool:
    """Tell whether what a person allows is remembered for the next time.

    Only a client that proves itself at an https address is the same client then: loopback ports
    and private schemes belong to whoever takes them.
    """
    is_public = request.client.metadata.get("token_endpoint_auth_method") == "none"
    return not is_public and redirect_kind(request.way_back.uri) is RedirectKind.HTTPS


def metadata_hash(client: Client) -> str:
    """Return what stands for all that the page tells of *client*; with another one it asks anew."""
    members = client.metadata.items()
    shown = {name: value for name, value in members if base_name(name) in _SHOWN}
    return _hash([sorted(shown.items()), is_verified(client)])


def question_of(request: AuthorizationRequest, consent: Consent | None) -> Question:
    """Return what of *request* is new after *consent*, which is None when nothing is remembered.

    With ``prompt=consent`` everything is.
    """
    if (
        consent is None
        or "consent" in request.prompt
        or consent.metadata_hash != metadata_hash(request.client)
    ):
        return Question(scope=request.decided_scope, before=(), is_needed=True)
    decided = {*consent.scope, *consent.declined}
    new = tuple(name for name in request.decided_scope if name not in decided)
    return Question(
        scope=new,
        before=tuple(name for name in request.decided_scope if name in consent.scope),
        is_needed=bool(new)
        or not set(request.resources) <= set(consent.resources)
        or details_hash(request) not in (None, consent.authorization_details_hash),
    )


def allowed_scope(
    request: AuthorizationRequest,
    question: Question,
    *,
    ticked: Collection[str],
    catalogue: Iterable[ScopeDefinition],
) -> tuple[str, ...]:
    """Return the scope that a person allowed who answered *question* and left *ticked* boxes.

    Only an optional scope has a box; the rest stands or falls with the whole.
    """
    optional = {scope.name for scope in catalogue if scope.optional}
    refused = {name for name in question.scope if name in optional and name not in ticked}
    asked = {*question.scope, *question.before} - refused
    return tuple(name for name in request.decided_scope if name in asked)


def remembering(
    request: AuthorizationRequest,
    question: Question,
    *,
    person: str,
    scope: tuple[str, ...],
    earlier: Consent | None,
    now: datetime,
) -> Consent:
    """Return what to remember of *person* allowing *scope* in answer to *question*.

    Of an *earlier* consent that still counts, what was not asked again stays.
    """
    client = request.client
    is_continued = earlier is not None and earlier.metadata_hash == metadata_hash(client)
    kept = earlier if is_continued else None
    declined = {*(kept.declined if kept else ()), *question.scope} - {*scope}
    allowed = {*(kept.scope if kept else ()), *scope} - declined
    resources = {*(kept.resources if kept else ()), *request.resources}
    details = details_hash(request) or (kept.authorization_details_hash if kept else None)
    return Consent(
        issuer=client.issuer,
        person=person,
        client_id=client.client_id,
        redirect_host=shown_place(request.way_back.uri),
        revision=earlier.revision + 1 if earlier else 1,
        scope=tuple(sorted(allowed)),
        declined=tuple(sorted(declined)),
        resources=tuple(sorted(resources)),
        metadata_hash=metadata_hash(client),
        authorization_details_hash=details,
        given_at=now,
    )


def consent_key(request: AuthorizationRequest, person: str) -> str:
    """Return the key of the consent of *person* that could answer *request*."""
    return f"{person}:{request.client.client_id}:{shown_place(request.way_back.uri)}"


def details_hash(request: AuthorizationRequest) -> str | None:
    """Return what stands for the ``authorization_details`` of *request*, None without any."""
    return _hash(request.authorization_details) if request.authorization_details else None


def _hash(value: object) -> str:
    return encode(sha256(msgspec.json.encode(value, order="deterministic")).digest())
