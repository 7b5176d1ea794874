"""What a soak runs on: a primary, its synchronous standby, a pooler, a network and two nodes."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registrary.testing.postgres import USER, Cluster
from registrary.testing.postgres_program import Program, quiet_port
from registrary.testing.server import command, free_port
from tests.faults.bouncer import Bouncer
from tests.faults.databases import DATABASE, SETTINGS
from tests.faults.nodes import UNLIMITED, Node
from tests.faults.proxy import Network, Proxy, proxy_to

ROLE: Final = "registrary_app"
"""As whom nodes come: it owns nothing."""
COMMAND_SECONDS: Final = 900.0  # a whole log is verified in less
_PATIENCE: Final = 240.0  # for a node; a soak goes on beside other work
_POOLER: Final = """
[databases]
{database} = host=127.0.0.1 port={server} dbname={database} user={role}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = {admin}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 10
"""
# The standby asks again soon after its primary restarted: what waits for it waits that long.
_SETTINGS: Final[Mapping[str, str]] = {**SETTINGS, "wal_retrieve_retry_interval": "1s"}


class Pooler(Bouncer):
    """A pooler that can be led to another server."""

    def lead_to(self, port: int) -> None:
        """Lead to the server at *port* from now on."""
        names = {"database": DATABASE, "role": ROLE, "admin": USER}
        text = _POOLER.format(server=port, port=self.port, **names)
        (self.folder / "pgbouncer.ini").write_text(text)
        if self._process is not None:
            console = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", "pgbouncer")
            self.program.run("psql", "-X", "-q", *console, "-c", "RELOAD")

    def remove(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class Scene:
    """All of it. The first node reaches both servers by *ways*, the second goes by *pooler*.

    Way number *at* leads to the primary, the other to the standby.
    """

    primary: Cluster
    standby: Cluster
    ways: tuple[Proxy, Proxy]
    pooler: Pooler
    nodes: tuple[Node, Node]
    at: int = 0

    @property
    def urls(self) -> list[str]:
        """Where the nodes answer."""
        return [node.url for node in self.nodes]

    def wait_until_ready(self) -> None:
        """Return once both nodes say that they can do everything."""
        for node in self.nodes:
            node.wait_until_ready()

    def take_over(self) -> None:
        """Make the standby the primary; what it was is gone for good. There is no standby then."""
        self.standby.promote()
        self.standby.configure()
        lost, self.primary = self.primary, self.standby
        self.pooler.lead_to(self.primary.port)
        self.at = 1 - self.at
        lost.remove()

    def rebuild(self) -> None:
        """Make a new standby, and let no commit be acknowledged without it."""
        self.standby = self.primary.create_standby()
        self.standby.start()
        self.ways[1 - self.at].retarget(("127.0.0.1", self.standby.port))
        self.primary.require(self.standby)

    def cut(self, network: Network) -> None:
        """Let the network of the first node be *network*."""
        for way in self.ways:
            way.become(network)

    def verify(self) -> list[str]:
        """Return what ``registrary audit verify`` finds wrong."""
        return verified(self.nodes[0], self.primary)

    def memory(self) -> dict[str, int]:
        """Return how many bytes each part holds now, by its name."""
        held = {f"node {number}": node.resident_bytes() for number, node in enumerate(self.nodes)}
        return held | {"primary": shared_bytes(self.primary.pid)}

    def remove(self) -> None:
        """End both servers."""
        self.standby.remove()
        self.primary.remove()


@contextmanager
def scene_in(folder: Path) -> Iterator[Scene]:
    """Run everything; all of it has ended on leaving."""
    primary = Cluster.create(_SETTINGS)
    with ExitStack() as stack:
        stack.callback(primary.remove)
        primary.start()
        primary.sql(f"create role {ROLE} login")
        primary.sql(f"create database {DATABASE}")
        standby = primary.create_standby()
        stack.callback(standby.remove)
        standby.start()
        primary.require(standby)
        one = stack.enter_context(proxy_to(("127.0.0.1", primary.port)))
        other = stack.enter_context(proxy_to(("127.0.0.1", standby.port)))
        pooler = stack.enter_context(pooler_before(primary))
        nodes = nodes_of((one, other), pooler, folder)
        scene = Scene(primary, standby, (one, other), pooler, nodes)
        stack.callback(scene.remove)
        migrate(nodes[0], primary)
        for node in nodes:
            stack.callback(ended, node)
            node.start()
        yield scene


def nodes_of(ways: tuple[Proxy, Proxy], pooler: Pooler, folder: Path) -> tuple[Node, Node]:
    """Return two nodes of one issuer that do not run yet."""
    ports = free_port(), free_port()
    hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    direct = f"postgresql://{ROLE}@{hosts}/{DATABASE}?target_session_attrs=primary"
    pooled = f"postgresql://{ROLE}@127.0.0.1:{pooler.port}/{DATABASE}"
    options = (*UNLIMITED, "--issuer", f"http://127.0.0.1:{ports[0]}")
    return (
        Node(direct, folder, ports[0], options, {}, _PATIENCE),
        Node(pooled, folder, ports[1], options, {"REGISTRARY_POSTGRES__POOLED": "true"}, _PATIENCE),
    )


def migrate(node: Node, primary: Cluster) -> None:
    """Make the tables as their owner, and give the nodes' role what it needs."""
    run(node, primary, "migrate", "--application-role", ROLE)


def verified(node: Node, primary: Cluster) -> list[str]:
    """Have the log of *primary* verified with the keys of *node*; return what is wrong."""
    done = run(node, primary, "audit", "verify", check=False)
    return [] if done.returncode == 0 else [f"audit verify: {done.stdout}{done.stderr}"]


def run(
    node: Node, primary: Cluster, *arguments: str, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours as the owner of the database."""
    store = {"REGISTRARY_STORE": primary.url(DATABASE, user=USER)}
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        check=check,
        env=node.environment | store,
        text=True,
        timeout=COMMAND_SECONDS,
    )


@contextmanager
def pooler_before(primary: Cluster) -> Iterator[Pooler]:
    """Run one before *primary*; it is gone on leaving."""
    program = Program.find()
    pooler = Pooler(program, program.new_folder(), quiet_port())
    pooler.lead_to(primary.port)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.remove()


def ended(node: Node) -> None:
    """End *node*, gracefully if it can."""
    try:
        node.stop()
    except subprocess.TimeoutExpired:
        node.kill()


def shared_bytes(pid: int) -> int:
    """Return what *pid* and its children hold, pages they share counted once."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if pid in {int(fields[1]), int(path.name)}:
                rollup = (path / "smaps_rollup").read_text()
                total += int(rollup.split("\nPss:")[1].split()[0]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
