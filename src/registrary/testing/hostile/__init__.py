"""Servers that misbehave, for testing whatever fetches documents from strangers.

A server answers each path of its table in one particular wrong way::

    async with HostileServer() as server:
        await fetcher.fetch(server.url("/drip-body"), purpose=JWKS_URI)

`MISBEHAVIOURS` lists every way that no fetcher should put up with, `ODDITIES` what is merely
unusual. `CertificateAuthority` makes certificates for TLS, good and bad. `FlippingResolver` gives
another answer each time a name is looked up (DNS rebinding). `watched_connections` sees every
address the process tries to connect to, however it came about.
"""

from registrary.testing.hostile.answers import DOCUMENT, Script
from registrary.testing.hostile.behaviours import MISBEHAVIOURS, ODDITIES, Behaviour
from registrary.testing.hostile.certificates import CertificateAuthority
from registrary.testing.hostile.names import FlippingResolver
from registrary.testing.hostile.server import HostileServer, SeenRequest
from registrary.testing.hostile.watch import watched_connections

__all__ = [
    "DOCUMENT",
    "MISBEHAVIOURS",
    "ODDITIES",
    "Behaviour",
    "CertificateAuthority",
    "FlippingResolver",
    "HostileServer",
    "Script",
    "SeenRequest",
    "watched_connections",
]
