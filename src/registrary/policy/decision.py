"""What was decided about a request: everything a caller is told and the store is given."""

from datetime import timedelta

import msgspec

from registrary.core.changes import Changes
from registrary.core.checks import Check
from registrary.core.client import Client
from registrary.core.errors import Problem
from registrary.core.secrets import Secret


class Accepted(msgspec.Struct, frozen=True):
    """The request is granted once *changes* are committed.

    *client_secret* is set only when it is newly issued, *registration_access_token* when it is
    newly issued. *pending_scope* was asked for and needs a person's approval.
    """

    client: Client
    changes: Changes
    client_secret: Secret | None = None
    registration_access_token: Secret | None = None
    pending_scope: str | None = None
    checks: tuple[Check, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """The request is refused, and nothing but a note of that is stored.

    *code* is an OAuth error as on the wire; *description* is for the client. *problems* are all
    faults of the document. *is_challenge* marks a request that brought no credentials at all.
    """

    code: str
    description: str
    problems: tuple[Problem, ...] = ()
    checks: tuple[Check, ...] = ()
    retry_after: timedelta | None = None
    is_challenge: bool = False


Decision = Accepted | Refused
