"""Readers who follow a link arrive somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def targets(page: Path) -> Iterator[str]:
    """Yield where the links of *page* lead, code blocks apart."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return (found["target"] for found in LINK.finditer(text))


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of *page* make."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def leads_somewhere(page: Path, target: str) -> bool:
    """Tell whether a link within the repository has a file, and its anchor a heading."""
    if target.startswith(("https://", "http://", "mailto:")):
        return True
    path, _, anchor = target.partition("#")
    goal = (page.parent / path).resolve() if path else page
    return goal.exists() and (not anchor or anchor in anchors(goal))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_repository_lead_somewhere(page):
    """A dead link is where a newcomer gives up."""
    dead = [target for target in targets(page) if not leads_somewhere(page, target)]

    assert [] == dead


def test_every_page_can_be_reached():
    """A page no other page points to is read by nobody."""
    reached = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in targets(page)
    }

    unreached = [
        page.relative_to(ROOT).as_posix()
        for page in PAGES
        if page not in reached and page.name != "README.md" and page.parent != ROOT
    ]

    assert [] == unreached
