"""Nothing that a server sent is ever handed to a shell or a browser (threat 55)."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

SOURCES: Final = Path(__file__).parents[3] / "src" / "registrary"
MODULES: Final = sorted(path for path in SOURCES.rglob("*.py") if "testing" not in path.parts)
FORBIDDEN: Final = {
    "webbrowser",
    "os.system",
    "os.popen",
    "os.startfile",
    "pty",
    "commands",
    "subprocess.getoutput",
    "asyncio.create_subprocess_shell",
    "click.launch",
    "typer.launch",
}


def named(module: ast.Module) -> Iterator[str]:
    """Yield what *module* imports and what attributes of modules it uses, by dotted name."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=source, names=names):
                yield source or ""
                yield from (f"{source}.{one.name}" for one in names)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                yield f"{owner}.{attribute}"
            case ast.keyword(arg="shell"):
                yield "shell="
            case _:
                pass


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_no_module_opens_a_shell_or_a_browser(path):
    """CVE-2025-6514: an address that a server sent was run as a command."""
    used = set(named(ast.parse(path.read_text(encoding="utf-8"))))

    assert set() == used & (FORBIDDEN | {"shell="})
