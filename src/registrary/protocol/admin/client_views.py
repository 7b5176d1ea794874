"""What administrators see of clients; never a secret, but one that was just made."""

from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.core.client import Client, Door
from registrary.core.lifecycle import ClientState, Effects, Hold, Standing
from registrary.core.metadata import BY_NAME, Source, base_name
from registrary.protocol.admin.durations import duration_text


class ClientView(msgspec.Struct, frozen=True, kw_only=True):
    """A client: everything but its credentials."""

    client_id: str
    state: ClientState
    holds: tuple[Hold, ...]
    metadata: dict[str, Any]  # Any: metadata values are JSON
    provenance: dict[str, str]
    door: Door
    approved_scope: str
    access_token_lifetime: str | None
    issued_at: datetime
    updated_at: datetime
    revoked_at: datetime | None
    revision: int


class ClientPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some clients, and where to go on."""

    items: list[ClientView]
    next_cursor: str | None


class HoldList(msgspec.Struct, frozen=True, kw_only=True):
    """Every hold of a client."""

    items: tuple[Hold, ...]


class CredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A credential, never its text. After *retire_at* it is no longer taken."""

    kind: str
    issued_at: datetime
    expires_at: datetime | None
    retire_at: datetime | None


class CredentialList(msgspec.Struct, frozen=True, kw_only=True):
    """Every credential of a client."""

    items: list[CredentialView]


class NewCredential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A credential that was just made; its text is shown this once."""

    client_id: str
    client_secret: str | None = None
    client_secret_expires_at: int | None = None
    registration_access_token: str | None = None


class MemberExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a member of a client's metadata has the value it has."""

    name: str
    value: Any  # Any: metadata values are JSON
    source: str
    because: str
    says: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a client is as it is: how it came in, what its state allows, where values are from."""

    client_id: str
    state: ClientState
    standing: Standing
    effects: Effects
    holds: tuple[Hold, ...]
    door: Door
    members: list[MemberExplanation]


_BECAUSE: Final[dict[str, str]] = {
    Source.CLIENT: "The client asked for it.",
    Source.STATEMENT: "Its software statement says so.",
    Source.TEMPLATE: "Its template says so.",
    Source.DEFAULT: "The client did not say; this is the default.",
    Source.INFERRED: "The client did not say; it follows from other members.",
    Source.NARROWED: "The client asked for more; the rest is not offered to it.",
    Source.POLICY: "A policy set it.",
    Source.ADMINISTRATOR: "An administrator set it.",
}


def client_view(client: Client) -> ClientView:
    """Return what may be shown of a client."""
    lifetime = client.access_token_lifetime
    return ClientView(
        client_id=client.client_id,
        state=client.state,
        holds=client.holds,
        metadata=client.metadata,
        provenance=client.provenance,
        door=client.door,
        approved_scope=" ".join(client.approved_scope),
        access_token_lifetime=None if lifetime is None else duration_text(lifetime),
        issued_at=client.issued_at,
        updated_at=client.updated_at,
        revoked_at=client.revoked_at,
        revision=client.revision,
    )


def credential_views(client: Client) -> list[CredentialView]:
    """Return when each credential of a client began and ends."""
    kinds = (
        ("client_secret", client.secrets),
        ("registration_access_token", client.registration_access_tokens),
    )
    return [
        CredentialView(
            kind=kind,
            issued_at=credential.issued_at,
            expires_at=credential.expires_at,
            retire_at=credential.retire_at,
        )
        for kind, credentials in kinds
        for credential in credentials
    ]


def explanation(client: Client) -> Explanation:
    """Return why *client* is as it is."""
    return Explanation(
        client_id=client.client_id,
        state=client.state,
        standing=client.standing,
        effects=client.effects,
        holds=client.holds,
        door=client.door,
        members=[_member(client, name) for name in client.metadata],
    )


def _member(client: Client, name: str) -> MemberExplanation:
    source = client.provenance.get(name, Source.CLIENT.value)
    field = BY_NAME.get(base_name(name))
    return MemberExplanation(
        name=name,
        value=client.metadata[name],
        source=source,
        because=_BECAUSE.get(source, ""),
        says=field.sentence if field else "",
    )
