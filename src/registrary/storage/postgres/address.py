"""Where a database is: one URL, of which the password is never said again."""

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from registrary.ports.store import StoreUnavailable

SCHEMES: Final = ("postgresql", "postgres")
_PORT: Final = 5432
_ATTRIBUTES: Final = "target_session_attrs"
_WRITING: Final = {"primary", "read-write"}
_HOST: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")


class Server(NamedTuple):
    """One of the servers that a URL names."""

    host: str
    port: int


class Address:
    """The URL of a database, taken apart as far as we must know it.

    *servers* is empty where the URL leaves the server to its parameters or to the environment, as
    with a Unix socket. Its text is for operators and holds neither password nor parameters.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise StoreUnavailable("store: this is no URL of a database") from error
        if parts.scheme not in SCHEMES:
            raise StoreUnavailable("store: the URL of a PostgreSQL begins with postgresql://")
        _, _, hosts = parts.netloc.rpartition("@")
        self.servers = tuple(_server(text) for text in hosts.split(",")) if hosts else ()
        attributes = parse_qs(parts.query).get(_ATTRIBUTES, [])
        if not _WRITING.issuperset(attributes):
            # A standby may be far behind: what was revoked would be good there.
            raise StoreUnavailable(f"store: {_ATTRIBUTES} in the URL must be primary")
        self.names_attributes = bool(attributes)
        self._text = f"postgresql://{hosts}{parts.path}"

    def prefer(self, server: Server) -> None:
        """Put *server* before the others."""
        self.servers = (server, *(other for other in self.servers if other != server))

    def __str__(self) -> str:
        return self._text


def _server(text: str) -> Server:
    match = _HOST.fullmatch(text)
    if match is None:
        raise StoreUnavailable("store: a server in the URL is written host:port")
    return Server(unquote(match["host"]).strip("[]"), int(match["port"] or _PORT))
