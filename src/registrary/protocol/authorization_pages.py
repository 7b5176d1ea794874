"""What the pages of an authorization tell people: who asks, for what, and where the answer goes."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import msgspec

from registrary.authserver.authorization.consent import Question
from registrary.authserver.authorization.failing import is_verified
from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.way_back import shown_place
from registrary.authserver.context import ServerContext
from registrary.authserver.resources import resource_called
from registrary.core.client import Client
from registrary.core.people import Person
from registrary.core.scope import ScopeDefinition
from registrary.core.uris import https_host, redirect_kind
from registrary.protocol.authorization_answers import name_of
from registrary.protocol.logo import logo_address

_LINE: Final = 400  # characters of a line about an authorization detail
_ORDER: Final = ("high", "medium", "low")
_NAMES: Final = ("name", "preferred_username", "email")


def links_of(context: ServerContext, client: Client) -> dict[str, object]:
    """Return where *client* tells more about itself, and its logo as we show it."""
    names = ("client_uri", "tos_uri", "policy_uri")
    shown = {name: client.metadata.get(name) for name in names}
    return shown | {"logo": logo_address(context.issuer, client)}


def asking_client(request: AuthorizationRequest) -> dict[str, object]:
    """Return who sent the person to the login page."""
    client = request.client
    host = https_host(client.client_id) or shown_place(request.way_back.uri)
    return {"name": name_of(client), "host": host}


def consent_values(
    context: ServerContext,
    request: AuthorizationRequest,
    question: Question,
    *,
    person: Person,
    csrf: str,
    form_action: str,
    warnings: Sequence[str] = (),
) -> Mapping[str, object]:
    """Return the values of the page that asks *person* for what is new in *request*."""
    return {
        "csrf": csrf,
        "form_action": form_action,
        "client": _client(context, request),
        "person": person_name(person),
        "groups": groups_of(context, question.scope),
        "details": [line for one in request.authorization_details for line in _lines(one)],
        "resources": [resource_name(context, uri) for uri in request.resources],
        "warnings": list(warnings),
    }


def person_name(person: Person) -> str:
    """Return by which name *person* knows that it is them."""
    named = [person.claims.get(name) for name in _NAMES]
    known = [str(name) for name in named if name]
    first = known[0] if known else person.username or person.id
    return f"{first} ({person.username})" if person.username not in (None, first) else first


def _client(context: ServerContext, request: AuthorizationRequest) -> dict[str, object]:
    uri = request.way_back.uri
    place = {"redirect_host": shown_place(uri), "kind": redirect_kind(uri).value}
    return client_values(context, request.client) | place


def client_values(context: ServerContext, client: Client) -> dict[str, object]:
    """Return who *client* is, but for where its answer goes."""
    return {
        "name": name_of(client),
        "client_id": client.client_id,
        "client_id_host": https_host(client.client_id),
        "verified": is_verified(client),
        "registered_at": f"{client.issued_at:%d %B %Y}".lstrip("0"),
        "registered_by": _registrant(client),
        **links_of(context, client),
    }


def _registrant(client: Client) -> str:
    """Return who registered *client*, as people can judge it; nobody is named to strangers."""
    door, by = client.door, client.door.registered_by
    if door.organization is not None:
        return door.organization
    if by is not None:
        return "another application" if by.startswith("client:") else "somebody with an account"
    if door.initial_access_token is not None:
        return "somebody this server gave a token to"
    return "itself, and nobody here was asked"


def groups_of(context: ServerContext, names: Iterable[str]) -> list[dict[str, object]]:
    """Return the scopes called *names* by their sensitivity, the highest first."""
    catalogue = context.offer.scope_by_name
    scopes = [catalogue[name] for name in names if name in catalogue]
    groups = ((level, [s for s in scopes if s.sensitivity == level]) for level in _ORDER)
    return [
        {"sensitivity": level, "scopes": [_scope(scope) for scope in members]}
        for level, members in groups
        if members
    ]


def _scope(scope: ScopeDefinition) -> dict[str, object]:
    return {
        "name": scope.name,
        "description": scope.description,
        "optional": scope.optional,
        "checked": True,
    }


def resource_name(context: ServerContext, uri: str) -> str:
    """Return how people know the resource at *uri*."""
    known = resource_called(context.issuer, uri)
    return f"{known.name} ({uri})" if known is not None and known.name else uri


def _lines(detail: Mapping[str, Any]) -> list[str]:  # Any: JSON (RFC 9396 §2)
    """Return an authorization detail as text: its type, then all that it says.

    A page cuts lines that are too long, and what was cut nobody allowed.
    """
    said = (f"{name}: {_text(value)}" for name, value in detail.items() if name != "type")
    return wrap("; ".join((str(detail["type"]), *said)), _LINE)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return msgspec.json.encode(value).decode()
