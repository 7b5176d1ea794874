"""The forms of a page, read as a browser reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

NO_TEXT: Final = frozenset({"script", "style", "title"})


@dataclass(slots=True)
class Control:
    """An input or a button of a form; a checkbox without a value says ``on``."""

    kind: str
    name: str
    value: str


@dataclass(slots=True)
class Form:
    """A form; without an *action* it posts to the address it was served from."""

    method: str
    action: str
    controls: list[Control] = field(default_factory=list)

    def buttons(self) -> list[Control]:
        """Return what submits the form."""
        return [control for control in self.controls if control.kind == "submit"]

    def values(
        self, typed: Mapping[str, str], ticked: frozenset[str] | None
    ) -> dict[str, list[str]]:
        """Return what the form says once *typed* is in its fields, without any button.

        Every checkbox whose value is in *ticked* is ticked and no other; None ticks all.
        """
        said: dict[str, list[str]] = {}
        for control in self.controls:
            if control.kind == "submit" or not control.name:
                continue
            if control.kind == "checkbox" and not (ticked is None or control.value in ticked):
                continue
            is_fixed = control.kind in {"hidden", "checkbox"}
            value = control.value if is_fixed else typed.get(control.name, control.value)
            said.setdefault(control.name, []).append(value)
        return said


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds: its forms, where it leads by itself, and the text that a person reads."""

    forms: list[Form]
    onward: str | None
    text: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.onward: str | None = None
        self.words: list[str] = []
        self._open: Form | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, a control, a way onward, or that what follows is not read."""
        given = {name: value or "" for name, value in attrs}
        self._hidden += tag in NO_TEXT
        if tag == "form":
            self._open = Form(given.get("method", "get").lower(), given.get("action", ""))
            self.forms.append(self._open)
        elif tag in {"input", "button"} and self._open:
            self._open.controls.append(_control(tag, given))
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.onward = given["content"].partition("url=")[2]

    def handle_endtag(self, tag: str) -> None:
        """Note that a form, or what is not read, ends."""
        self._hidden -= tag in NO_TEXT
        if tag == "form":
            self._open = None

    def handle_data(self, data: str) -> None:
        """Take down what a person reads."""
        if not self._hidden:
            self.words += data.split()


def _control(tag: str, given: dict[str, str]) -> Control:
    kind = given.get("type", "submit" if tag == "button" else "text").lower()
    value = given.get("value", "on" if kind == "checkbox" else "")
    return Control(kind, given.get("name", ""), value)


def read_page(html: str) -> Page:
    """Return what the page *html* holds."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(reader.forms, reader.onward, " ".join(reader.words))
