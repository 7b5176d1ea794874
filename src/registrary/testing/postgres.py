"""Throwaway PostgreSQL: clusters with new folders, their standbys, and what happens to servers.

Nothing here imports a driver: servers are asked through ``psql``. A cluster lives in a folder of
its own below the temporary folder, runs as user ``postgres`` where tests run as root, and ends with
the process that started it, also when that one is killed.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from registrary.testing.postgres_program import Program, quiet_port

USER: Final = "registrary"
"""The superuser of every cluster, who needs no password."""

FAST: Final[Mapping[str, str]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
}
"""What tests run on that end no machine; a crash of the server alone loses nothing by it."""

DURABLE: Final[Mapping[str, str]] = {}
"""The settings PostgreSQL comes with."""

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_LEASH: Final = Path(__file__).with_name("leash.py")


@dataclass(slots=True)
class Cluster:
    """A server with its data in *folder*, at ``127.0.0.1:port`` and on a socket in that folder.

    It ends with this process, or once nobody has a lock on the file *until_free*.
    """

    program: Program
    folder: Path
    port: int
    until_free: Path | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def running(
        cls, settings: Mapping[str, str] = FAST, *, access: Sequence[str] = ()
    ) -> Iterator["Cluster"]:
        """Run a new cluster; it and its folder are gone on leaving.

        *access* are lines of ``pg_hba.conf`` that stand before the one that lets everybody in.
        """
        cluster = cls.create(settings, access=access)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.remove()

    @classmethod
    def create(cls, settings: Mapping[str, str] = FAST, *, access: Sequence[str] = ()) -> "Cluster":
        """Make a new cluster that does not run yet."""
        program = Program.find()
        cluster = cls(program, program.new_folder(), quiet_port())
        # Sorted as people sort, not as bytes do: a query that forgot its collation shows here.
        order = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
        identity = ("--auth=trust", f"--username={USER}", "--encoding=UTF8")
        program.run("initdb", *identity, *order, "--no-sync", "-D", str(cluster.data))
        conf = [f"{name} = '{value}'" for name, value in settings.items()]
        with (cluster.data / "postgresql.conf").open("a") as stream:
            stream.write("\n".join(conf) + "\n")
        hba = cluster.data / "pg_hba.conf"
        hba.write_text("\n".join([*access, hba.read_text()]))
        return cluster

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server wrote, over all its starts."""
        return self.folder / "log"

    @property
    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def answers(self) -> bool:
        """Whether the server takes connections, whoever started it."""
        ready = ("-q", "-h", str(self.folder), "-p", str(self.port), "-U", USER)
        try:
            self.program.run("pg_isready", *ready)
        except RuntimeError:
            return False
        return True

    @property
    def pid(self) -> int:
        """The process of the running server (the postmaster)."""
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def url(self, database: str = "postgres", *, user: str = USER) -> str:
        """Return where *database* is, as settings take it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self, **settings: str) -> None:
        """Start the server and wait until it answers; *settings* hold for this run of it."""
        places = {"unix_socket_directories": str(self.folder), "listen_addresses": "127.0.0.1"}
        command = [str(self.program.binaries / "postgres"), "-D", str(self.data)]
        for name, value in ({"port": str(self.port)} | places | settings).items():
            command += ["-c", f"{name}={value}"]
        user = self.program.user
        who = ["--user", f"{user.pw_uid}:{user.pw_gid}"] if user else []
        end = ["--until-free", str(self.until_free)] if self.until_free else []
        leash = [sys.executable, "-S", "-E", str(_LEASH), *who, *end, "--remove", str(self.folder)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*leash, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.program.environment(),
            )
        self._wait_until_it_answers()

    def stop(self, *, mode: str = "fast") -> None:
        """Stop the server as ``pg_ctl`` does: ``smart``, ``fast`` or ``immediate``."""
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        if self.is_running:
            os.kill(self.pid, signals[mode])
            self._wait_until_gone()

    def kill(self) -> None:
        """End all its processes at once, as the machine's death would."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)  # so that none is born while they are counted
        for victim in [pid, *_children(pid)]:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._wait_until_gone()

    def restart(self, **settings: str) -> None:
        """Stop and start."""
        self.stop()
        self.start(**settings)

    def remove(self) -> None:
        """Stop the server, whatever its state, and remove its folder."""
        if self.is_running:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(
        self, statement: str, *, database: str = "postgres", user: str = USER, **variables: str
    ) -> str:
        """Do *statement* as ``psql`` does and return its rows, with ``|`` between columns.

        In it ``:'name'`` stands for the value of the variable *name*.
        """
        options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-")
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", user, "-d", database)
        values = [f"--set={name}={value}" for name, value in variables.items()]
        return self.program.run("psql", *options, *values, *where, stdin=statement).rstrip("\n")

    def dump(self, database: str) -> str:
        """Return everything that is in *database*, as ``pg_dump`` writes it."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", USER)
        return self.program.run("pg_dump", *where, database)

    def configure(self, **settings: str) -> None:
        """Change settings for good; those that hold from a start on need `restart`."""
        for name, value in settings.items():
            self.sql(f"alter system set {name} = '{value}'")
        self.sql("select pg_reload_conf()")

    @contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """Make a database, a copy of *template*; yield its URL, and drop it in the end."""
        name = self.create_database(template=template)
        try:
            yield self.url(name)
        finally:
            if self.answers:
                self.drop_database(name)

    def create_database(self, *, template: str = "template0") -> str:
        """Make a database, a copy of *template*, and return its name."""
        name = f"test_{secrets.token_hex(8)}"
        self.sql(f'create database "{name}" template "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self.sql(f'drop database if exists "{name}" with (force)')

    @contextmanager
    def standby(self, *, synchronous: bool = False) -> Iterator["Cluster"]:
        """Run a standby that streams from this server; it is gone on leaving.

        *synchronous*: no commit here is acknowledged before the standby has it on disk.
        """
        standby = self.create_standby()
        try:
            standby.start()
            if synchronous:
                self.require(standby)
            yield standby
        finally:
            standby.remove()

    def create_standby(self) -> "Cluster":
        """Copy this running server into a standby that does not run yet."""
        standby = Cluster(self.program, self.program.new_folder(), quiet_port())
        name = f"standby_{standby.port}"
        address = f"host=127.0.0.1 port={self.port} user={USER} application_name={name}"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
        slot = ("--create-slot", f"--slot={name}")
        self.program.run("pg_basebackup", "-d", address, "-D", str(standby.data), *options, *slot)
        return standby

    def require(self, *standbys: "Cluster", on: str = "on") -> None:
        """Acknowledge no commit before each of *standbys* has it; *on*: ``synchronous_commit``."""
        names = ", ".join(f"standby_{standby.port}" for standby in standbys)
        wanted = f"{len(standbys)} ({names})" if standbys else ""
        self.configure(synchronous_standby_names=wanted, synchronous_commit=on)
        streams = "select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')"
        _wait(lambda: self.sql(streams) == str(len(standbys)), "a standby is not synchronous")

    def promote(self) -> None:
        """Make this standby a server of its own, and wait until it takes writes."""
        self.sql("alter system reset synchronous_standby_names")
        if self.sql("select pg_promote(true, 60)") != "t":
            raise RuntimeError("the standby was not promoted in time")

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.is_running:
            if self.answers:
                return
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-4000:]}")

    def _wait_until_gone(self) -> None:
        if self._process is None:
            return
        self._process.wait(_STOP_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None


def _children(pid: int) -> list[int]:
    """Return the processes that *pid* started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def _wait(holds: Callable[[], bool], complaint: str) -> None:
    """Wait until something *holds*; raise with *complaint* when it does not in time."""
    end = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(complaint)
        time.sleep(0.02)
