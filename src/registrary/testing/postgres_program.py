"""PostgreSQL on this machine: where its programs are, and as whom they run."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Below the ports that systems give to outgoing connections: none takes that of a stopped server.
_PORTS: Final = range(15_000, 30_000)


class Missing(Exception):
    """PostgreSQL, or something it needs, is not on this machine."""


def find_binaries() -> Path:
    """Return the folder of the newest PostgreSQL here; raise `Missing` without one.

    ``scripts/postgres.sh`` unpacks one below the environment where the system has none.
    """
    places = (Path("/usr/lib/postgresql"), Path(sys.prefix) / "postgres/usr/lib/postgresql")
    for place in places:
        found = sorted(
            place.glob("*/bin/postgres"), key=lambda path: float(path.parent.parent.name)
        )
        if found:
            return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise Missing("PostgreSQL is not installed; scripts/postgres.sh gets one")


@dataclass(frozen=True, slots=True)
class Program:
    """PostgreSQL on this machine: its folder, and as whom it runs (none: as we do)."""

    binaries: Path
    user: pwd.struct_passwd | None

    @classmethod
    def find(cls) -> "Program":
        """Look for it; raise `Missing`."""
        return cls(find_binaries(), _owner())

    def run(self, name: str, *arguments: str, stdin: str | None = None) -> str:
        """Run one of its programs to its end and return what it said; raise with its complaint."""
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [str(self.binaries / name), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self.environment(),
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return ours without its settings, and with the libraries it was unpacked with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        unpacked = Path(sys.prefix) / "postgres"
        if self.binaries.is_relative_to(unpacked):
            folders = [str(path) for path in sorted(unpacked.glob("usr/lib/*-linux-*"))]
            kept["LD_LIBRARY_PATH"] = ":".join(folders)
        return kept

    def new_folder(self) -> Path:
        """Return a new folder that the server's user owns and may reach."""
        folder = Path(tempfile.mkdtemp(prefix="registrary-postgres-"))
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        return folder


def quiet_port() -> int:
    """Return a port that nobody listens on, and that no outgoing connection will take."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _owner() -> pwd.struct_passwd | None:
    """Return whom the server must run as: root may not, everyone else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing("PostgreSQL cannot run as root, and there is no user postgres or nobody")
