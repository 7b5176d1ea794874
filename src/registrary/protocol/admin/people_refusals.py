"""Refusals of the use cases about people, in the words of the admin API."""

from collections.abc import Iterator
from contextlib import contextmanager

from registrary.authserver.people.refusals import Outdated, Unfit, Unknown
from registrary.registrar.administration import NotFound, NotPossible, Stale


@contextmanager
def told() -> Iterator[None]:
    """Turn what is raised inside into what the admin API and commands answer."""
    try:
        yield
    except Unknown as error:
        raise NotFound(str(error)) from error
    except Unfit as error:
        raise NotPossible(str(error)) from error
    except Outdated as error:
        raise Stale from error
