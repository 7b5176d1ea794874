"""A text that must not be shown by accident."""

import hmac
from typing import NoReturn, Self


class Secret:
    """A secret text. Whatever prints, formats, logs or copies it shows ``Secret(…)``.

    `reveal` is the one way to the text, so that the places which do can be found. Comparing
    takes the same time wherever the texts differ.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text: to put it into a response once, or into a computation."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __format__(self, format_spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"),
            other._text.encode("utf-8", "surrogatepass"),
        )

    # A hash would let a dictionary compare secrets in its own way.
    __hash__ = None  # type: ignore[assignment]  # the language's way to say "unhashable"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")
