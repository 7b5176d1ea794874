"""Every page alone, in a real browser: what people see, reach and are kept from."""

from urllib.parse import quote

import pytest

from tests.e2e.browser import DESKTOP, PHONE, window_of
from tests.unit.web.pages.examples import EXAMPLES

STAYING = [
    case for case in EXAMPLES if case not in {"form-post", "logged-out-of-clients", "onward"}
]
"""The cases that show a page; the others leave at once."""

MARKUP = (
    "\"'><script>pwned()</script><img src=x onerror=pwned()><svg onload=pwned()>"
    "</style></title></textarea><style>*{display:none}</style><base href=//evil.example>"
    "<iframe src=//evil.example></iframe><form action=//evil.example><input name=scope>"
    '" autofocus onfocus=pwned() x="{{7*7}}{%25 x %25}${7*7}&quot;&lt;b&gt;javascript:pwned()//'
)
UNREADABLE = (
    "Z"
    + "\u0336\u0489\u20dd\u0351" * 50
    + "\u202egnp.exe\u2066 \u200f\u2069 \ufdfd\ufdfd"
    + "W" * 3000
)

CONTROLS = """
    [...document.querySelectorAll("a[href], button, input:not([type=hidden])")]
        .filter((one) => one.checkVisibility())
"""
WHERE_IT_IS = f"""
    (() => {{
        const {{ outlineStyle, outlineWidth }} = getComputedStyle(document.activeElement);
        const seen = outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
        return [{CONTROLS}.indexOf(document.activeElement), seen];
    }})()
"""
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""What a page has focused by itself is focused once it was drawn."""

TO_THE_BEGINNING = """
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
"""
ELEMENTS = "[...document.querySelectorAll('*')].map(({ tagName }) => tagName).join(' ')"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
COVERED = """
    [...document.querySelectorAll("h1, h2, h3, p, dt, dd, li, label, button, a")].filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        return one.checkVisibility() && (left < 0 || right > innerWidth);
    }).map(({ outerHTML }) => outerHTML)
