"""What happens to the parts of a soak while callers are at work."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.faults.proxy import Network
from tests.soak.scene import Scene

CUTS: Final = [network for network in Network if network is not Network.WHOLE]


@dataclass(frozen=True, slots=True)
class Happening:
    """A mishap from its *start* until everything was well again, on the monotonic clock."""

    kind: str
    start: float
    end: float


def kill_node(scene: Scene, random: Random) -> None:
    """End a node as the death of its machine would, and start another in its place."""
    node = random.choice(scene.nodes)
    node.kill()
    time.sleep(random.uniform(0.5, 4))
    node.start()


def restart_node(scene: Scene, random: Random) -> None:
    """Stop a node gracefully, as for a new version, and start it."""
    node = random.choice(scene.nodes)
    code = node.stop()
    assert code == 0, f"a node that was asked to stop ended with {code}"
    node.start()


def fail_over(scene: Scene, random: Random) -> None:
    """Kill the primary, promote the standby when somebody noticed, and build a new one."""
    scene.primary.kill()
    time.sleep(random.uniform(1, 4))
    scene.take_over()
    scene.wait_until_ready()
    scene.rebuild()


def lose_standby(scene: Scene, random: Random) -> None:
    """Kill the standby, without which nothing may be acknowledged, and start it again."""
    scene.standby.kill()
    time.sleep(random.uniform(2, 8))
    scene.standby.start()


def restart_database(scene: Scene, _random: Random) -> None:
    """Restart the primary, as for a new minor version."""
    scene.primary.restart()


def cut_network(scene: Scene, random: Random) -> None:
    """Cut the first node from both servers, in one of the ways networks fail."""
    scene.cut(random.choice(CUTS))
    time.sleep(random.uniform(2, 8))
    scene.cut(Network.WHOLE)


def kill_pooler(scene: Scene, random: Random) -> None:
    """Kill the pooler, and start it again."""
    scene.pooler.kill()
    time.sleep(random.uniform(0.2, 3))
    scene.pooler.start()


MISHAPS: Final[dict[str, Callable[[Scene, Random], None]]] = {
    "node killed": kill_node,
    "node restarted": restart_node,
    "primary killed, standby promoted": fail_over,
    "standby killed": lose_standby,
    "primary restarted": restart_database,
    "network of a node cut": cut_network,
    "pooler killed": kill_pooler,
}


def deck(random: Random) -> Iterator[str]:
    """Yield kinds of mishaps for ever: each once, in any order, before one comes again."""
    while True:
        yield from random.sample(sorted(MISHAPS), len(MISHAPS))


def happen(kind: str, scene: Scene, random: Random) -> Happening:
    """Let a mishap happen, and return once both nodes can do everything again."""
    start = time.monotonic()
    MISHAPS[kind](scene, random)
    scene.wait_until_ready()
    return Happening(kind, start, time.monotonic())
