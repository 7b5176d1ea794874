"""The house holds: folders keep their order, and the lowest stay pure."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "registrary"
PURE_FOLDERS = ("core", "audit", "policy", "profiles")

IMPURE_CALLS = {
    "date.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "importlib.import_module",
    "os.urandom",
    "uuid.getnode",
    "uuid.uuid1",
    "uuid.uuid4",
}
"""Calls that read a clock, draw randomness or touch the machine, found in harmless modules."""

IMPURE_BUILTINS = {
    "__import__",
    "breakpoint",
    "eval",
    "exec",
    "input",
    "open",
    "print",
    "uuid1",
    "uuid4",
}
"""Names that do the same when called without a module in front."""

IMPURE_MODULES = {
    "http.client",
    "importlib.resources",
    "logging",
    "time",
    "urllib.request",
    "urllib.robotparser",
}
"""Parts of the standard library that import-linter cannot tell from their harmless neighbours."""

IMPURE_SYNTAX = (
    ast.AsyncFor,
    ast.AsyncFunctionDef,
    ast.AsyncWith,
    ast.Await,
    ast.Global,
)

PURE_BUT_FOR_MAIN = SOURCE / "audit" / "offline_verifier.py"
"""A program by itself; tests/unit/audit/test_offline_verifier.py judges all but its end."""


def impurities(source: str) -> Iterator[str]:
    """Yield what *source* does that a pure module may not, one phrase for each place."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, IMPURE_SYNTAX):
            yield f"line {node.lineno}: {type(node).__name__}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in IMPURE_BUILTINS or any(
                called == bad or called.endswith(f".{bad}") for bad in IMPURE_CALLS
            ):
                yield f"line {node.lineno}: {called}()"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported_names(node):
                if any(name == bad or name.startswith(f"{bad}.") for bad in IMPURE_MODULES):
                    yield f"line {node.lineno}: imports {name}"


def imported_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the dotted names an import statement binds."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names]


def modules_of(*folders: str) -> list[Path]:
    """Return every module of *folders*, as far as these exist."""
    return sorted(path for folder in folders for path in (SOURCE / folder).rglob("*.py"))


@pytest.mark.parametrize(
    "path",
    [path for path in modules_of(*PURE_FOLDERS) if path != PURE_BUT_FOR_MAIN],
    ids=lambda path: path.relative_to(SOURCE).as_posix(),
)
def test_pure_folders_do_nothing_but_compute(path):
    """A judgement that read the clock or the disk could not be explained or replayed later."""
    found = list(impurities(path.read_text(encoding="utf-8")))

    assert [] == found


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "text = open('x').read()",
        "import uuid\nname = uuid.uuid4()",
        "async def wait(): ...",
        "from urllib import request",
        "import urllib.request",
        "def count():\n    global n\n    n = 1",
    ],
    ids=[
        "clock",
        "clock-by-module",
        "file",
        "random-id",
        "async",
        "network",
        "network-dotted",
        "state",
    ],
)
def test_an_impure_line_is_noticed(source):
    """A gate nobody has seen closed may be painted on the wall."""
    assert [] != list(impurities(source))


POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]*\})\+")
CHARACTER_CLASS = re.compile(r"\[(?:[^\]\\]|\\.)*\]")


def test_no_pattern_has_a_possessive_group():
    """Python 3.11.0 to 3.11.4 refused ``127.0.0.1`` and took ``1.2.=x`` by such groups.

    They do not step back from a group that failed half-way (python/cpython#100061).
    """
    found = [
        path.relative_to(SOURCE).as_posix()
        for path in sorted(SOURCE.rglob("*.py"))
        if POSSESSIVE_GROUP.search(CHARACTER_CLASS.sub("", path.read_text(encoding="utf-8")))
    ]

    assert [] == found


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in SOURCE.glob("*/__init__.py")),
    ids=lambda folder: folder.name,
)
def test_a_folder_says_what_it_is_for_and_imports_nothing_from_elsewhere(folder):
    """The contracts speak of what is inside a folder, so its front page may only point there."""
    body = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    own = f"registrary.{folder.name}."

    foreign = [
        name
        for node in ast.walk(body)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported_names(node)
        if not name.startswith(own)
    ]

    assert ast.get_docstring(body) is not None
    assert [] == foreign