"""


def requests_to(window, addresses):
    """Answer what *window* asks of *addresses*; return the requests as they come."""
    requests = []

    def answer(route):
        requests.append(route.request)
        route.fulfill(body="arrived")

    window.context.route(addresses, answer)
    return requests


@pytest.fixture(scope="module")
def shared(browser):
    """Open the window that many look through: pages of the gallery leave nothing in it."""
    with window_of(browser) as opened:
        yield opened


@pytest.fixture
def window(shared):
    """Let nobody see what the one before them did."""
    shared.complaints.clear()
    shared.set_width(DESKTOP)
    shared.page.emulate_media(media="screen", color_scheme="light")
    return shared


@pytest.fixture
def fresh(browser):
    """Open a window to go elsewhere in."""
    with window_of(browser) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("case", STAYING)
def test_axe_finds_nothing(window, pages, case, scheme):
    """A page that a screen reader cannot read shuts people out of every application behind it."""
    window.page.emulate_media(color_scheme=scheme)
    window.open(f"{pages}/{case}")

    found = window.violations_of_accessibility()

    assert [] == found
    assert [] == window.complaints


@pytest.mark.parametrize("case", STAYING)
def test_the_keyboard_reaches_every_control_in_order_and_shows_where_it_is(window, pages, case):
    """Not everybody points (WCAG 2.2, 2.1.1, 2.4.3 and 2.4.7)."""
    window.open(f"{pages}/{case}")
    window.page.evaluate(DRAWN)
    window.page.evaluate(TO_THE_BEGINNING)
    many = window.page.evaluate(f"{CONTROLS}.length")

    walked = []
    for _ in range(many):
        window.page.keyboard.press("Tab")
        walked.append(window.page.evaluate(WHERE_IT_IS))

    assert [[place, True] for place in range(many)] == walked


@pytest.mark.parametrize("case", [case for case in STAYING if case.endswith("-again")])
def test_what_went_wrong_is_read_first_and_leads_to_its_field(window, pages, case):
    """Who does not see the red border hears what to do (WCAG 2.2, 3.3.1)."""
    window.open(f"{pages}/{case}")

    window.page.evaluate(DRAWN)
    first = window.page.evaluate("document.activeElement.innerText")
    window.page.keyboard.press("Tab")
    window.page.keyboard.press("Enter")

    assert first.startswith("There is a problem")
    assert window.page.title().startswith("Error: ")
    assert "true" == window.page.evaluate("document.activeElement.getAttribute('aria-invalid')")


@pytest.mark.parametrize("case", STAYING)
def test_nothing_a_stranger_wrote_runs_or_becomes_an_element(window, pages, case):
    """Clients choose their names, and pages show them (threat 54)."""
    window.open(f"{pages}/{case}")
    harmless = window.page.evaluate(ELEMENTS)

    window.open(f"{pages}/{case}?text={quote(MARKUP)}")

    assert harmless == window.page.evaluate(ELEMENTS)
    assert [] == window.complaints
    assert window.page.locator("h1").is_visible()


@pytest.mark.parametrize(
    "query", ["", f"?text={quote(UNREADABLE)}"], ids=["as-it-comes", "unreadable"]
)
@pytest.mark.parametrize("case", STAYING)
def test_a_phone_shows_all_of_it_without_scrolling_sideways(window, pages, case, query):
    """At 400 % zoom too, whatever somebody put into a name (WCAG 2.2, 1.4.10)."""
    window.set_width(PHONE)

    window.open(f"{pages}/{case}{query}")

    assert 0 == window.page.evaluate(OVERFLOW)
    assert [] == window.page.evaluate(COVERED)


def test_the_form_of_a_response_submits_itself(fresh, pages):
    """Who has scripts does not press a button on the way back (Form Post Response Mode §2)."""
    posted = requests_to(fresh, "https://calendar.example/**")

    fresh.open(f"{pages}/form-post")
    fresh.page.wait_for_url("https://calendar.example/cb")

    assert ["POST"] == [request.method for request in posted]
    assert "code=abc&state=%3C%26%22%27%3E" == posted[0].post_data
    assert [] == fresh.complaints


def test_without_scripts_the_form_of_a_response_has_a_button(browser, pages):
    """Nobody is kept out for having none."""
    with window_of(browser, java_script_enabled=False) as window:
        requests_to(window, "https://calendar.example/**")
        window.open(f"{pages}/form-post")

        window.page.get_by_role("button", name="Continue").click()
        window.page.wait_for_url("https://calendar.example/cb")

        assert "arrived" == window.page.locator("body").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_the_way_to_a_provider_goes_on_by_itself(browser, pages, scripts):
    """A form may not be answered by another site, so a page in between leads there."""
    with window_of(browser, java_script_enabled=scripts) as window:
        requests_to(window, "https://idp.example/**")

        window.page.goto(f"{pages}/onward", wait_until="commit")
        window.page.wait_for_url("https://idp.example/authorize?state=1")

        assert [] == window.complaints


def test_a_logout_reaches_the_frames_of_clients_and_goes_on(fresh, pages):
    """Each application forgets the person in a frame of its own (Front-Channel Logout §2)."""
    reached = requests_to(fresh, "https://*.example/**")

    fresh.page.goto(f"{pages}/logged-out-of-clients", wait_until="commit")
    fresh.page.wait_for_url("https://calendar.example/")

    assert {
        "https://calendar.example/out?sid=1",
        "https://mail.example/out?sid=2",
        "https://calendar.example/",
    } == {request.url for request in reached}
    assert [] == fresh.complaints


def test_the_printed_page_has_no_buttons(window, pages):
    """Paper cannot be pressed, and an admin token is sometimes printed."""
    window.open(f"{pages}/setup-done")
    window.page.emulate_media(media="print")

    assert window.page.get_by_text("rgy_adm_example").is_visible()
    window.open(f"{pages}/consent")
    assert not window.page.get_by_role("button", name="Allow").is_visible()
