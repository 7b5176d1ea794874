import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from registrary.protocol.http import Page
from registrary.web.pages.rendering import render_page
from registrary.web.pages.templates import TEMPLATES

SCRIPT = "\"'><script>alert(1)</script>&amp;"
VOID = {"meta", "input", "br", "hr"}


class MarkupEverywhere(Mapping[str, object]):
    """Values of a page, whatever it asks for."""

    def __getitem__(self, name):
        return SCRIPT

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0


class Elements(HTMLParser):
    """Collects elements and attributes, and holds that every element is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.names = set()
        self.attributes = set()
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


@pytest.fixture(params=TEMPLATES)
def response(request):
    """Render a page with markup in every value."""
    return render_page(Page(request.param, 400, MarkupEverywhere(), ((b"x-own", b"header"),)))


def test_no_value_becomes_markup(response):
    """Clients choose their names, and pages show them (threat 54)."""
    elements = Elements()
    elements.feed(response.body.decode())

    assert [] == elements.open
    assert not {"script", "iframe", "img", "object", "embed", "link"} & elements.names
    assert not [name for name in elements.attributes if name.startswith("on") or name == "style"]


def test_the_policy_admits_the_style_and_no_other(response):
    """A style sheet slipped in could show another page than ours (CSP level 3)."""
    headers = dict(response.headers)
    style = re.search(r"<style>(.*)</style>", response.body.decode(), re.DOTALL)
    assert style is not None

    wanted = "sha256-" + b64encode(sha256(style[1].encode()).digest()).decode()
    policy = headers[b"content-security-policy"].decode()

    assert f"style-src '{wanted}'" in policy
    assert policy.startswith("default-src 'none'; base-uri 'none'; object-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_is_kept_by_nobody_and_framed_by_nobody(response):
    """It may show what belongs to one person, and ask for a click (CWE-1021)."""
    headers = dict(response.headers)

    assert b"no-store" == headers[b"cache-control"]
    assert b"DENY" == headers[b"x-frame-options"]
    assert b"nosniff" == headers[b"x-content-type-options"]
    assert b"no-referrer" == headers[b"referrer-policy"]


def test_status_and_own_headers_are_the_page_s(response):
    """The frame decides how it looks, not what it says."""
    assert 400 == response.status
    assert (b"x-own", b"header") == response.headers[-1]


def test_a_page_needs_no_values():
    """An error about an error helps nobody."""
    response = render_page(Page("error"))

    assert b"This request cannot be completed" in response.body
    assert b"<dl>" not in response.body


def test_an_unknown_page_is_a_fault():
    """A page nobody wrote must be found by its developer, not by people."""
    with pytest.raises(KeyError):
        render_page(Page("no such page"))
