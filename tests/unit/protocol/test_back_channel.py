"""The endpoints clients call directly, from bytes to bytes, over a server in memory."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from registrary.authserver.proofs import ProofJudge
from registrary.authserver.signed_inspection import SignedAnswers
from registrary.core.lifecycle import ClientState, HoldKind
from registrary.protocol.back_channel import BackChannel
from registrary.protocol.dpop import ProofReader
from registrary.protocol.http import HttpRequest
from registrary.protocol.inspection import InspectionEndpoint
from registrary.protocol.jwks import JwksEndpoint
from registrary.protocol.token import TokenEndpoint
from registrary.testing.factories import a_client, a_hold, some_metadata
from tests.unit.authserver.kit import Server

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
ENDPOINTS = ["/token", "/introspect", "/revoke"]
GRANT = "client_credentials"


class Endpoints:
    """The three endpoints of one server, asked with bytes."""

    def __init__(self, server: Server):
        channel = BackChannel(server.context, server.authenticator)
        proofs = ProofReader(server.context, ProofJudge(server.services))
        inspection = InspectionEndpoint(channel, server.inspector, SignedAnswers(server.services))
        self._handlers = {
            "/token": TokenEndpoint(channel, server.grants, proofs).grant,
            "/introspect": inspection.introspect,
            "/revoke": inspection.revoke,
        }

    async def send(self, path, body, *authorization, content_type=FORM):
        """Return the answer to *body* as it stands."""
        headers = [(b"authorization", value) for value in authorization]
        if content_type is not None:
            headers.append((b"content-type", content_type.encode()))
        request = HttpRequest(
            "POST",
            path,
            headers=tuple(headers),
            body=body,
            peer="2001:db8::1",
            request_id="request-1",
        )
        return await self._handlers[path](request)

    async def post(self, path, credentials=None, **form):
        """Return the answer to *form*, which has what the endpoint needs."""
        needed = {"grant_type": GRANT} if path == "/token" else {"token": "x"}
        authorization = (
            [b"Basic " + b64encode(":".join(credentials).encode())] if credentials else []
        )
        return await self.send(path, urlencode(needed | form).encode(), *authorization)


async def ready(**metadata):
    """Return a server with its endpoints and a client with its id and secret."""
    server = Server()
    await server.make_key()
    client, secret = await server.with_secret(await server.service(**metadata))
    return server, Endpoints(server), client, (client.client_id, secret)


def error_of(answer) -> tuple[int, str | None]:
    """Return status and error code."""
    body = json.loads(answer.body) if answer.body else {}
    return answer.status, body.get("error")


STANDINGS = [
    ("active", ClientState.ACTIVE, (), (200, None)),
    ("pending", ClientState.PENDING, (), (400, "unauthorized_client")),
    ("expired", ClientState.EXPIRED, (), (400, "unauthorized_client")),
    (
        "soft hold",
        ClientState.SUSPENDED,
        (a_hold(kind=HoldKind.DORMANT),),
        (400, "unauthorized_client"),
    ),
    (
        "hard hold",
        ClientState.SUSPENDED,
        (a_hold(kind=HoldKind.ADMIN),),
        (401, "invalid_client"),
    ),
    ("revoked", ClientState.REVOKED, (), (401, "invalid_client")),
    ("purged", ClientState.PURGED, (), (401, "invalid_client")),
]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("state", "holds", "expected"),
    [pytest.param(*row[1:], id=row[0]) for row in STANDINGS],
)
@pytest.mark.spec("B-060")
async def test_how_a_client_stands_counts_at_every_endpoint(path, state, holds, expected):
    """A client that was stopped is stopped everywhere; no endpoint may have forgotten to ask."""
    server, endpoints, client, credentials = await ready()
    await server.change(client, state=state, holds=holds)

    answer = await endpoints.post(path, credentials)

    assert expected == error_of(answer)
    assert (b"cache-control", b"no-store") in answer.headers


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_refusals_of_strangers_are_the_same_bytes(path):
    """Whoever tries ids and secrets learns nothing from headers or body."""
    _, endpoints, client, (client_id, secret) = await ready()
    tries = [
        (client_id, "wrong"),
        (client_id, ""),
        ("0" * 32, secret),
        ("", ""),
        (client_id.upper(), secret),
    ]

    answers = [await endpoints.post(path, one) for one in tries]
    answers.append(await endpoints.post(path))
    answers.append(await endpoints.post(path, client_id=client.client_id))
    answers.append(await endpoints.post(path, client_id="nobody"))

    assert 1 == len({(one.status, one.headers, one.body) for one in answers})
    assert (401, "invalid_client") == error_of(answers[0])
    assert (b"www-authenticate", b'Basic realm="registrary"') in answers[0].headers


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"grant_type=client_credentials&token=x", None),
        (b"grant_type=client_credentials&token=x", "application/json"),
        (b"grant_type=client_credentials&token=x", "text/plain"),
        (b"grant_type=client_credentials&token=x", "multipart/form-data; boundary=x"),
        (b'{"grant_type": "client_credentials"}', FORM),
        (b"token=a&token=b&grant_type=a&grant_type=b", FORM),
        (b"client_id=a&client_id=a&token=x&grant_type=x", FORM),
        (b"grant_type=%ff&token=%ff", FORM),
        (b"\xff\xfe=\x00", FORM),
        (b"grant_type=&token=", FORM),
        (b"&&&=&==&", FORM),
        (b"&".join(b"p%d=x" % n for n in range(500)), FORM),
        (b"=" * 20_000, FORM),
        (b"%" * 1000, FORM),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_no_form_breaks_an_endpoint(path, body, content_type):
    """What a stranger sends ends in 400 or 401, never in an error of ours."""
    _, endpoints, _, (client_id, secret) = await ready()
    known = b"Basic " + b64encode(f"{client_id}:{secret}".encode())

    answers = [
        await endpoints.send(path, body, content_type=content_type),
        await endpoints.send(path, body, known, content_type=content_type),
        await endpoints.send(path, body, b"Basic \xff\xfe", content_type=content_type),
    ]

    assert [] == [error_of(one) for one in answers if one.status not in (400, 401)]
    assert [True] * 3 == [(b"cache-control", b"no-store") in one.headers for one in answers]


async def test_a_form_may_name_its_charset():
    """Browsers and some libraries add one to the media type."""
    _, endpoints, _, (client_id, secret) = await ready()
    known = b"Basic " + b64encode(f"{client_id}:{secret}".encode())
    content_type = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"

    answer = await endpoints.send(
        "/token", b"grant_type=client_credentials", known, content_type=content_type
    )

    assert 200 == answer.status


@pytest.mark.spec("E-112", "E-123")
@pytest.mark.parametrize(
    ("grant_type", "expected"),
    [
        (GRANT, (200, None)),
        ("authorization_code", (400, "invalid_request")),
        ("refresh_token", (400, "invalid_request")),
        ("password", (400, "unsupported_grant_type")),
        ("implicit", (400, "unsupported_grant_type")),
        ("urn:ietf:params:oauth:grant-type:device_code", (400, "unsupported_grant_type")),
        ("CLIENT_CREDENTIALS", (400, "unsupported_grant_type")),
        ("x" * 5000, (400, "unsupported_grant_type")),
        ("<script>", (400, "unsupported_grant_type")),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_each_grant_has_its_answer(grant_type, expected):
    """What is not offered is refused; what is lacks nothing but what it needs."""
    _, endpoints, _, credentials = await ready()

    answer = await endpoints.post("/token", credentials, grant_type=grant_type)

    assert expected == error_of(answer)
    assert b"<script>" not in answer.body


async def test_a_token_answer_has_what_it_says_and_nothing_more():
    """RFC 6749 §5.1: the members a client may rely on."""
    _, endpoints, _, credentials = await ready()

    answer = await endpoints.post("/token", credentials, scope="read")

    body = json.loads(answer.body)
    assert {"access_token", "token_type", "expires_in", "scope"} == set(body)
    assert ("Bearer", 600, "read") == (body["token_type"], body["expires_in"], body["scope"])
    assert (b"pragma", b"no-cache") in answer.headers


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
    ids=str,
)
async def test_what_a_known_client_was_refused_is_in_the_log(form, code):
    """A stolen secret shows first by asking for what its owner never asked for."""
    server, endpoints, client, credentials = await ready()

    await endpoints.post("/token", credentials, **form)

    (event,) = await server.events()
    assert ("token:refused", code, "refused") == (event["tag"], event["reason"], event["outcome"])
    assert (client.client_id, "2001:db8::1", "request-1") == (
        event["actor"]["id"],
        event["actor"]["address"],
        event["request_id"],
    )
    assert credentials[1] not in json.dumps(event)


async def test_anybody_may_say_a_public_id_so_its_refusals_are_only_counted():
    """A stranger with a public client id could otherwise fill the log."""
    server, endpoints, _, _ = await ready()
    public = await server.add(a_client(metadata=some_metadata(token_endpoint_auth_method="none")))

    answer = await endpoints.post("/token", client_id=public.client_id)

    counted = {(server.context.id, "2001:db8::/64", "unauthorized_client"): 1}
    assert (400, "unauthorized_client") == error_of(answer)
    assert [] == await server.events()
    assert counted == dict(server.refusals.noted)


async def test_a_server_without_a_key_says_when_to_come_back():
    """A missing key is our outage, not the client's fault."""
    server = Server()
    client, secret = await server.with_secret(await server.service())

    answer = await Endpoints(server).post("/token", (client.client_id, secret))

    assert (503, "temporarily_unavailable") == error_of(answer)
    assert (b"retry-after", b"5") in answer.headers


