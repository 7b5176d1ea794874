"""Pages as answers: the frame around every page and the headers that protect it."""

from html import escape
from typing import Final

from registrary.protocol.http import NO_STORE, HttpResponse, Page
from registrary.web.pages.document import Document
from registrary.web.pages.style import STYLE, STYLE_HASH
from registrary.web.pages.templates import TEMPLATES

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    f"form-action 'self'; style-src '{STYLE_HASH}'"
)

PAGE_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    # For browsers that do not know frame-ancestors.
    (b"x-frame-options", b"DENY"),
    *NO_STORE,
)


def render_page(page: Page) -> HttpResponse:
    """Return *page* as an answer; its own headers stand behind those every page has.

    Raises KeyError for a page nobody has written.
    """
    document = TEMPLATES[page.name](page.values)
    return HttpResponse(page.status, (*PAGE_HEADERS, *page.headers), _framed(document).encode())


def _framed(document: Document) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(document.title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<style>{STYLE}</style></head>"
        f"<body><main>{document.main}</main></body></html>\n"
    )
