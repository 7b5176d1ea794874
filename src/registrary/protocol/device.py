"""``POST /device_authorization``, and the pages at ``/device`` (RFC 8628 §3.1, §3.3)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.device import Devices, Started, plain_code, shown_code
from registrary.authserver.grants.request import TokenRequest
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.presented import Refusal
from registrary.authserver.services import ServerServices
from registrary.core.addresses import source_key
from registrary.core.client import Client
from registrary.core.grants import DeviceAuthorization
from registrary.ports.store import Conflict
from registrary.protocol.authorization_answers import name_of, see_other
from registrary.protocol.authorization_pages import (
    client_values,
    groups_of,
    links_of,
    person_name,
    resource_name,
)
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.conversation import Conversation, Desk, Headers, Reached, digest_of
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse, Page
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters

PATH: Final = "/device"
CODES_PER_MINUTE: Final = 30  # that one source may try: of 20**8 there are, a few are in use
DEVELOPMENT_CODES_PER_MINUTE: Final = 10_000
# Of one address: a device without a secret proves nothing, and each beginning leaves records.
STARTS_PER_MINUTE: Final = 300
_ENTRY: Final = Conversation(purpose="device", digest=digest_of(PATH), return_to=PATH)
_UNKNOWN: Final = "No device waits with this code. Compare it with what the device shows."
_TOO_MANY: Final = "There were too many attempts. Wait a minute and try again."
_STALE: Final = "The page was open for too long, or something changed. Please decide again."
_REPEATABLE: Final = frozenset({"scope"})


@dataclass(frozen=True, slots=True)
class DeviceAuthorizationEndpoint:
    """Where devices begin."""

    channel: BackChannel
    devices: Devices

    async def start(self, request: HttpRequest) -> HttpResponse:
        """Answer with the code to show, and the one to ask with."""
        wait = self._wait(request)
        if wait is not None:
            return error_response("too_many_requests", retry_after=wait)
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        client = await self.channel.authenticate(request, form, public=True)
        if isinstance(client, HttpResponse):
            return client
        asked = TokenRequest(
            client=client,
            scope=form.get("scope"),
            resources=form.all("resource"),
            visit=visit_of(request),
        )
        started = await self.devices.start(self.channel.context, asked)
        if isinstance(started, Refusal):
            await self.channel.authenticator.note_refused(
                self.channel.context, client, started, visit=asked.visit
            )
            return refused(started)
        return self._render(started)

    def _wait(self, request: HttpRequest) -> timedelta | None:
        issuer, source = self.channel.context.issuer, _source_of(request)
        rate = DEVELOPMENT_CODES_PER_MINUTE if issuer.dev else STARTS_PER_MINUTE
        return self.devices.services.wait_for(f"{issuer.id}:device:{source}", rate)

    def _render(self, started: Started) -> HttpResponse:
        address = self.channel.context.issuer.url + PATH
        body = {
            "device_code": started.device_code.reveal(),
            "user_code": started.user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={started.user_code}",
            "expires_in": started.expires_in,
            "interval": started.interval,
        }
        return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One step of a person who decides about *device*, which *client* runs on."""

    request: HttpRequest
    device: DeviceAuthorization
    client: Client
    conversation: Conversation
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class DevicePages:
    """Where people let devices in: the code is typed, then somebody signs in and decides.

    ``?user_code=`` fills the code in, ``?device=`` is where the decision about it is made.
    """

    services: ServerServices
    context: ServerContext
    desk: Desk
    devices: Devices

    async def show(self, request: HttpRequest) -> HttpResponse | Page:
        """Ask for a code, or for the decision about the device that shows it."""
        parameters = _read(request.query)
        code = parameters.get("device")
        if code is None:
            return self._entry(request, prefill=parameters.get("user_code") or "")
        turn = await self._turn(request, code)
        if not isinstance(turn, _Turn):
            return turn
        reached = await self.desk.returned(request, parameters, turn.conversation)
        if reached is not None:
            return self._question(replace(turn, headers=reached.headers), reached.signed_in)
        return await self._go_on(turn)

    async def answer(self, request: HttpRequest) -> HttpResponse | Page:
        """Take a code, a sign-in or a decision."""
        form = _read(request.body)
        code = _read(request.query).get("device")
        if code is None:
            return await self._entered(request, form)
        turn = await self._turn(request, code)
        if not isinstance(turn, _Turn):
            return turn
        if form.was_sent("decision"):
            return await self._decided(turn, form)
        reached = await self.desk.answer(request, form, turn.conversation)
        if not isinstance(reached, Reached):
            return reached
        return self._question(replace(turn, headers=reached.headers), reached.signed_in)

    async def _entered(self, request: HttpRequest, form: Parameters) -> HttpResponse | Page:
        typed = form.get("user_code") or ""
        if self.desk.open(request, form, _ENTRY) is None:
            return self._entry(request, prefill=typed, problem=_STALE, status=403)
        found = await self._turn(request, typed)
        if not isinstance(found, _Turn):
            return found
        query = urlencode({"device": shown_code(found.device.user_code)})
        return see_other(f"{self.context.issuer.url}{PATH}?{query}")

    async def _turn(self, request: HttpRequest, code: str) -> "_Turn | Page":
        """Return the step about the device that shows *code*, or the page that says there is none.

        Whoever tries codes is slowed down first (§5.1).
        """
        source = _source_of(request)
        rate = DEVELOPMENT_CODES_PER_MINUTE if self.context.issuer.dev else CODES_PER_MINUTE
        if self.services.wait_for(f"{self.context.id}:user_code:{source}", rate) is not None:
            return self._entry(request, prefill=code, problem=_TOO_MANY, status=429)
        device = await self.devices.waiting(self.context, code)
        client = None
        if device is not None:
            client = await self.services.store.get(Client, self.context.id, device.client_id)
        if device is None or client is None or client.effects.refusal is not None:
            return self._entry(request, prefill=code, problem=_UNKNOWN)
        return _Turn(
            request=request,
            device=device,
            client=client,
            conversation=self._conversation(request, device, client),
        )

    def _conversation(
        self, request: HttpRequest, device: DeviceAuthorization, client: Client
    ) -> Conversation:
        query = urlencode({"device": shown_code(device.user_code)})
        return Conversation(
            purpose="device",
            digest=digest_of(PATH, device.id, str(client.revision)),
            return_to=f"{PATH}?{query}",
            client={"name": name_of(client), "host": None},
            links=links_of(self.context, client),
        )

    def _entry(
        self, request: HttpRequest, *, prefill: str, problem: str | None = None, status: int = 200
    ) -> Page:
        csrf, headers = self.desk.seal(request, _ENTRY, started_at=self.services.clock.now())
        code = plain_code(prefill)
        values = {"csrf": csrf, "user_code": shown_code(code) if code else "", "problem": problem}
        return Page("device", status, values, headers)

    async def _go_on(self, turn: _Turn) -> Page:
        signed_in = await self.desk.who(turn.request)
        if signed_in is None:
            return await self.desk.ask(turn.request, turn.conversation)
        return self._question(turn, signed_in)

    def _question(self, turn: _Turn, signed_in: SignedIn, *, problem: str | None = None) -> Page:
        csrf, headers = self.desk.seal(
            turn.request,
            turn.conversation,
            started_at=self.services.clock.now(),
            session=signed_in.session,
        )
        code = shown_code(turn.device.user_code)
        warnings = [f"The device must show the code {code}.", *([problem] if problem else [])]
        place = {"redirect_host": None, "kind": "device"}
        values = {
            "csrf": csrf,
            "form_action": None,  # nothing leads back to a device
            "client": client_values(self.context, turn.client) | place,
            "person": person_name(signed_in.person),
            "groups": groups_of(self.context, turn.device.scope),
            "details": [],
            "resources": [resource_name(self.context, uri) for uri in turn.device.resources],
            "warnings": warnings,
        }
        status = 200 if problem is None else 403
        return Page("consent", status, values, (*headers, *turn.headers))

    async def _decided(self, turn: _Turn, form: Parameters) -> Page:
        """Act on what a person decided, if it is theirs and about this device."""
        signed_in = await self.desk.who(turn.request)
        if signed_in is None:
            return await self._go_on(turn)
        ticket = self.desk.open(turn.request, form, turn.conversation)
        if ticket is None or ticket.session != signed_in.session.id:
            return self._question(turn, signed_in, problem=_STALE)
        try:
            return await self._settle(turn, form, signed_in)
        except Conflict:
            return self._entry(turn.request, prefill="", problem=_UNKNOWN)

    async def _settle(self, turn: _Turn, form: Parameters, signed_in: SignedIn) -> Page:
        visit = visit_of(turn.request)
        scope = self._allowed(turn, form)
        is_allowed = form.get("decision") == "allow" and bool(scope or not turn.device.scope)
        if is_allowed:
            await self.devices.allow(
                self.context,
                turn.device,
                turn.client,
                signed_in=signed_in,
                scope=scope,
                visit=visit,
            )
            await self.desk.sessions.note_client(
                self.context, signed_in.session, turn.client.client_id
            )
        else:
            await self.devices.deny(self.context, turn.device, signed_in=signed_in, visit=visit)
        return Page("device_done", values={"allowed": is_allowed}, headers=turn.headers)

    def _allowed(self, turn: _Turn, form: Parameters) -> tuple[str, ...]:
        """Return the scope without what was optional and not ticked."""
        optional = {one.name for one in self.context.issuer.scopes if one.optional}
        ticked = form.all("scope")
        return tuple(name for name in turn.device.scope if name not in optional or name in ticked)


def _source_of(request: HttpRequest) -> str:
    return source_key(request.peer) if request.peer else "unknown"


def _read(text: str | bytes) -> Parameters:
    try:
        return parse_parameters(text, repeatable=_REPEATABLE)
    except ParameterError:
        return Parameters({})
