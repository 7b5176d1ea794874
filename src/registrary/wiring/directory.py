"""Which issuer and which route an address leads to."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from registrary.core.issuer import Issuer
from registrary.core.issuer_address import address_of
from registrary.protocol.routes import Route

WELL_KNOWN: Final = "/.well-known/"
# RFC 8414 §3.1 puts the well-known part between host and path, OpenID Connect Discovery §4.1
# puts it behind the path; clients try both for both documents.
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
METADATA_DOCUMENTS: Final = ("oauth-authorization-server", "openid-configuration")


class Found(NamedTuple):
    """An endpoint, and the path as its issuer sees it."""

    path: str
    endpoint: Route


@dataclass(frozen=True, slots=True)
class Site:
    """One issuer with its routes. *metadata* answers at the well-known addresses.

    *documents* are others that have addresses of that form, by the last part of their name.
    """

    issuer: Issuer
    routes: tuple[Route, ...]
    metadata: Route
    documents: tuple[tuple[str, Route], ...] = ()

    @property
    def host(self) -> str:
        """Return host and port of the issuer, without the default port of its scheme."""
        return address_of(self.issuer.url).host

    @property
    def path(self) -> str:
        """Return the path of the issuer, empty when it has none."""
        return address_of(self.issuer.url).path


def _everything(route: Route) -> bool:
    """Accept *route*."""
    del route
    return True


class _Table:
    """All addresses of the issuers at one host."""

    def __init__(self) -> None:
        self.exact: dict[str, Found] = {}
        self.prefixed: dict[str, tuple[int, Route]] = {}
        self.patterns: list[tuple[re.Pattern[str], int, Route]] = []

    def add(self, site: Site, routes: Iterable[Route]) -> None:
        for route in routes:
            self._add_route(site.path, route)

    def add_metadata(self, site: Site) -> None:
        own = ((name, site.metadata) for name in METADATA_DOCUMENTS)
        for name, route in (*own, *site.documents):
            for path in {WELL_KNOWN + name + site.path, site.path + WELL_KNOWN + name}:
                self.exact[path] = Found(path, route)

    def _add_route(self, prefix: str, route: Route) -> None:
        if "{" in route.template[:-1].rpartition("/")[0]:
            pieces = _PLACEHOLDER.split(route.template)
            pattern = re.escape(prefix) + "[^/]+".join(re.escape(piece) for piece in pieces)
            self.patterns.append((re.compile(pattern), len(prefix), route))
        elif route.template.endswith("}"):
            head = route.template[: route.template.rindex("{")]
            self.prefixed[prefix + head] = (len(prefix), route)
        else:
            self.exact[prefix + route.template] = Found(route.template, route)

    def find(self, raw_path: str) -> Found | None:
        found = self.exact.get(raw_path)
        if found is not None:
            return found
        head, slash, segment = raw_path.rpartition("/")
        entry = self.prefixed.get(head + slash) if segment else None
        if entry is not None:
            return Found(raw_path[entry[0] :], entry[1])
        return self._match(raw_path)

    def _match(self, raw_path: str) -> Found | None:
        """Try the few routes with a placeholder before their last segment."""
        for pattern, prefix, route in self.patterns:
            if pattern.fullmatch(raw_path):
                return Found(raw_path[prefix:], route)
        return None


class Directory:
    """Finds endpoints. With one issuer the host means nothing; with several it must be theirs.

    *operation* answers beside the issuers' own routes, of which those are served that *serves*
    accepts, their metadata among them. *aliases* maps other names of a host to its own.
    """

    def __init__(
        self,
        operation: tuple[Route, ...],
        *,
        serves: Callable[[Route], bool] = _everything,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._operation = operation
        self._serves = serves
        self._aliases = aliases or {}
        self._only: _Table | None = None
        self._by_host: dict[str, _Table] = {}
        self._root = _root_table(operation)
        self.sites: tuple[Site, ...] = ()

    def show(self, sites: Iterable[Site]) -> None:
        """Serve *sites* from now on, and nothing else."""
        self.sites = tuple(sites)
        tables: dict[str, _Table] = {}
        for site in self.sites:
            table = tables.setdefault(site.host, _Table())
            table.add(site, (*filter(self._serves, site.routes), *self._operation))
            if self._serves(site.metadata):
                table.add_metadata(site)
        self._by_host = tables
        self._only = next(iter(tables.values())) if len(self.sites) == 1 else None

    def find(self, host: str, raw_path: str) -> Found | None:
        """Return where *raw_path* at *host* leads, or None."""
        table = self._only or self._by_host.get(self._aliases.get(host, host))
        found = table.find(raw_path) if table is not None else None
        return found or self._root.find(raw_path)


def _root_table(operation: Iterable[Route]) -> _Table:
    """Operation answers at the root of the listener too, whatever the issuers' paths."""
    table = _Table()
    for route in operation:
        table.exact[route.template] = Found(route.template, route)
    return table
