"""What the figures were measured on."""

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import apsw

from bench import node, postgres

_PACKAGES = ("registrary", "uvicorn", "uvloop", "mcp", "authlib", "flask", "gunicorn")


def describe() -> dict[str, str]:
    """Return the machine and the versions that matter, by name."""
    facts = {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "load average": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "SQLite (apsw)": apsw.sqlite_lib_version(),
        "SQLite (Python's)": sqlite3.sqlite_version,
        "PostgreSQL": postgres.version().strip(),
        "Node": node.version_text(),
        "oidc-provider": node.locked_version("oidc-provider"),
    }
    return {**facts, **{name: _version(name) for name in _PACKAGES}}


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
