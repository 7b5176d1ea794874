"""The application: everything made from settings, started and stopped with the server."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.registration_access import RegistrationTokens
from registrary.authserver.services import ServerServices
from registrary.authserver.token_reading import TokenReader
from registrary.config import Settings
from registrary.config.checks import admin_address
from registrary.config.settings import HttpSettings
from registrary.core.addresses import Networks
from registrary.core.events import Tag
from registrary.jobs.envelopes import Envelopes
from registrary.jobs.first_keys import FirstKeys
from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.outbox import Outbox
from registrary.jobs.presence import Presence
from registrary.jobs.purging import Purge
from registrary.jobs.schedule import Job, Schedule
from registrary.jobs.sequencer import Sequencer
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.outbound.fetcher import GuardedFetcher
from registrary.outbound.messenger import GuardedMessenger
from registrary.outbound.pictures import FetchedPictures
from registrary.outbound.remote_keys import CachedRemoteKeys
from registrary.outbound.resolver import SystemResolver
from registrary.outbound.token_exchange import GuardedExchanger
from registrary.protocol.admin.operations import PREFIX as ADMIN_API
from registrary.protocol.admin.setup import PATH as SETUP
from registrary.protocol.operation import OperationEndpoints
from registrary.protocol.routes import Route
from registrary.registrar.admin_access import AdminAccess
from registrary.registrar.counting import Counting
from registrary.registrar.management import Manager
from registrary.registrar.permissions import Permission
from registrary.registrar.registration import Registrar
from registrary.registrar.services import Services
from registrary.web.asgi import Application
from registrary.web.callers import TrustedProxies
from registrary.web.client_certificates import CertificateHeader
from registrary.web.gateway import Gateway, GatewaySettings, RequestSummary
from registrary.web.limits import HttpLimits
from registrary.web.metrics import Metrics
from registrary.web.pages.rendering import render_page
from registrary.wiring.access_log import access_log_of
from registrary.wiring.adapters import (
    SystemClock,
    SystemEntropy,
    Vault,
    client_authorities,
    open_vault,
    outbound_policy,
    outbound_trust,
)
from registrary.wiring.administration import Administration
from registrary.wiring.chores import Chores
from registrary.wiring.collector import SETTLE_AFTER, settle_collector
from registrary.wiring.contexts import deployment_of, server_context_of
from registrary.wiring.delivering import AlertingStore, for_messages
from registrary.wiring.demo import ensure_demo_person
from registrary.wiring.directory import Directory
from registrary.wiring.health import demand_keys
from registrary.wiring.issuers import ensure_issuer, issuer_url
from registrary.wiring.nodes import ProcessNode, node_of
from registrary.wiring.readiness import KeyWatch, WriteProbe
from registrary.wiring.sites import UseCases, site_of
from registrary.wiring.store_metrics import MeasuredStore, StoreMetrics

ISSUER_POLL: Final = timedelta(milliseconds=250)  # commands' effects are seen within a second
FOLLOW_KEYS_EVERY: Final = timedelta(seconds=1)
LOOK_AT_KEYS_EVERY: Final = timedelta(seconds=5)
LOOK_AT_LOG_EVERY: Final = timedelta(seconds=15)


class Runtime:
    """Everything of one server process, from its store to its timers."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.entropy = SystemEntropy()
        self.metrics = Metrics(str(os.getpid()) if settings.workers > 1 else None)
        self.store_metrics = StoreMetrics(self.metrics)
        self.refusals = Counting(Tag.REFUSALS_COUNTED)
        self.issues = Counting(Tag.TOKENS_COUNTED)
        self._writing = WriteProbe(self.clock)
        self._key_watch = KeyWatch()
        self.store_metrics.show(
            "keys_problem",
            "Whether what is kept as keys cannot be used; those read before stay in use.",
            lambda: float(self._key_watch.found is not None),
        )
        operation = OperationEndpoints(
            probes={"store": self._store_problem, "keys": self._keys_problem},
            metrics=self.metrics.text,
            is_admin=self.is_admin,
            turn_away=self.turn_away,
        )
        self.deployment = deployment_of(settings, issuer_url(settings))
        aliases = {alias: host for host, alias in self.deployment.mtls_hosts}
        if settings.http.admin_listen is None:
            self.directory = Directory(operation.routes(), aliases=aliases)
        else:
            self.directory = Directory(
                operation.health_routes(), serves=_is_for_clients, aliases=aliases
            )
        self.admin_directory = Directory(operation.admin_listener_routes(), serves=_is_admin)
        # Made before anything is opened, so that a bad file is told on one line.
        self._trust = outbound_trust(environment)
        self._authorities = client_authorities(settings.http)
        self._access_log = access_log_of(settings.log)
        self._vault: Vault | None = None
        self._node: ProcessNode | None = None
        self.access: AdminAccess  # set when the server starts

    @property
    def vault(self) -> Vault:
        """Return store and keys; they are there once the server has started."""
        if self._vault is None:
            raise RuntimeError("the server has not started")
        return self._vault

    @property
    def node(self) -> ProcessNode:
        """Return what this process is among others; known once the server has started."""
        if self._node is None:
            raise RuntimeError("the server has not started")
        return self._node

    def note(self, summary: RequestSummary) -> None:
        """Note a finished request for those who count and those who read."""
        self.metrics.note(summary)
        if self._access_log is not None:
            self._access_log.note(summary)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open the store, make what is missing, serve, and let everything finish."""
        self._vault = await open_vault(self.settings, create=True)
        resolver = SystemResolver()
        try:
            await demand_keys(self.vault)
            await ensure_issuer(self.vault.store, self.settings, self.clock, entropy=self.entropy)
            node = await self._begin_node()
            signer = self._signer(node)
            rotation = KeyRotation(
                node.exact, signer, LocalKeyMaker(self.vault.keys), clock=self.clock
            )
            keys = FirstKeys(signer, rotation, self.entropy)
            outbox = self._outbox(keys, resolver)
            use_cases = self._use_cases(keys, resolver, wake=outbox.wake)
            await self._show_sites(use_cases, keys)
            schedule = Schedule(
                self._jobs(keys, rotation, use_cases, outbox=outbox),
                node.leadership,
                note_failure=self.store_metrics.note_job_failure,
            )
            schedule.start()
            asyncio.get_running_loop().call_later(SETTLE_AFTER, settle_collector)
            yield
            await keys.finish()
            await schedule.stop()
        finally:
            resolver.close()
            if self._node is not None:
                await self._node.stop()
            await self.vault.store.close()
            if self._access_log is not None:
                self._access_log.flush()

    async def _begin_node(self) -> ProcessNode:
        """Become one of the processes on the store."""
        measured = MeasuredStore(self.vault.store, self.store_metrics)
        self._node = node_of(self.settings, self.vault.store, store=measured, clock=self.clock)
        self._node.show_in(self.store_metrics)
        await self._node.start()
        return self._node

    def _signer(self, node: ProcessNode) -> LocalSigner:
        return LocalSigner(node.store, self.vault.keys, refresh_seconds=node.key_seconds)

    def _outbox(self, signer: FirstKeys, resolver: SystemResolver) -> Outbox:
        policy = for_messages(outbound_policy(self.settings))
        store, keys = self.node.exact, self.vault.keys
        return Outbox(
            store,
            GuardedMessenger(policy, resolver, tls=self._trust),
            Envelopes(store, signer, keys, self.clock, self.entropy),
            clock=self.clock,
            entropy=self.entropy,
            note=self.metrics.note_message,
        )

    def _use_cases(
        self, signer: FirstKeys, resolver: SystemResolver, *, wake: Callable[[str], None]
    ) -> UseCases:
        settings, node = self.settings, self.node
        store, exact = AlertingStore(node.store, wake), AlertingStore(node.exact, wake)
        limiter = None if settings.no_rate_limits else node.limiter
        fetcher = GuardedFetcher(outbound_policy(settings), resolver, tls=self._trust)
        server = ServerServices(
            store=store,
            signer=signer,
            secret_keys=self.vault.keys,
            remote_keys=CachedRemoteKeys(fetcher),
            fetcher=fetcher,
            clock=self.clock,
            entropy=self.entropy,
            issues=self.issues,
            refusals=self.refusals,
            limiter=limiter,
            decrypter=self._signer(node),
            exchanger=GuardedExchanger(outbound_policy(settings), resolver, tls=self._trust),
        )
        # Whoever manages a client sees at each node what it was told at another.
        services = Services(
            store=exact,
            clock=self.clock,
            entropy=self.entropy,
            fetcher=fetcher,
            secret_keys=self.vault.keys,
            refusals=self.refusals,
            limiter=limiter,
            access_tokens=RegistrationTokens(
                TokenReader(server), lambda issuer: server_context_of(issuer, self.deployment)
            ),
        )
        self.access = AdminAccess(services, operator_token=settings.admin_token)
        administration = Administration(
            services=services,
            log=self.vault.store,
            signer=signer,
            key_maker=LocalKeyMaker(self.vault.keys),
            access=self.access,
            exchanger=server.exchanger,
        )
        return UseCases(
            server=server,
            registrar=Registrar(replace(services, store=store)),
            manager=Manager(services),
            authenticator=ClientAuthenticator(
                node.store,
                self.vault.keys,
                server.remote_keys,
                self.clock,
                self.entropy,
                self.refusals,
                self._authorities,
                exact=None if node.exact is node.store else node.exact,
            ),
            signer=signer,
            administration=administration,
            pictures=FetchedPictures(services.fetcher),
            deployment=self.deployment,
        )

    def _jobs(
        self, keys: FirstKeys, rotation: KeyRotation, use_cases: UseCases, *, outbox: Outbox
    ) -> list[Job]:
        log, store = self.vault.store, self.node.exact
        chores = Chores(
            store=store,
            clock=self.clock,
            entropy=self.entropy,
            directory=self.directory,
            rotation=rotation,
            sequencer=Sequencer(log, keys),
            counts=(self.refusals, self.issues),
            presence=Presence(store, self.clock, self.entropy),
            purge=Purge(store, self.clock, self.entropy),
            outbox=outbox,
            note_swept=self.store_metrics.note_swept,
            agreed=self.node.agreed,
        )

        async def follow_issuers() -> None:
            await self._show_sites(use_cases, keys)

        async def look_at_keys() -> None:
            await self._key_watch.problem(self.vault)

        async def look_at_log() -> None:
            issuers = [site.issuer.id for site in self.directory.sites]
            await self.store_metrics.look_at_log(log, issuers, self.clock)

        return [
            Job("keys kept", FOLLOW_KEYS_EVERY, self.vault.keys.follow),
            Job("log watch", LOOK_AT_LOG_EVERY, look_at_log, at_once=True),
            Job("key watch", LOOK_AT_KEYS_EVERY, look_at_keys),
            Job("issuers", ISSUER_POLL, follow_issuers),
            *self.node.jobs(),
            *chores.jobs(),
        ]

    async def _show_sites(self, use_cases: UseCases, keys: FirstKeys) -> None:
        """Serve the issuers as they are stored now, those that changed anew."""
        shown = {site.issuer.id: site for site in self.directory.sites}
        stored = await self.node.store.issuers()
        known = [(site.issuer.id, site.issuer.revision) for site in shown.values()]
        if [(issuer.id, issuer.revision) for issuer in stored] == known:
            return
        for issuer in stored:
            if issuer.id not in shown:
                await keys.begin(issuer)
        if self.settings.dev:
            await ensure_demo_person(self.vault.store, self.clock, entropy=self.entropy)
        self.directory.show(
            shown[issuer.id]
            if issuer.id in shown and shown[issuer.id].issuer.revision == issuer.revision
            else site_of(issuer, use_cases)
            for issuer in stored
        )
        self.admin_directory.show(self.directory.sites)

    async def is_admin(self, token: str) -> bool:
        """Tell whether *token* may see what operators see."""
        for site in self.directory.sites:
            caller = await self.access.find(site.issuer.id, token)
            if caller is not None and caller.may(Permission.METRICS_READ):
                return True
        return False

    def turn_away(self, peer: str) -> timedelta | None:
        """Count a token at *peer* that is not good at the first issuer, the operator's own."""
        return self.access.turn_away(self.directory.sites[0].issuer, peer)

    async def _store_problem(self) -> str | None:
        return await self._writing.problem(self.vault.store)

    async def _keys_problem(self) -> str | None:
        if self._writing.found is not None:
            return self._key_watch.found  # whoever asks has waited for the store already
        return await self._key_watch.problem(self.vault)


