"""The pages that are made from the code say what the code says."""

import pytest

from registrary.core.events import SENTENCES, Tag
from scripts.reference import FOLDER, PAGES, rendered


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name):
    """An operator who sets what the manual lists must not be told it is unknown."""
    written = (FOLDER / name).read_text(encoding="utf-8")

    assert rendered(name) == written, "run: make docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_listed(name):
    """The list of the reference is what people open first."""
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert f"[{name}]({name})" in listed


def test_every_event_has_a_sentence():
    """A log that people cannot read convinces nobody."""
    assert set(Tag) == set(SENTENCES)


def test_every_setting_says_what_it_means():
    """A setting without a sentence is set by guessing."""
    rows = [
        line
        for line in rendered("settings.md").splitlines()
        if line.startswith("| `") and line.rstrip().endswith("| |")
    ]

    assert [] == rows
