"""The SQL of a back-end, from the files beside it."""

import re
from functools import cache
from importlib import resources
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(package: str, file: str) -> dict[str, str]:
    """Return the statements of *file*, a name without its ending, of *package*, by their names."""
    text = (resources.files(package) / "statements" / f"{file}.sql").read_text("utf-8")
    _, *parts = _NAME.split(text)
    return dict(zip(parts[::2], (sql.strip().rstrip(";") for sql in parts[1::2]), strict=True))
