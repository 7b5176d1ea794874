"""A person, a client, and what the one allowed the other, for tests of one grant."""

import hashlib
from typing import Any

from registrary.authserver.grants.codes import issue_code
from registrary.authserver.grants.redemption import PresentedCode
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.core.base64url import encode
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.grants import Authorization, AuthorizationCode, Grant
from registrary.core.jose.jws import parse_jws
from registrary.core.jose.jwt import parse_claims
from registrary.core.people import Person
from registrary.core.secrets import Prefix, parse_token
from registrary.testing.factories import a_client, some_metadata
from registrary.testing.people_factories import a_person, an_authorization
from tests.unit.authserver.kit import VISIT, Server

VERIFIER = "a-verifier-that-is-long-enough-for-the-rule-43"
CHALLENGE = encode(hashlib.sha256(VERIFIER.encode()).digest())
REDIRECT_URI = "https://client.example/callback"
REFUSED = "invalid_grant"


class Grants(Server):
    """A server with a key of each kind, a person, and a way to be allowed something."""

    person: Person

    @classmethod
    async def ready(cls, **issuer: Any) -> "Grants":
        """Return one that can sign every token."""
        server = cls(**issuer)
        for alg in ("ES256", "RS256", "EdDSA"):
            await server.make_key(alg)
        server.person = a_person()
        await server.store.commit(Changes(puts=(Put(server.person),)))
        return server

    async def web(self, **metadata: Any) -> Client:
        """Store and return a confidential client that may ask for everything."""
        members = {"scope": "openid profile email read write offline_access"} | metadata
        return await self.add(a_client(metadata=some_metadata(**members)))

    async def public(self, **metadata: Any) -> Client:
        """Store and return a client without a secret."""
        return await self.web(token_endpoint_auth_method="none", **metadata)

    def allowed(self, client: Client, **what_matters: Any) -> Authorization:
        """Return what the person allowed *client*."""
        own = {
            "client_id": client.client_id,
            "person": self.person.id,
            "subject": "a-subject",
            "scope": ("openid", "read"),
            "client_generation": client.token_generation,
            "person_generation": self.person.generation,
        }
        return an_authorization(**own | what_matters)

    async def a_code(self, client: Client, *, request: dict[str, Any] | None = None, **allowed):
        """Return a code for what the person allowed; *request* is what came with the asking."""
        asked = {"redirect_uri": REDIRECT_URI, "code_challenge": CHALLENGE, "dpop_jkt": None}
        code = await issue_code(
            self.services,
            self.context,
            self.allowed(client, **allowed),
            also=Changes(),
            **asked | (request or {}),
        )
        return code.reveal()

    async def redeem(self, client: Client, code: str, **changes: Any):
        """Present *code* as the token endpoint does; members of both requests may be changed."""
        presented = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        own = {name: changes.pop(name) for name in presented.keys() & changes.keys()}
        return await self.grants.code.redeem(
            self.context,
            TokenRequest(client=client, visit=VISIT, **changes),
            PresentedCode(**presented | own),
        )

    async def signed_in(self, client: Client, **allowed: Any) -> TokenAnswer:
        """Return the tokens of a new grant."""
        answer = await self.redeem(client, await self.a_code(client, **allowed))
        assert isinstance(answer, TokenAnswer), answer
        return answer

    async def grant_of(self, answer: TokenAnswer) -> Grant:
        """Return the grant that the tokens of *answer* came of."""
        grant = await self.store.get(
            Grant, self.context.id, claims_of(answer.access_token)["grant"]
        )
        assert grant is not None
        return grant

    async def code_record(self, code: str) -> AuthorizationCode:
        """Return what is stored of *code*."""
        parsed = parse_token(code, Prefix.AUTHORIZATION_CODE)
        assert parsed is not None
        assert parsed.locator is not None
        record = await self.store.get(AuthorizationCode, self.context.id, parsed.locator.hex())
        assert record is not None
        return record


def claims_of(token: str) -> dict[str, Any]:
    """Return what a signed *token* says."""
    return parse_claims(parse_jws(token).payload)


def outcome(answer: Any) -> str:
    """Return ``issued``, or the error code of a refusal."""
    return "issued" if isinstance(answer, TokenAnswer) else str(answer.code)
