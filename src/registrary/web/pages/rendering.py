"""Pages as answers: the frame around every page and the headers that protect it."""

from functools import cache
from typing import TYPE_CHECKING, Final

from registrary.protocol.http import NO_STORE, HttpResponse, Page
from registrary.web.pages.catalogue import checked
from registrary.web.pages.inline_parts import SCRIPTS, STYLE
from registrary.web.pages.policy import has_script, policy
from registrary.web.pages.text import host_of, is_way_back, shown

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    # For browsers that do not know frame-ancestors.
    (b"x-frame-options", b"DENY"),
    *NO_STORE,
)


def render_page(page: Page) -> HttpResponse:
    """Return *page* as an answer; its own headers stand behind those every page has.

    Raises what `catalogue.checked` raises, and ValueError where a value cannot enter a policy.
    """
    values = checked(page.name, page.values)
    script = SCRIPTS[page.name] if has_script(page.name, values) else None
    body = _environment().get_template(f"{page.name}.html").render(values, script=script)
    csp = (b"content-security-policy", policy(page.name, values).encode("ascii"))
    return HttpResponse(page.status, (csp, *PAGE_HEADERS, *page.headers), body.encode())


@cache
def _environment() -> "Environment":
    """Return what compiles each template, once, when it is first shown."""
    # Imported here: it costs 16 ms of start-up, and the first answer is seldom a page.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=PackageLoader("registrary.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_said,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = STYLE
    environment.filters |= {"shown": shown, "host": host_of}
    environment.tests["way_back"] = is_way_back
    return environment


def _said(value: object) -> object:
    """Return *value*, which a template prints; nobody wants to read None."""
    if value is None:
        raise TypeError("a page prints a value that is None")
    return value
