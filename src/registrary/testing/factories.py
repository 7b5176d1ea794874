"""Records and events that are right as they stand; a test states only what matters to it.

Each factory takes the fields of what it makes, by name. Ids are new with every call and grow,
as those of the server do.
"""

import itertools
from datetime import timedelta
from typing import Any, Final

import msgspec

from registrary.core.client import Client, Credential, Door
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, FieldChange, Tag
from registrary.core.ids import new_event_id, new_id
from registrary.core.issuer import Issuer
from registrary.core.lifecycle import ClientState, Hold, HoldKind
from registrary.core.records import (
    AdminToken,
    InitialAccessToken,
    RevokedToken,
    SpentAssertion,
)
from registrary.core.signing_key import KeyState, SigningKey
from registrary.testing.clock import MOMENT

ISSUER_ID: Final = "0123456789"
"""The issuer that everything made here belongs to, unless a test says otherwise."""

ISSUER_URL: Final = "https://registry.example"
PEPPER_ID: Final = "pepper-1"

_numbers = itertools.count(1)


def _draw() -> Draw:
    """Return ten bytes that were never returned before and sort behind those that were."""
    return Draw(next(_numbers).to_bytes(10, "big"))


def an_id() -> str:
    """Return an id for a client or a token, unlike any returned before."""
    return new_id(MOMENT, _draw())


def an_event_id() -> str:
    """Return an id for an event, unlike any returned before and greater."""
    number = next(_numbers)
    return new_event_id(MOMENT + timedelta(milliseconds=number), Draw(number.to_bytes(10, "big")))


def an_issuer(**what_matters: Any) -> Issuer:  # Any: the fields of Issuer, checked when it is made
    """Return an issuer that offers no scopes and takes registrations with a token."""
    issuer = Issuer(id=ISSUER_ID, url=ISSUER_URL, scopes=(), created_at=MOMENT, updated_at=MOMENT)
    return msgspec.structs.replace(issuer, **what_matters)


def some_metadata(**members: Any) -> dict[str, Any]:  # Any: metadata values are JSON
    """Return validated metadata of a small confidential web client; *members* come on top."""
    return {
        "redirect_uris": ["https://client.example/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "Example",
        "scope": "openid profile",
        "application_type": "web",
        **members,
    }


def full_metadata(**members: Any) -> dict[str, Any]:  # Any: metadata values are JSON
    """Return validated metadata with 25 members, about 1.3 kB: the size benches measure with."""
    return some_metadata(
        **{
            "redirect_uris": [f"https://client.example/callback/{n}" for n in range(3)],
            "client_name#de": "Beispiel",
            "client_uri": "https://client.example/",
            "logo_uri": "https://client.example/logo.png",
            "tos_uri": "https://client.example/terms",
            "policy_uri": "https://client.example/privacy",
            "contacts": ["owner@client.example", "security@client.example"],
            "jwks_uri": "https://client.example/jwks.json",
            "software_id": "4NRB1-0XZABZI9E6-5SM3R",
            "software_version": "2.1.0",
            "post_logout_redirect_uris": ["https://client.example/out"],
            "backchannel_logout_uri": "https://client.example/backchannel-logout",
            "backchannel_logout_session_required": True,
            "default_max_age": 3600,
            "require_auth_time": True,
            "default_acr_values": ["urn:example:bronze", "urn:example:silver"],
            "initiate_login_uri": "https://client.example/login",
            "id_token_signed_response_alg": "RS256",
            "subject_type": "pairwise",
            **members,
        }
    )


def a_credential(**what_matters: Any) -> Credential:  # Any: the fields of Credential
    """Return a client secret or registration access token that never expires."""
    credential = Credential(pepper_id=PEPPER_ID, mac=bytes(32), issued_at=MOMENT)
    return msgspec.structs.replace(credential, **what_matters)


def a_hold(**what_matters: Any) -> Hold:  # Any: the fields of Hold
    """Return a hold that an administrator placed."""
    hold = Hold(kind=HoldKind.ADMIN, reason="to be looked into", actor="admin", since=MOMENT)
    return msgspec.structs.replace(hold, **what_matters)


def a_client(**what_matters: Any) -> Client:  # Any: the fields of Client
    """Return an active confidential client with a secret and a registration access token."""
    client = Client(
        issuer=ISSUER_ID,
        client_id=an_id(),
        state=ClientState.ACTIVE,
        metadata=some_metadata(),
        door=Door(mode="open"),
        secrets=(a_credential(),),
        registration_access_tokens=(a_credential(mac=bytes([1]) * 32),),
        issued_at=MOMENT,
        updated_at=MOMENT,
    )
    return msgspec.structs.replace(client, **what_matters)


def an_initial_access_token(**what_matters: Any) -> InitialAccessToken:  # Any: its fields
    """Return an initial access token for any number of registrations, for ever."""
    token = InitialAccessToken(
        issuer=ISSUER_ID,
        id=an_id(),
        pepper_id=PEPPER_ID,
        mac=bytes(32),
        created_at=MOMENT,
        created_by="admin",
    )
    return msgspec.structs.replace(token, **what_matters)


def an_admin_token(**what_matters: Any) -> AdminToken:  # Any: its fields
    """Return an admin token that may read clients, for ever."""
    token = AdminToken(
        issuer=ISSUER_ID,
        id=an_id(),
        pepper_id=PEPPER_ID,
        mac=bytes(32),
        name="console",
        permissions=("clients:read",),
        created_at=MOMENT,
        created_by="operator",
    )
    return msgspec.structs.replace(token, **what_matters)


def a_revoked_token(**what_matters: Any) -> RevokedToken:  # Any: its fields
    """Return the note that an access token was revoked, to be kept for ten minutes."""
    token = RevokedToken(
        issuer=ISSUER_ID,
        jti=an_id(),
        client_id=an_id(),
        revoked_at=MOMENT,
        expires_at=MOMENT + timedelta(minutes=10),
    )
    return msgspec.structs.replace(token, **what_matters)


def a_spent_assertion(**what_matters: Any) -> SpentAssertion:  # Any: its fields
    """Return the note that a client assertion was used, to be kept for one minute."""
    assertion = SpentAssertion(
        issuer=ISSUER_ID, digest=an_id(), expires_at=MOMENT + timedelta(minutes=1)
    )
    return msgspec.structs.replace(assertion, **what_matters)


def a_signing_key(**what_matters: Any) -> SigningKey:  # Any: its fields
    """Return the record of an active token key; nothing can be signed or verified with it."""
    key = SigningKey(
        issuer=ISSUER_ID,
        kid=an_id(),
        alg="ES256",
        state=KeyState.ACTIVE,
        public_jwk={"kty": "EC", "crv": "P-256", "x": "x", "y": "y"},
        sealed_private=b"sealed",
        created_at=MOMENT,
        activates_at=MOMENT,
    )
    return msgspec.structs.replace(key, **what_matters)


def an_event(**what_matters: Any) -> Event:  # Any: the fields of Event
    """Return the event that a client registered, without saying what it registered."""
    event = Event(
        id=an_event_id(),
        issuer=ISSUER_ID,
        time=MOMENT,
        tag=Tag.CLIENT_REGISTERED,
        actor=Actor(ActorKind.ANONYMOUS, address="192.0.2.1"),
        salt=bytes(range(16)),
    )
    return msgspec.structs.replace(event, **what_matters)


def a_registration_event(client: Client) -> Event:
    """Return the event that *client* registered, with every member of its metadata."""
    return an_event(
        issuer=client.issuer,
        client_id=client.client_id,
        changes={name: FieldChange(after=value) for name, value in client.metadata.items()},
    )