async def test_introspection_takes_no_public_client_and_no_access_token():
    """RFC 7662 §2.1: else it becomes a place to try stolen tokens at."""
    server, endpoints, client, _ = await ready()
    public = await server.add(a_client(metadata=some_metadata(token_endpoint_auth_method="none")))
    token = await server.token(client)

    answers = [
        await endpoints.post("/introspect", client_id=public.client_id, token=token),
        await endpoints.send("/introspect", f"token={token}".encode(), f"Bearer {token}".encode()),
    ]

    assert [(401, "invalid_client")] * 2 == [error_of(one) for one in answers]


async def test_a_public_client_may_end_a_token():
    """RFC 7009 §2: it has no secret, but it may have been given tokens."""
    server, endpoints, _, _ = await ready()
    public = await server.add(a_client(metadata=some_metadata(token_endpoint_auth_method="none")))

    answer = await endpoints.post("/revoke", client_id=public.client_id, token="unknown")

    assert (200, b"") == (answer.status, answer.body)


async def test_a_hint_that_is_wrong_or_unknown_changes_nothing():
    """RFC 7009 §2.1, RFC 7662 §2.1: a hint is only there to search faster."""
    server, endpoints, client, credentials = await ready()
    token = await server.token(client)

    for hint in ("refresh_token", "nonsense"):
        shown = await endpoints.post("/introspect", credentials, token=token, token_type_hint=hint)
        assert json.loads(shown.body)["active"]
    ended = await endpoints.post("/revoke", credentials, token=token, token_type_hint="nonsense")
    shown = await endpoints.post("/introspect", credentials, token=token)

    assert 200 == ended.status
    assert b'{"active":false}' == shown.body


async def test_published_keys_are_public_halves():
    """A private member in the key set would give the issuer away."""
    server = Server()
    for alg in ("ES256", "EdDSA", "RS256"):
        await server.make_key(alg)
    show = JwksEndpoint(server.context.id, server.signer).show

    answer = await show(HttpRequest("GET", "/jwks"))

    keys = json.loads(answer.body)["keys"]
    assert (b"cache-control", b"public, max-age=300") in answer.headers
    assert ["ES256", "EdDSA", "RS256"] == sorted(key["alg"] for key in keys)
    assert set() == {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in keys for name in key}
