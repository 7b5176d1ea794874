"""A browser as people have it, watched for everything that should not happen in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE: Final = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 320, "height": 256}
"""The narrowest phone, and a window of 1280 by 1024 at 400 % zoom (WCAG 2.2, 1.4.10)."""

_REPORT_VIOLATIONS: Final = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_RUN_AXE: Final = """
    async () => (await axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium, or the one that ``CHROMIUM`` names; it has ended on leaving."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


def program() -> str:
    """Return the path of Chromium; raise RuntimeError that says what to do where there is none."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError("tests/e2e need Chromium: install it, or name it in CHROMIUM")
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a browser of its own; *complaints* is what it said was wrong."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        """Go to *url*."""
        self.page.goto(url)

    def violations_of_accessibility(self) -> list[str]:
        """Return what axe finds, by its rule and the markup."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_RUN_AXE)
        return found

    def set_width(self, size: dict[str, int]) -> None:
        """Make the window as large as *size*."""
        self.page.set_viewport_size({"width": size["width"], "height": size["height"]})


@contextmanager
def window_of(browser: Browser, **options: Any) -> Iterator[Window]:  # Any: Playwright's options
    """Open a window without history and cookies, with the *options* of a context of Playwright."""
    context = browser.new_context(viewport=None, no_viewport=None, **options)
    try:
        context.set_default_timeout(10_000)  # milliseconds
        context.add_init_script(_REPORT_VIOLATIONS)
        window = Window(context.new_page(), context)
        window.set_width(DESKTOP)
        context.on("console", lambda message: _note(window, message))
        context.on("weberror", lambda error: window.complaints.append(str(error.error)))
        context.on("dialog", lambda dialog: window.complaints.append(dialog.message))
        yield window
    finally:
        context.close()


def _note(window: Window, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        window.complaints.append(message.text)
