"""The browser of a test module.

No longer than a module: while Playwright runs, its event loop stands in the thread of the tests,
and those of other modules have their own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Window, chromium, window_of
from tests.e2e.gallery import gallery


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def window(browser: Browser) -> Iterator[Window]:
    """Open a window of somebody who was never here."""
    with window_of(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """Serve every page there is."""
    with gallery() as address:
        yield address
