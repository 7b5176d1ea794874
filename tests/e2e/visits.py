"""What people do on the pages, step by step."""

from tests.e2e.applications import Application
from tests.e2e.browser import Window


def sign_in(window: Window, password: str = "demo") -> None:
    """Fill in the form that is shown."""
    window.page.get_by_label("User name").fill("demo")
    window.page.get_by_label("Password").fill(password)
    window.page.get_by_role("button", name="Sign in", exact=True).click()


def decide(window: Window, decision: str) -> None:
    """Press the button of the consent that is shown."""
    window.page.get_by_role("button", name=decision, exact=True).click()


def come_back(
    window: Window, application: Application, decision: str = "Allow", **parameters: str
) -> str:
    """Go the whole way to *application*; return the address it was answered at."""
    window.open(application.address(**parameters))
    if window.page.get_by_label("Password").is_visible():
        sign_in(window)
    decide(window, decision)
    window.page.wait_for_url(f"{application.redirect_uri}?*")
    return window.page.url


def sign_out(window: Window, issuer: str) -> None:
    """Leave *issuer* by its page."""
    window.open(f"{issuer}/logout")
    window.page.get_by_role("button", name="Sign out", exact=True).click()
    window.page.get_by_role("heading", name="You are signed out").wait_for()
