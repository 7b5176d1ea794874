"""Errors that no endpoint made, in the form in which callers of their address read errors."""

from typing import Final

from registrary.protocol.admin.operations import PREFIX
from registrary.protocol.admin.problems import as_problem
from registrary.protocol.http import HttpResponse

_ADMIN_API: Final = f"{PREFIX}/"


def is_of_admin_api(address: str) -> bool:
    """Tell whether *address*, a route or a path that leads to none, is below the admin API."""
    return _ADMIN_API in address


def error_at(address: str, error: HttpResponse) -> HttpResponse:
    """Return *error* as what is at *address* would have told it."""
    return as_problem(error) if is_of_admin_api(address) else error