def _is_admin(route: Route) -> bool:
    """Tell whether *route* is of the admin API, or leads to its first token."""
    return route.template.startswith((f"{ADMIN_API}/", SETUP))


def _is_for_clients(route: Route) -> bool:
    """Tell whether *route* is of no concern to operators."""
    return not _is_admin(route)


def proxies_of(settings: HttpSettings) -> TrustedProxies:
    """Return whose headers *settings* want believed, and which."""
    header = settings.client_certificate_header
    return TrustedProxies(
        Networks.parse(settings.trusted_proxies),
        certificate=None if header is None else CertificateHeader(header),
    )


def limits_of(settings: HttpSettings) -> HttpLimits:
    """Return the limits that *settings* ask for."""
    return HttpLimits(
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
    )


def build_app(settings: Settings, *, environment: Mapping[str, str] = os.environ) -> Application:
    """Return the application that *settings* describe; it opens its store when it starts.

    Of *environment* only ``SSL_CERT_FILE`` is read. Raises `SettingsError` when that is no use.
    """
    runtime = Runtime(settings, environment)
    gateway_settings = GatewaySettings(
        limits=limits_of(settings.http),
        proxies=proxies_of(settings.http),
        on_finished=runtime.note,
    )
    by_port = {}
    address = admin_address(settings)
    if address is not None:
        by_port[address[1]] = Gateway(runtime.admin_directory, render_page, gateway_settings)
    return Application(
        Gateway(runtime.directory, render_page, gateway_settings),
        by_port=by_port,
        lifespan=runtime.lifespan,
    )
