"""What a client asks for at ``/logout`` (OpenID Connect RP-Initiated Logout §2), judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from registrary.authserver.authorization.hints import ALGORITHMS
from registrary.authserver.context import ServerContext
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.people.subjects import subject_of
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.jose import JoseError
from registrary.core.jose.claims import audiences_of
from registrary.core.jose.id_token import read_id_token_hint

HINT: Final = "id_token_hint"
STATE_LIMIT: Final = 4096  # characters that go back into an address


@dataclass(frozen=True, slots=True)
class Hint:
    """An ID token of ours, perhaps an old one: for which client, about whom, in which session."""

    client_id: str
    subject: str
    session_id: str | None


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request as far as it could be believed.

    *client* is who asks, None when nobody known does. *way_back* is where the person may be sent
    after, with ``state``; None unless the client registered exactly that address. *hint* is None
    unless it is ours, and for this client. With *is_sound* nothing of it had to be set aside.
    """

    client: Client | None = None
    way_back: str | None = None
    hint: Hint | None = None
    is_sound: bool = True

    def is_of(self, context: ServerContext, signed_in: SignedIn) -> bool:
        """Tell whether the client speaks of just this session, so that nobody need be asked.

        A hint from another session is suspect (§2): whoever holds an old ID token could sign
        its person out again and again.
        """
        if not self.is_sound or self.hint is None or self.client is None:
            return False
        if self.hint.session_id is not None:
            return self.hint.session_id == signed_in.session.session_id
        return self.hint.subject == subject_of(context, self.client, signed_in.person)


async def read_request(
    services: ServerServices, context: ServerContext, parameters: Mapping[str, str]
) -> LogoutRequest:
    """Return what *parameters*, each sent once, ask for."""
    hint = await _hint(services, context, parameters.get(HINT))
    is_sound = hint is not None or HINT not in parameters
    named = parameters.get("client_id")
    if hint is not None and named not in (None, hint.client_id):
        hint, is_sound = None, False  # §2: the two must agree
    client = await _client(services, context, hint.client_id if hint else named)
    wanted = parameters.get("post_logout_redirect_uri")
    way_back = None if client is None else _way_back(client, wanted, parameters.get("state"))
    return LogoutRequest(
        client=client,
        way_back=way_back if is_sound else None,
        hint=hint,
        is_sound=is_sound
        and (client is not None or named is None)
        and not (wanted and not way_back),
    )


async def _hint(services: ServerServices, context: ServerContext, text: str | None) -> Hint | None:
    """Return what a hint says that this issuer signed; it may have expired."""
    if text is None:
        return None
    keys = await services.signer.public_jwks(context.id)
    try:
        members = read_id_token_hint(text, keys, issuer=context.issuer.url, algorithms=ALGORITHMS)
        audiences = audiences_of(members)
    except JoseError:
        return None
    if len(audiences) != 1:
        return None
    return Hint(audiences[0], str(members["sub"]), _text(members, "sid"))


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


async def _client(
    services: ServerServices, context: ServerContext, client_id: str | None
) -> Client | None:
    """Return the client, if it may still send people anywhere."""
    if client_id is None:
        return None
    client = await services.store.get(Client, context.id, client_id)
    return None if client is None or client.effects.refusal is not None else client


def _way_back(client: Client, wanted: str | None, state: str | None) -> str | None:
    """Return *wanted* with ``state`` if the client registered it, letter by letter (§3)."""
    registered = client.metadata.get("post_logout_redirect_uris") or ()
    if wanted is None or wanted not in registered:
        return None
    if state is None:
        return wanted
    if len(state) > STATE_LIMIT:
        return None
    return f"{wanted}{'&' if '?' in wanted else '?'}state={quote(state, safe='')}"
