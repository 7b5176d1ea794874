"""The markup of each page. Every value passes through `escape`; nothing else enters markup."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Final

from registrary.web.pages.document import Document
from registrary.web.pages.setup import setup, setup_done

Template = Callable[[Mapping[str, object]], Document]


def error(values: Mapping[str, object]) -> Document:
    """Say what is wrong with a request: *title*, *message*; optionally *code*, *reference*."""
    title = _text(values, "title", "This request cannot be completed")
    message = _text(
        values,
        "message",
        "The application that sent you here made a request this server cannot accept.",
    )
    return Document(title, _notice(title, message, details=values))


def not_found(values: Mapping[str, object]) -> Document:
    """Say that there is nothing at an address."""
    del values
    title = "There is nothing here"
    message = (
        "This server has no page at this address. It serves applications more than people; if a "
        "link led you here, tell whoever gave it to you."
    )
    return Document(title, _notice(title, message, details={}))


def not_served_yet(values: Mapping[str, object]) -> Document:
    """Say that people cannot sign in at this server, and that waiting does not help."""
    del values
    title = "Nobody can sign in here yet"
    message = (
        "This server cannot sign people in yet: it registers applications and gives them tokens "
        "of their own. Trying again does not help; tell whoever runs the application that sent "
        "you here."
    )
    return Document(title, _notice(title, message, details={}))


def temporarily_unavailable(values: Mapping[str, object]) -> Document:
    """Say that something does not work just now: optionally *message*, *code*, *reference*."""
    title = "Temporarily unavailable"
    message = _text(
        values,
        "message",
        "This server cannot do that right now. Please try again in a little while; if it stays "
        "so, tell whoever runs this server.",
    )
    return Document(title, _notice(title, message, details=values))


def server_error(values: Mapping[str, object]) -> Document:
    """Say that the fault is ours: optionally *reference*."""
    title = "Something went wrong"
    message = (
        "This server could not answer, which is not your fault. If it happens again, tell whoever "
        "runs this server the reference below."
    )
    return Document(title, _notice(title, message, details=values))


TEMPLATES: Final[Mapping[str, Template]] = {
    "error": error,
    "not_found": not_found,
    "not_served_yet": not_served_yet,
    "temporarily_unavailable": temporarily_unavailable,
    "server_error": server_error,
    "setup": setup,
    "setup_done": setup_done,
}


def _text(values: Mapping[str, object], name: str, otherwise: str) -> str:
    return str(values.get(name) or otherwise)


def _notice(title: str, message: str, *, details: Mapping[str, object]) -> str:
    """Return a heading, a paragraph, and what an operator or developer may want to know."""
    rows = "".join(
        f"<dt>{label}</dt><dd>{escape(str(details[name]))}</dd>"
        for name, label in (("code", "Error"), ("reference", "Reference"))
        if details.get(name)
    )
    listed = f"<dl>{rows}</dl>" if rows else ""
    return f"<h1>{escape(title)}</h1><p>{escape(message)}</p>{listed}"
