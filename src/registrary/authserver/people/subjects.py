"""The ``sub`` by which a client knows a person (OpenID Connect Core §8)."""

import hashlib
import hmac

from registrary.authserver.context import ServerContext
from registrary.core.base64url import encode
from registrary.core.client import Client
from registrary.core.people import Person
from registrary.policy.consistency.sector import sector_host


def subject_of(context: ServerContext, client: Client, person: Person) -> str:
    """Return the ``sub`` of *person* for *client*.

    A public one is the person's id. A pairwise one is the same for all clients of a sector and
    tells nobody else anything: it is a keyed hash, and every person has a key of their own.
    """
    del context  # a person, and so their key, belongs to one issuer
    host = sector_host(client.metadata)
    if host is None:
        return person.id
    return encode(hmac.digest(person.subject_key, host.encode(), hashlib.sha256))
