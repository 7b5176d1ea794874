"""``/userinfo`` (OpenID Connect Core §5.3)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.authserver.certificates import holds_bound_token
from registrary.authserver.client_encryption import NoClientKey
from registrary.authserver.presented import Refusal
from registrary.authserver.proofs import ALGORITHMS
from registrary.authserver.token_reading import LiveToken, ReadToken, TokenReader
from registrary.authserver.userinfo import UserInfo
from registrary.ports.keys import NoSigningKey
from registrary.protocol.bearer import challenge
from registrary.protocol.dpop import ProofReader
from registrary.protocol.errors import bare_challenge, error_response
from registrary.protocol.http import NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.presented_tokens import DPOP, PresentedToken, Unusable, presented_token

INVALID: Final = "invalid_request"
_RETRY: Final = timedelta(seconds=5)
_NOT_GOOD: Final = Refusal("invalid_token", "the access token is not good")


@dataclass(frozen=True, slots=True)
class UserInfoEndpoint:
    """Tells the claims of the person that a token is about."""

    proofs: ProofReader
    reader: TokenReader
    userinfo: UserInfo

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the claims, in the form that the client registered for."""
        return self.proofs.with_nonce(request, await self._answer(request))

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            presented = presented_token(request)
        except Unusable as error:
            return error_response(INVALID, str(error), headers=(challenge(INVALID),))
        if presented is None:
            return bare_challenge("an access token is needed").with_headers(self._challenge())
        live = await self._live(request, presented)
        if isinstance(live, Refusal):
            return self._refused(live)
        return await self._tell(live)

    async def _live(self, request: HttpRequest, presented: PresentedToken) -> LiveToken | Refusal:
        """Return the token that *request* may use, with the key or certificate it is bound to."""
        context = self.proofs.context
        token = await self.reader.read(context, presented.text)
        if token is None or (token.jkt is not None) is not (presented.scheme == DPOP):
            # A bound token under the scheme Bearer is one without its proof (RFC 9449 §7.2).
            return _NOT_GOOD
        refusal = await self._unproved(request, token, presented)
        if refusal is not None:
            return refusal
        return await self.reader.live(context, token) or _NOT_GOOD

    async def _unproved(
        self, request: HttpRequest, token: ReadToken, presented: PresentedToken
    ) -> Refusal | None:
        if not holds_bound_token(token.x5t_s256, request.client_certificate):
            return _NOT_GOOD
        if token.jkt is None:
            return None
        key = await self.proofs.key(request, access_token=presented.text)
        if isinstance(key, Refusal):
            return key
        return None if key == token.jkt else _NOT_GOOD

    async def _tell(self, live: LiveToken) -> HttpResponse:
        try:
            told = await self.userinfo.tell(self.proofs.context, live)
        except (NoSigningKey, NoClientKey):
            return error_response("temporarily_unavailable", retry_after=_RETRY)
        if told is None:
            return error_response("insufficient_scope", "scope: openid is needed")
        content_type = (b"content-type", told.media_type.encode())
        return HttpResponse(200, (content_type, *NO_STORE), told.body.encode())

    def _refused(self, refusal: Refusal) -> HttpResponse:
        """Render a refusal with the challenge of both schemes (RFC 9449 §7.1)."""
        answer = error_response(refusal.code, refusal.description)
        headers = (*answer.headers, self._challenge(refusal.code))
        return HttpResponse(401, headers, answer.body)

    def _challenge(self, code: str | None = None) -> tuple[bytes, bytes]:
        algorithms = " ".join(self.proofs.context.offer.accepted.get(ALGORITHMS, ()))
        error = f', error="{code}"' if code else ""
        value = f'DPoP realm="registrary", algs="{algorithms}"{error}'
        return (b"www-authenticate", value.encode())
