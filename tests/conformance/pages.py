"""What a person sees where the suite asks for a screenshot."""

from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import msgspec
from joserfc.util import urlsafe_b64encode

from tests.protocol.people import Shown


class _Sources(HTMLParser):
    """Collects what a page loads with one kind of element."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where the element loads from."""
        if tag == self.wanted:
            self.addresses.append(dict(attrs).get("src") or "")


def pictures_of(shown: Shown) -> list[str]:
    """Return the addresses of the pictures on a page."""
    return _sources(shown, "img")


def frames_of(shown: Shown) -> list[str]:
    """Return the addresses of the frames on a page."""
    return _sources(shown, "iframe")


def _sources(shown: Shown, tag: str) -> list[str]:
    reader = _Sources(tag)
    reader.feed(shown.text)
    return reader.addresses


def check_page(shown: Shown) -> None:
    """Check that a page is shown, and that nothing of it leads away by itself."""
    assert shown.status < 500, shown.text
    assert not {"location", "refresh"} & set(shown.answer.headers)
    assert "text/html" == shown.answer.headers["content-type"].partition(";")[0]
    assert "http-equiv" not in shown.text.lower()


def check_error_page(shown: Shown) -> None:
    """Check that a request ended on a page of the server's own."""
    check_page(shown)
    assert 400 <= shown.status
    assert "<form" not in shown.text


def unsigned_object(claims: dict[str, str]) -> str:
    """Return a request object that nobody signed."""
    parts = ({"alg": "none"}, claims)
    return ".".join(urlsafe_b64encode(msgspec.json.encode(part)).decode() for part in parts) + "."


def query_of(address: str) -> dict[str, str]:
    """Return the query of *address*."""
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
