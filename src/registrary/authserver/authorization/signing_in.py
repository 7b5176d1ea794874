"""Whether the person who is signed in will do, or somebody has to sign in (again). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.people.strength import ACR_VALUES, satisfies
from registrary.core.people import Session

LOGIN_REQUIRED: Final = "login_required"
UNMET: Final = "unmet_authentication_requirements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is signed in: their *session* and the *subject* by which the client knows them.

    *started_at* is when the person came with this request, None when they have just come.
    """

    session: Session
    subject: str
    started_at: datetime | None
    now: datetime

    @property
    def is_fresh(self) -> bool:
        """Tell whether they signed in since they came with this request."""
        return self.started_at is not None and self.session.auth_time >= self.started_at


def must_sign_in(
    request: AuthorizationRequest, standing: Standing, *, hinted: str | None
) -> str | None:
    """Return the error that says why *standing* does not suffice, None when it does.

    Who has just signed in is not asked to do so again: for them the error is final.
    """
    if not {standing.subject} >= wanted_subjects(request, hinted):
        return LOGIN_REQUIRED
    acr = standing.session.acr
    if request.essential_acr and not satisfies(acr, request.essential_acr):
        return UNMET
    if standing.is_fresh:
        return None
    if request.prompt & {"login", "select_account"} or _is_too_old(request, standing):
        return LOGIN_REQUIRED
    # A wish: what we do not know is not worth a second sign-in, and a silent request gets what is.
    wished = [value for value in request.acr_values if value in ACR_VALUES]
    if wished and not satisfies(acr, wished) and not request.is_silent:
        return LOGIN_REQUIRED
    return None


def wanted_subjects(request: AuthorizationRequest, hinted: str | None) -> set[str]:
    """Return whom the client wants: by ``id_token_hint``, and by the claim ``sub``.

    More than one cannot be had (Core §3.1.2.2, §5.5).
    """
    wish = (request.claims.get("id_token") or {}).get("sub")
    named = wish.get("value") if isinstance(wish, Mapping) else None
    return {subject for subject in (hinted, named) if subject is not None}


def _is_too_old(request: AuthorizationRequest, standing: Standing) -> bool:
    if request.max_age is None:
        return False
    return standing.now - standing.session.auth_time > timedelta(seconds=request.max_age)


def asked_claims(request: AuthorizationRequest) -> dict[str, Any]:  # Any: JSON (Core §5.5)
    """Return the ``claims`` parameter as it is kept, with ``auth_time`` where it is owed.

    Core §3.1.3.7: a request with ``max_age`` gets it in the ID token.
    """
    claims = dict(request.claims)
    if request.max_age is not None and request.is_openid:
        wanted = {"auth_time": {"essential": True}} | (claims.get("id_token") or {})
        claims["id_token"] = wanted
    return claims
