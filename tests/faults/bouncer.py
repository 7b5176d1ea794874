"""A pgbouncer in transaction mode before a cluster, in a process of its own."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from registrary.testing import leash
from registrary.testing.postgres import USER, Cluster
from registrary.testing.postgres_program import Program, quiet_port

_START_SECONDS: Final = 30.0
_CONFIGURATION: Final = """
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 10
ignore_startup_parameters = extra_float_digits
"""


@dataclass(slots=True)
class Bouncer:
    """A pooler at ``127.0.0.1:port``; it can be ended in any way and started again."""

    program: Program
    folder: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and return once it takes connections."""
        user = self.program.user
        who = ["--user", f"{user.pw_uid}:{user.pw_gid}"] if user else []
        command = [sys.executable, "-S", "-E", leash.__file__, *who, _executable()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(self.folder / "pgbouncer.ini")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.program.environment(),
            )
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            said = (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < end, f"pgbouncer did not start:\n{said}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.stdin:
            self._process.stdin.close()  # lets it off the leash, which ends it
            self._process.wait(_START_SECONDS)

    def _answers(self) -> bool:
        ready = ("-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
        try:
            self.program.run("pg_isready", *ready)
        except RuntimeError:
            return False
        return True


@contextmanager
def bouncer_before(cluster: Cluster) -> Iterator[Bouncer]:
    """Run one before *cluster*; it is gone on leaving."""
    program = Program.find()
    bouncer = Bouncer(program, program.new_folder(), quiet_port())
    text = _CONFIGURATION.format(server=cluster.port, port=bouncer.port, user=USER)
    (bouncer.folder / "pgbouncer.ini").write_text(text)
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.kill()
        shutil.rmtree(bouncer.folder, ignore_errors=True)


def _executable() -> str:
    """Return where pgbouncer is: where the system has it, or where it was unpacked."""
    unpacked = Path(sys.prefix) / "postgres/usr/sbin/pgbouncer"
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if found is None and not unpacked.exists():
        raise FileNotFoundError("pgbouncer is not installed; scripts/postgres.sh gets it")
    return found or str(unpacked)