PLANTS = {
    "upwards": ("layers", "core/planted.py", "import registrary.ports.clock"),
    "undeclared-folder": ("layers", "attic/planted.py", ""),
    "clock": ("purity", "core/planted.py", "import time"),
    "log": ("purity", "audit/planted.py", "import logging"),
    "randomness": ("purity", "policy/planted.py", "import secrets"),
    "network": ("purity", "profiles/planted.py", "import socket"),
    "server-in-library": ("client", "client/planted.py", "import registrary.ports.store"),
    "endpoint-in-store": (
        "adapters-know-no-use-case",
        "storage/planted.py",
        "import registrary.protocol.http",
    ),
    "store-in-endpoint": ("layers", "protocol/planted.py", "import registrary.storage"),
    "store-in-settings": ("adapters-are-wired", "config/planted.py", "import registrary.storage.x"),
    "backend-in-backend": (
        "backends",
        "storage/sqlite/planted.py",
        "import registrary.storage.memory",
    ),
    "grants-in-people": (
        "authserver",
        "authserver/people/planted.py",
        "import registrary.authserver.grants.codes",
    ),
    "apsw-elsewhere": ("sqlite-library", "storage/memory/planted.py", "import apsw"),
    "asyncpg-elsewhere": ("postgres-library", "storage/sqlite/planted.py", "import asyncpg"),
    "backup-encryption-elsewhere": ("backup-encryption", "storage/planted.py", "import pyrage"),
    "http-client-elsewhere": ("http-client", "keys/planted.py", "import httpx2"),
    "joserfc-elsewhere": ("jose-library", "authserver/planted.py", "import joserfc"),
    "cryptography-elsewhere": ("cryptography", "core/planted.py", "import cryptography"),
    "webauthn-elsewhere": ("passkey-library", "protocol/planted.py", "import webauthn"),
    "argon2-elsewhere": ("password-hash", "registrar/planted.py", "import argon2"),
    "second-tls-elsewhere": ("second-tls", "web/planted.py", "import OpenSSL"),
    "server-elsewhere": ("http-server", "protocol/planted.py", "import uvicorn"),
    "pictures-elsewhere": ("pictures", "outbound/planted.py", "import PIL"),
    "templates-elsewhere": ("pages", "protocol/planted.py", "import jinja2"),
    "dialogue-elsewhere": ("dialogue", "wiring/planted.py", "import rich"),
}


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    """Copy the package and its contracts to where a test may break them."""
    shutil.copytree(
        SOURCE, tmp_path / "registrary", ignore=shutil.ignore_patterns("__pycache__", "*.sql")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(house: Path, where: str, line: str) -> None:
    """Add the module *where* holding *line*, with every package on the way to it and its import."""
    modules = [where]
    if line.startswith("import registrary."):
        modules.append(line.removeprefix("import registrary.").replace(".", "/") + "/__init__.py")
    for module in modules:
        path = house / "registrary" / module
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(house).parents:
            if folder.name:
                (house / folder / "__init__.py").touch()
    (house / "registrary" / where).write_text(line, encoding="utf-8")


def verdict(house: Path, contract: str) -> str:
    """Run one contract against *house* and return what it says."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run(
        [*command, "--no-logo", "--no-cache", "--contract", contract],
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "where", "line"), PLANTS.values(), ids=PLANTS.keys())
def test_a_forbidden_import_breaks_its_contract(copy_of_the_house, contract, where, line):
    """A contract that would let its violation pass is worse than none."""
    plant(copy_of_the_house, where, line)

    said = verdict(copy_of_the_house, contract)

    assert "0 kept, 1 broken" in said
    assert "planted" in said or "registrary.attic" in said


def test_every_contract_has_been_seen_to_break():
    """A new contract comes with the violation it is there for."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    contracts = set(re.findall(r'^id = "([a-z-]+)"$', settings, re.MULTILINE))

    assert contracts == {contract for contract, _, _ in PLANTS.values()} | {"cycles"}
