"""Pages as answers: what a browser gets, whatever strangers wrote into the values."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from registrary.protocol.http import Page
from registrary.web.pages.catalogue import PAGES
from registrary.web.pages.rendering import render_page
from tests.unit.web.pages.examples import EXAMPLES, client_with, hostile_values

SCRIPT = "\"'><script>alert(1)</script>&amp;"
VOID = {"meta", "input", "br", "hr", "img"}


class Elements(HTMLParser):
    """Collects elements with attributes, and holds that every element is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def named(self, tag):
        """Return the attributes of every element *tag*."""
        return [attributes for name, attributes in self.found if name == tag]


def elements_of(response):
    """Return what a browser finds in the body of *response*."""
    elements = Elements()
    elements.feed(response.body.decode())
    return elements


def rendered(case, **values):
    """Render the example *case* with *values* in place of its own."""
    name, own = EXAMPLES[case]
    return render_page(Page(name, 200, {**own, **values}))


def policy_of(response):
    """Return the directives of the policy of *response*, by name."""
    directives = dict(response.headers)[b"content-security-policy"].decode().split("; ")
    return {name: sources for name, _, sources in (one.partition(" ") for one in directives)}


@pytest.fixture(params=EXAMPLES)
def response(request):
    """Render a page with markup in every value a stranger may have written."""
    name, _ = EXAMPLES[request.param]
    values = hostile_values(request.param, SCRIPT)
    return render_page(Page(name, 400, values, ((b"x-own", b"header"),)))


@pytest.mark.parametrize("case", EXAMPLES)
def test_no_value_becomes_markup(case):
    """Clients choose their names, and pages show them (threat 54)."""
    name, own = EXAMPLES[case]
    harmless = elements_of(render_page(Page(name, 200, own)))

    elements = elements_of(render_page(Page(name, 200, hostile_values(case, SCRIPT))))

    assert [] == elements.open
    assert [(tag, set(attributes)) for tag, attributes in harmless.found] == [
        (tag, set(attributes)) for tag, attributes in elements.found
    ]
    assert not [
        name
        for _, attributes in elements.found
        for name in attributes
        if name.startswith("on") or name == "style"
    ]


def test_every_page_has_an_example():
    """A page that nobody has looked at with hostile values is not known to be safe."""
    assert set(PAGES) == {name for name, _ in EXAMPLES.values()}


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_admits_what_stands_in_the_page_and_no_other(response, tag):
    """A style sheet slipped in could show another page than ours (CSP level 3)."""
    standing = re.findall(f"<{tag}>(.*?)</{tag}>", response.body.decode(), re.DOTALL)

    admitted = policy_of(response).get(f"{tag}-src", "")

    assert admitted == " ".join(
        f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in standing
    )


def test_the_policy_begins_as_promised(response):
    """Nothing is loaded, framed or posted elsewhere unless a page says so."""
    policy = dict(response.headers)[b"content-security-policy"].decode()

    assert policy.startswith(
        "default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "form-action "
    )
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


def test_every_form_posts_to_where_it_came_from_with_its_csrf_field(response):
    """An address in a form could be another's, and a form without the field anybody's."""
    elements = elements_of(response)

    forms = elements.named("form")

    assert {"post"} >= {form["method"] for form in forms}
    assert all("action" not in form for form in forms) or b"Going back" in response.body
    assert len(forms) == len([one for one in elements.named("input") if one["name"] == "csrf"]) or (
        b"Going back" in response.body or b"Set up this server" in response.body
    )


def test_links_elsewhere_tell_nobody_where_they_stood(response):
    """The address of a page has the parameters of a request in it."""
    links = elements_of(response).named("a")

    away = [link for link in links if link["href"].startswith("http")]

    assert all("noreferrer" in link["rel"] for link in away)


def test_a_page_needs_no_values():
    """An error about an error helps nobody."""
    response = render_page(Page("error"))

    assert b"This request cannot be completed" in response.body
    assert b"<dl" not in response.body


def test_an_unknown_page_is_a_fault():
    """A page nobody wrote must be found by its developer, not by people."""
    with pytest.raises(KeyError):
        render_page(Page("no such page"))


def test_an_optional_scope_is_a_ticked_box_and_another_is_not():
    """What an application cannot do without is not offered for choice (interfaces, pages)."""
    boxes = [
        one for one in elements_of(rendered("consent")).named("input") if one["name"] == "scope"
    ]

    assert ["offline_access", "email"] == [box["value"] for box in boxes]
    assert all("checked" in box for box in boxes)


def test_a_scope_left_unticked_before_stays_so():
    """Somebody who comes back to a page finds what they chose."""
    unticked = {"name": "email", "description": "E-mail", "optional": True, "checked": False}
    groups = [{"sensitivity": "low", "scopes": [unticked]}]

    boxes = elements_of(rendered("consent", groups=groups)).named("input")

    assert [False] == ["checked" in box for box in boxes if box["name"] == "scope"]


def test_the_first_button_of_the_consent_gives_nothing():
    """Enter, pressed in a checkbox, presses the first button of its form."""
    buttons = elements_of(rendered("consent")).named("button")

    assert ["deny", "allow"] == [button["value"] for button in buttons]


def test_the_first_button_of_the_login_takes_the_password():
    """Enter in the field of the password must not lead to somebody's provider."""
    buttons = elements_of(rendered("login-every-way")).named("button")

    assert "login" == buttons[0]["name"]
    assert {"provider"} == {one.get("name") for one in buttons if "formnovalidate" in one}


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ("consent-loopback", b"It runs on this computer"),
        ("consent-private", b"It is an app on this device"),
        ("consent-device", b"It runs on another device"),
        ("consent-unverified", b"Nobody here has checked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_consent_warns_of_what_nobody_can_vouch_for(case, word):
    """On a loopback port or behind a scheme may be any program; a name is what somebody typed."""
    assert word in rendered(case).body
    assert word not in rendered("consent").body


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//host", "https://[", ""]
)
@pytest.mark.parametrize("member", ["tos_uri", "policy_uri", "client_uri"])
def test_a_link_that_is_no_page_is_not_offered(member, address):
    """Markup is not the only thing that runs (threat 54)."""
    client = client_with(**{member: address})

    hrefs = [link["href"] for link in elements_of(rendered("consent", client=client)).named("a")]

    assert address not in hrefs
    assert 2 == len(hrefs)


@pytest.mark.parametrize("case", ["go-back", "logged-out"])
def test_a_way_back_never_runs_anything(case):
    """A redirect URI was judged at registration; a second look costs nothing."""
    links = elements_of(rendered(case, link="javascript:alert(1)")).named("a")

    assert [] == links


def test_a_name_cannot_turn_what_stands_around_it():
    """`Cal`, a turn of direction and `elpmaxe.live` would read as another host (CWE-451)."""
    client = client_with(name="Cal\u202eelpmaxe.live")

    body = rendered("consent", client=client).body.decode()

    assert '<bdi class="name">Calelpmaxe.live</bdi>' in body
    assert "\u202e" not in body


def test_a_long_name_leaves_the_rest_of_the_page_in_sight():
    """What matters must not be pushed out of the window by a name."""
    client = client_with(name="W" * 5000)

    body = rendered("consent", client=client).body.decode()

    assert "W" * 80 not in body
    assert "W" * 79 + "…" in body
