"""Which records nodes may hold in memory, and so have to be told about."""

from typing import Final

from registrary.core.client import Client
from registrary.core.deliveries import StatusOfClient
from registrary.core.issuer import Issuer
from registrary.core.records import AdminToken, InitialAccessToken
from registrary.core.signing_key import SigningKey

CHANNEL: Final = "registrary"
"""Where a node that listens hears at once that there is something in the feed."""

LISTED: Final = frozenset({Issuer.kind, SigningKey.kind})
"""Kinds of which lists may be held too, so that a new one is told about as well."""

WATCHED: Final = LISTED | {
    Client.kind,
    InitialAccessToken.kind,
    AdminToken.kind,
    StatusOfClient.kind,
}
"""Kinds of which every replacement and removal is told about.

None of them is written when a client registers or a token is issued: telling takes a lock of the
whole server when the commit ends, and such commits come too often for that.
"""
